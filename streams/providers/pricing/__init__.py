"""What calls cost: price lists, usage, calls without a bill."""
