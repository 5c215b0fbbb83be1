"""HTTP endpoints: Starlette handlers over the dialects and the log."""
