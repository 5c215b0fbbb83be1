"""From event topics into ClickHouse, exactly once, and the questions asked of it."""
