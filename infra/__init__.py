"""Operation of Sluice: the command line, the local pipeline, the simulator, deployment."""
