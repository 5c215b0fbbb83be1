"""The base of the SQL tests: histories, and how queries are run."""
