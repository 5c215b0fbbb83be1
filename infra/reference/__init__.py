"""Pages of the docs that are made from the code: topics, records, settings, questions."""
