"""Commands on recorded traffic and labels: train, eval, replay."""
