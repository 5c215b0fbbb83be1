"""Replays over the log and the tables: selection of requests, new decisions, summaries."""
