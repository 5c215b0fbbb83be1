"""Recorded decisions: what the routing code decided, with all inputs, under one code version."""
