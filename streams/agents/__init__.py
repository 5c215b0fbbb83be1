"""The edges of the graph, one file each: classify, execute, feedback."""
