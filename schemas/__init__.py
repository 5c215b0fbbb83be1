"""The contract: topics, Avro records and the codec that every part of Sluice shares."""
