"""What callers see of the pipeline: headers, and replies in JSON."""
