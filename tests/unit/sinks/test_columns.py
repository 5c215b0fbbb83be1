"""Every column has a source in its event, and unknown stays apart from zero where it matters."""

from __future__ import annotations

import re

import pytest

from sinks.clickhouse.migrate import migrations
from sinks.rows.columns import clickhouse_type, column_expression
from sinks.rows.tables import CALLS, TABLES, EventTable, table_of, topic_pattern

OWN = {"topic", "partition", "offset", "appended_at", "ingested_at"}


def _declared(table: str) -> dict[str, str]:
    """Columns of a table and their types, as the migrations declare them."""
    text = "\n".join(each.text for each in migrations())
    body = re.search(rf"\.{table} \$\{{ON_CLUSTER\}}\n\((.*?)\n\)", text, re.S)
    assert body is not None
    lines = (line.strip().rstrip(",") for line in body[1].splitlines())
    pairs = (line.split(" ", 1) for line in lines if line)
    declared = {name: kind for name, kind in pairs if name not in {"INDEX", "PROJECTION"}}
    for altered in re.findall(rf"ALTER TABLE \S+\.{table} [^;]*;", text):
        added = re.findall(r"ADD COLUMN IF NOT EXISTS (\w+) (\S+)( MATERIALIZED)?", altered)
        declared |= {name: kind for name, kind, computed in added if not computed}
    return declared


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_has_exactly_the_columns_that_the_sink_fills(table: EventTable) -> None:
    own = OWN | ({"repeat"} if table.repeats else set())

    assert set(_declared(table.name)) == set(table.columns) | own


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_column_keeps_null_where_and_only_where_it_is_declared_nullable(
    table: EventTable,
) -> None:
    declared = _declared(table.name)
    for column, source in table.columns.items():
        assert declared[column].startswith("Nullable") == source.endswith("?"), column


def test_money_is_a_product_of_decimals() -> None:
    expression = column_expression(CALLS.event, "cost_nano?")

    assert expression.startswith("toDecimal64(")
    assert expression.endswith(", 0) * toDecimal64('0.000000001', 9)")
    assert "ifNull" not in expression
    assert "Float" not in expression


def test_an_absent_name_is_empty_and_an_absent_count_stays_unknown() -> None:
    assert column_expression(CALLS.event, "feature").startswith("ifNull(")
    expression = column_expression(CALLS.event, "input_tokens?")
    assert expression.endswith(", `event.input_tokens`)")
    assert "ifNull" not in expression


def test_a_source_that_the_event_does_not_have_is_refused() -> None:
    with pytest.raises(KeyError, match="colour"):
        column_expression(CALLS.event, "colour")


def test_avro_types_map_to_their_clickhouse_types() -> None:
    assert clickhouse_type(["null", "long"]) == "Nullable(Int64)"
    assert clickhouse_type({"type": "array", "items": "string"}) == "Array(String)"
    assert clickhouse_type(["null", {"type": "array", "items": "int"}]) == "Array(Int32)"
    assert clickhouse_type({"type": "long", "logicalType": "timestamp-millis"}) == (
        "DateTime64(3, 'UTC')"
    )


@pytest.mark.parametrize(
    ("topic", "read"),
    [
        ("llm.events.cost.v1", True),
        ("llm.requests.v1.dlq", True),
        ("team-a.requests.dlq", True),
        ("team-b.requests.dlq", False),
        ("payments.dlq", False),
        ("llm.tier.simple.v1.dlq", True),
        ("llm.tier.x-y_2.high.v1.dlq", True),
        ("llm.tier.Simple.v1.dlq", False),
        ("llm.wait.60s.v1.dlq", True),
        ("llm.replies.v1.dlq", True),
        ("llm.replies.team-b.v1.dlq", False),
        ("llm.feedback.v1.dlq", True),
        ("llm.requests.v1", False),
        ("xllm.events.cost.v1", False),
        ("llm.events.cost.v1x", False),
        ("llm-events.cost.v1", False),
    ],
)
def test_the_sink_reads_event_topics_and_declared_dead_letters(topic: str, read: bool) -> None:
    ours = ("llm.requests.v1", "team-a.requests")
    assert bool(re.search(topic_pattern(ours), topic)) == read
    if read:
        assert table_of(topic) in TABLES
