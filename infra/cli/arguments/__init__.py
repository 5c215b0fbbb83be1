"""Arguments of commands, validated before work begins."""
