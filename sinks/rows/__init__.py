"""From records to rows: tables, columns, batches, dedup."""
