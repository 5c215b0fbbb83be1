"""What was learnt: fitting, artifacts, evaluation of both."""
