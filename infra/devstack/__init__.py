"""The local pipeline: Kafka, ClickHouse and Sluice's processes on one machine, from Python
packages.
"""
