"""Conversion of tool calls between vendors: ids and JSON Schemas."""
