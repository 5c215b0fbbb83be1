"""ClickHouse as a store: connections, inserts, migrations, roles, retention."""
