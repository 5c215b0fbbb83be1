"""Selection of the next model: candidates, budgets, fallback, expected cost."""
