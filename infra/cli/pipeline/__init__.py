"""Commands of the local pipeline."""
