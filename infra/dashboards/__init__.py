"""Dashboards for Grafana, made out of the analytics questions."""
