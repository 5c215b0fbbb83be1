"""The Faust application that classifies, executes and answers requests."""
