"""Provider simulator: an HTTP server with the providers' wire formats."""
