"""Alert rules held against measures, and the states of alerts."""
