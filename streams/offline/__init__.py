"""Offline tools: training, evaluation, replay."""
