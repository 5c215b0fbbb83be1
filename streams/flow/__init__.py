"""How a stream stays safe: in-order acknowledgement, bounded slots, delivery, journal, dead letters."""
