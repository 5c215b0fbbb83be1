"""Context of the agents: ports, the state of a hop, call specs, outcome kinds."""
