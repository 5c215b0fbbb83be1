"""Labels for `sluice train` from the tables and the log: answers and their scores.

ClickHouse has the scored answers (`sinks/analytics/labels.sql`). Prompts come from there if the
registry allows storing them, else from the request topics, by topic, partition and offset. Prompts
deleted from the log are counted, never guessed.
"""
