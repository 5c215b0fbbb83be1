"""A provider simulator: a real HTTP server that speaks the providers' wire formats."""
