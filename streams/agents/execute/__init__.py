"""The execute agent: one hop of a request on its tier."""
