"""How good an answer is: its evaluation, and the signals that record it."""
