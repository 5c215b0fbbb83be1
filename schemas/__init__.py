"""The contract shared by all packages: topics, Avro records and the codec."""
