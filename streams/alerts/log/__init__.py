"""The log of alerts: what is written there, and how it is read again."""
