"""HTTP to providers: bounded exchanges under the operator's policy."""
