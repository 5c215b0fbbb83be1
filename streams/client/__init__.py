"""Client of the pipeline: publishes requests and receives replies. See `docs/client.md`.

Callers use `client.SluiceClient`; commands and the HTTP gateway use the same parts.
"""
