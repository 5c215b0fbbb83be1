"""The logged requests again, under another registry: what would have been decided, paid and good.

Nothing here joins a group, writes to a topic of live traffic, or books on its budgets.
"""
