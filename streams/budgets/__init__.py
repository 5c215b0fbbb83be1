"""Budgets over all workers: the cost topic counted, the ledger kept, what is in flight reserved."""
