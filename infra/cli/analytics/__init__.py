"""Commands that show what ClickHouse has."""
