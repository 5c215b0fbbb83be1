"""Hostile input: bad records, poison, senders, a browser, a terminal."""
