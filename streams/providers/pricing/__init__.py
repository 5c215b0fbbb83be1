"""Cost of calls: price lists, usage, calls without reported usage."""
