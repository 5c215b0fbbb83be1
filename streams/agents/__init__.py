"""Faust agents, one package or file each: classify, execute, feedback, wait."""
