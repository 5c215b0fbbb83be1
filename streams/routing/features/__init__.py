"""Features of a request, extracted without a model."""
