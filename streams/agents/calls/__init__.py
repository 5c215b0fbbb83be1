"""Provider calls: admission, the call itself, its accounting."""
