"""The ClickHouse store: connections, inserts, migrations, roles, retention."""
