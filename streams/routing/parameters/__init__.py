"""Request parameters that a model takes, and limits of its answer."""
