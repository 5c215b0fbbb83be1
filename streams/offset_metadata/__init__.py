"""What the metadata of committed offsets says: partition marks, delivery attempts."""
