"""The `sluice` command, one file a command."""
