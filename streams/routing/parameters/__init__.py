"""Request parameters that a model accepts, and limits of its answer."""
