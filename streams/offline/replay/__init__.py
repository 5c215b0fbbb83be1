"""Replay of logged requests under another registry: hypothetical decisions, costs and quality.

A replay joins no group, writes to no topic of live traffic, and uses no budget.
"""
