"""Golden outputs: what users read, kept as files, so that moves and renames change nothing."""
