"""Traces of requests: W3C contexts, a port to whoever keeps spans, OpenTelemetry behind it."""
