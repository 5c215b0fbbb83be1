"""Calls of providers: admission, the call itself, its accounting."""
