"""Metadata of committed offsets: partition marks and delivery attempts."""
