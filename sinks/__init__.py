"""Storage of event topics in ClickHouse, exactly once, and the analytics queries."""
