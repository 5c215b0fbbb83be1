"""Commands that send requests and explain them."""
