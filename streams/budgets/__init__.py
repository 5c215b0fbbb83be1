"""Budgets over all workers: spend from the cost topic, the ledger, reservations for calls in
flight.
"""
