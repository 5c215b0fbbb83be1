"""The registry file: its sections, validated by pydantic."""
