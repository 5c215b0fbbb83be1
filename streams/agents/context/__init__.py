"""What the agents work with: dependencies, a hop's state, call specs, outcome kinds."""
