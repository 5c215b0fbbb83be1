"""Access to Kafka: security, tokens, the preflight check, and consumers."""
