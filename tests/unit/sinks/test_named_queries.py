"""Every query describes itself, and rejects invalid parameters with a reason."""

from __future__ import annotations

import pytest

from sinks.analytics.named_queries import parse_question, question, questions
from sinks.errors import QueryParameterError, UnknownQueryError

UNITS = {"USD", "ms", "share", "count", "tokens", "tokens/s", "bytes", "time", "text", "number"}


@pytest.mark.parametrize("name", questions())
def test_a_query_has_a_question_as_title_and_columns_with_units(name: str) -> None:
    query = question(name)

    assert query.title.endswith("?")
    assert {column.unit for column in query.columns} <= UNITS
    assert len({column.name for column in query.columns}) == len(query.columns)
    assert not query.sql.startswith("--")
    for parameter in query.parameters:
        assert parameter.default in (parameter.choices or (parameter.default,))


def test_every_documented_query_exists() -> None:
    assert set(questions()) >= {
        "routing_distribution", "cost_vs_baseline", "cost_by", "latency_by_tier", "fallback_rate",
        "quality_by_tier", "misclassification", "escalation_value", "routing_overhead",
        "provider_health", "experiment", "spend", "unknown_cost", "dead_letters", "request",
    }  # fmt: skip


def test_an_unknown_question_is_answered_with_the_nearest_names() -> None:
    with pytest.raises(UnknownQueryError, match="latency_by_tier"):
        question("latency_by_tiers")


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("request", {}, "needs request_id"),
        ("cost_by", {"by": "colour"}, "one of tier, feature"),
        ("cost_by", {"colour": "red"}, "has no parameter colour; its parameters: by"),
        ("latency_by_tier", {"x": "1"}, "its parameters: none"),
    ],
)
def test_a_wrong_parameter_is_named(name: str, given: dict[str, str], message: str) -> None:
    with pytest.raises(QueryParameterError, match=message):
        question(name).values(given)


def test_missing_parameters_have_their_defaults() -> None:
    assert question("cost_by").values({}) == {"by": "tier"}
    assert question("request").values({"request_id": "r"}) == {"request_id": "r", "tenant": ""}


@pytest.mark.parametrize(
    "text",
    [
        "-- column a [count]: b\nSELECT 1 AS a",
        "-- Why?\nSELECT 1 AS a",
        "-- Why?\n-- column a [count]: b\nSELECT {x:String} AS a",
        "-- Why?\n-- param x = 1: c\n-- column a [count]: b\nSELECT 1 AS a",
        "-- Why?\n-- column a: b\nSELECT 1 AS a",
    ],
)
def test_a_head_that_does_not_fit_its_sql_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"analytics/bad\.sql"):
        parse_question("bad", text)
