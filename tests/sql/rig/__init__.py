"""What the SQL tests stand on: histories, and how queries are asked."""
