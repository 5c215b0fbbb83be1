"""The model registry: its schema, its topic, its hot reload."""
