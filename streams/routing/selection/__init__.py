"""Which model is asked next: candidates, budgets, fallback, expected cost."""
