"""Records that can't be read: their reports, their pace, their dead letters."""
