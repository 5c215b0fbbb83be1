"""Code shared by all processes: access to Kafka and schema registries, secrets, logs."""
