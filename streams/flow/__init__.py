"""How a stream stays safe: acknowledgement, slots, delivery, journal, dead letters."""
