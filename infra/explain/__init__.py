"""The whole life of a request, told from what is stored of it."""
