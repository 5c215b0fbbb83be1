"""The registry file: its parts, checked by pydantic."""
