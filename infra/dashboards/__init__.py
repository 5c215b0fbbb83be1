"""Grafana dashboards generated from the named queries."""
