"""Replay of recorded decisions under another policy."""
