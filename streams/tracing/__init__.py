"""Traces of requests: W3C contexts, a port for spans, OpenTelemetry behind it."""
