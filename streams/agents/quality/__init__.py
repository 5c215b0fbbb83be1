"""Quality of answers: evaluation, and the signals that record it."""
