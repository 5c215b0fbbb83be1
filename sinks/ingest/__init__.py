"""The ingest path: from records of event topics to acknowledged inserts."""
