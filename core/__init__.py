"""What every process uses: the ways into Kafka and into schema registries, secrets, logs."""
