"""The hop journal: finished, started and leased hops."""
