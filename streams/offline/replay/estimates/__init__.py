"""What another policy would have cost and achieved, estimated from the log."""
