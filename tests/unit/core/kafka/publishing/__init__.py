"""Parts of the publisher."""
