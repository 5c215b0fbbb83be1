"""The hop journal: which hops are done, begun and leased."""
