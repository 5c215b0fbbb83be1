"""Labels for `sluice train`, out of the tables and the log: what was answered, and how good it was.

ClickHouse says which answers were judged (`sinks/analytics/labels.sql`); the prompts come from
there where the registry lets them be stored, else from the request topics, by their place in the
log. What the log no longer holds is counted, never guessed.
"""
