"""What simulated models answer."""
