"""A caller of the pipeline: publishes requests, hears their replies. Used by ask, send and demo."""
