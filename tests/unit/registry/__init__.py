"""The registry: its file, its versions, its topic, its hot reload."""
