"""What pipeline tests, chaos runs and the bench stand on: real processes, load, reconciliation."""
