"""Client of the pipeline: publishes requests and receives replies. Used by ask, send and demo."""
