"""The model registry: schema, topic and hot reload."""
