"""What tests observe of running processes."""
