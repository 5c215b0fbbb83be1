"""From records of event topics to acknowledged inserts."""
