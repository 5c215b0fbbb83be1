"""Replays over the real log and the real tables: which requests, decided again, summed up."""
