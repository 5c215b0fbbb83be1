"""Files of requests: reading them, totals of their replies, lines without an answer."""
