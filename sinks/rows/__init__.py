"""Conversion of records to rows: tables, columns, batches, deduplication."""
