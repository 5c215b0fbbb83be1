"""The timeline of a request from its stored rows."""
