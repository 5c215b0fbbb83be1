"""The named queries, one SQL file each, and their runner."""
