"""What running workers say about themselves, and whether a registry version suits them."""
