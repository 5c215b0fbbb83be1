"""Terminal outcomes and their replies."""
