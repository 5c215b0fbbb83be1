"""Reads the tables with clickhouse-connect and pandas: where the money goes, day by day.

    CLICKHOUSE_USER=sluice CLICKHOUSE_PASSWORD="$(cat .sluice/clickhouse/password)" \
        python spend_with_pandas.py

The views are the contract: `requests` has a row for each request that ended, `spend` one for each
provider call. A cost that is NULL is unknown, never zero, so pandas is to skip it and you are to
count it.
"""

import os

import clickhouse_connect

client = clickhouse_connect.get_client(
    host=os.environ.get("CLICKHOUSE_HOST", "localhost"),
    port=int(os.environ.get("CLICKHOUSE_PORT", "8123")),
    username=os.environ.get("CLICKHOUSE_USER", "default"),
    password=os.environ.get("CLICKHOUSE_PASSWORD", ""),
    database=os.environ.get("CLICKHOUSE_DATABASE", "sluice"),
)

calls = client.query_df(
    """
    SELECT toDate(at) AS day, request_model AS model, purpose, toFloat64(cost) AS usd,
        latency_ms, ifNull(input_tokens, 0) + ifNull(output_tokens, 0) AS tokens
    FROM spend
    WHERE at >= now() - INTERVAL 7 DAY
    """
)
by_model = calls.groupby(["day", "model"]).agg(
    calls=("usd", "size"),
    usd=("usd", "sum"),
    unknown=("usd", lambda cost: cost.isna().sum()),
    tokens=("tokens", "sum"),
    p95_ms=("latency_ms", lambda ms: ms.quantile(0.95)),
)
print(by_model.round(4).to_string())

requests = client.query_df(
    """
    SELECT decided_tier AS started_on, toFloat64(cost) AS usd, toFloat64(baseline_cost) AS baseline,
        length(tiers_tried) > 1 AS escalated
    FROM requests
    WHERE status = 'replied' AND ended_at >= now() - INTERVAL 7 DAY
    """
).dropna(subset=["usd", "baseline"])
saved = 1 - requests["usd"].sum() / requests["baseline"].sum()
print(
    f"\n{len(requests)} requests, {saved:.0%} saved, {requests['escalated'].mean():.0%} escalated"
)
