"""Tool calls between vendors: ids and JSON Schemas."""
