"""Arguments of commands, checked before work begins."""
