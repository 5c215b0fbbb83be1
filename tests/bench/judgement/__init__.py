"""Quality of routing decisions on recorded sets in `BENCH_DATA`."""
