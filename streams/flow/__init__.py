"""Dispatch of messages to handlers: slots, retries, ordered acknowledgement, gaps in the log."""
