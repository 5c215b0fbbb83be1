"""Commands of the HTTP gateway."""
