"""OpenAI's chat completions, as the simulator serves them."""
