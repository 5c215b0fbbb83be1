"""The `sluice` command, one file per subcommand."""
