"""The generated pages of docs/, each a function without arguments that returns the text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import orjson
from pydantic_settings import BaseSettings

from infra.settings import InfraSettings
from schemas.alert_names import AlertName, Resolution
from schemas.encoding.avro_schemas import VALUES, whole_schema
from schemas.records import DAY_MS
from schemas.topic_declarations import PartitioningClass, Topic, declared_topics
from schemas.topics import MIB
from sinks.analytics.named_queries import questions
from sinks.settings import SinkSettings
from streams.gateway.settings import GatewaySettings
from streams.registry.document.document import json_schema
from streams.worker.settings import WorkerSettings

_MADE = "<!-- Made by `make docs`; edit the code instead. -->\n"
_WIDTHS = {
    PartitioningClass.REQUESTS: "`SLUICE_REQUEST_PARTITIONS`",
    PartitioningClass.PIPELINE: "`SLUICE_PIPELINE_PARTITIONS`",
    PartitioningClass.SINGLE: "1",
}


def topics_page() -> str:
    """Return the page of all topics: key, value, partitions, retention, size, writers, readers."""
    heads = (
        "topic",
        "key",
        "value",
        "partitions",
        "retention",
        "largest record",
        "written by",
        "read by",
    )
    rows = [_topic_row(topic) for topic in declared_topics()]
    return "\n".join(
        (
            "# Topics\n",
            _MADE,
            "Topics are declared in `schemas/topic_declarations.py` and created by "
            "`sluice topics create`. All use the broker's append time. Tier, wait and event "
            "topics share one partition count "
            "and the key `tenant/request id` (murmur2), so that work and its journal have the same "
            "partition number. The tiers are those of the registry; the table has the default "
            "ones.\n",
            *_table(heads, rows),
            "",
        )
    )


def _topic_row(topic: Topic) -> Sequence[str]:
    kept = "compacted" if topic.retention_ms is None else f"{topic.retention_ms // DAY_MS} d"
    return (
        f"`{topic.name}`",
        topic.key,
        topic.value,
        _WIDTHS[topic.width],
        kept,
        f"{topic.max_message_bytes // MIB} MiB",
        topic.writers,
        topic.readers,
    )


def records_page() -> str:
    """Return the page of all records and their fields."""
    parts = [
        "# Records\n",
        _MADE,
        "The values of the topics, from `schemas/avro`. Times are milliseconds since 1970 UTC by "
        "the broker's clock. Money is integer nano-USD. Null is unknown, never zero. JSON requests "
        "and replies have the same fields, with money in USD and messages as objects.\n",
    ]
    for name in VALUES:
        parts.extend(_record(whole_schema(name), f"## {name}"))
    return "\n".join(parts)


def _record(schema: dict[str, Any], heading: str) -> Iterator[str]:
    yield f"{heading}\n"
    yield f"{schema.get('doc', '')}\n"
    rows = [
        (f"`{field['name']}`", _type(field["type"]), field.get("doc", ""))
        for field in schema["fields"]
    ]
    yield from _table(("field", "type", "meaning"), rows)
    yield ""
    for field in schema["fields"]:
        for inner in _inner_records(field["type"]):
            yield from _record(inner, f"### {inner['name'].rsplit('.', 1)[-1]}")


def _inner_records(kind: Any) -> Iterator[dict[str, Any]]:
    if isinstance(kind, list):
        for each in kind:
            yield from _inner_records(each)
    elif isinstance(kind, dict):
        if kind["type"] == "record":
            yield kind
        elif kind["type"] in {"array", "map"}:
            yield from _inner_records(kind.get("items", kind.get("values")))


def _type(kind: Any) -> str:
    if isinstance(kind, list):
        return " or ".join(_type(each) for each in kind)
    if isinstance(kind, str):
        return kind.rsplit(".", 1)[-1]
    if kind["type"] == "array":
        return f"list of {_type(kind['items'])}"
    if kind["type"] == "map":
        return f"map of {_type(kind['values'])}"
    name = kind.get("logicalType") or kind.get("name") or kind["type"]
    return str(name).rsplit(".", 1)[-1]


def settings_page() -> str:
    """Return the page of all settings of commands, workers and sinks."""
    parts = [
        "# Settings\n",
        _MADE,
        "Settings are environment variables. A name has the same meaning in every process.\n",
    ]
    kinds: tuple[tuple[str, type[BaseSettings]], ...] = (
        ("Commands and the local pipeline", InfraSettings),
        ("Worker", WorkerSettings),
        ("HTTP gateway", GatewaySettings),
        ("Sink, migrations, queries", SinkSettings),
    )
    for title, settings in kinds:
        rows = [
            (f"`SLUICE_{name.upper()}`", _default(field.default), field.description or "")
            for name, field in settings.model_fields.items()
        ]
        parts.extend((f"## {title}\n", *_table(("variable", "default", "meaning"), rows), ""))
    return "\n".join(parts)


def _default(value: Any) -> str:
    return "-" if value is None or value == "" else f"`{value}`"


def alert_names_page() -> str:
    """Return the page of all alerts that processes raise themselves, with their resolution."""
    rows = [(f"`{name}`", name.meaning, name.resolution.value) for name in AlertName]
    return "\n".join(
        (
            "# Built-in alerts\n",
            _MADE,
            "Processes raise these alerts themselves, without a rule in the registry. They "
            "are published on `llm.alerts.v1` like alerts of rules ([alerts](alerts.md)). A rule "
            "of the same name takes over the resolution.\n",
            *_table(("alert", "meaning", "resolved"), rows),
            "",
            f"A lasting cause is published again after 10 minutes, so an alert that resolves "
            f"{Resolution.QUIET.value} stays active as long as its cause. `sluice alerts` shows "
            "the latest message.",
            "",
        )
    )


def questions_page() -> str:
    """Return the page of all named queries with their columns."""
    parts = [
        "# SQL\n",
        _MADE,
        "Tables: `calls` (one row a provider call), `quality` (one a signal), `outcomes` (one a "
        "journal record), `dead_letters`, `registry_versions`, `alerts`, `replay_decisions`. "
        "Views: `requests` (one row a request: its first terminal outcome) and `spend` (one row "
        "a call, so `sum(cost)` is the total spending). Money is `Decimal(18,9)` USD, NULL is "
        "unknown, and time is UTC. Numbers outside the range of their field are clamped "
        "(a confidence of 7.5 to 1, a negative latency to 0). An event with an infinite "
        "number or an invalid time becomes a dead letter. Rows with "
        "`repeat = 1` are duplicates after a crash; the views exclude them.\n",
        "```sql\nSELECT tier, count() AS answers, sum(cost) AS usd\nFROM sluice.requests\n"
        "WHERE status = 'replied' AND ended_at > now() - INTERVAL 1 DAY\nGROUP BY tier\n```\n",
        "The named queries below are files in `sinks/analytics`. `sluice query NAME [--since 24h] "
        "[--format table|csv|json]` runs one.\n",
    ]
    for each in questions().values():
        parts.append(f"## {each.name}\n")
        parts.append(f"{each.title}\n")
        if each.about:
            parts.append(f"{each.about}\n")
        rows = [(f"`{column.name}`", column.unit, column.about) for column in each.columns]
        parts.extend((*_table(("column", "unit", "meaning"), rows), ""))
    return "\n".join(parts)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _line(heads)
    yield _line(["---"] * len(heads))
    for row in rows:
        yield _line([cell.replace("|", "\\|") for cell in row])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def registry_schema() -> str:
    """Return the JSON Schema of registry files, for editors."""
    return orjson.dumps(json_schema(), option=orjson.OPT_INDENT_2).decode() + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "topics.md": topics_page,
    "records.md": records_page,
    "settings.md": settings_page,
    "alert_names.md": alert_names_page,
    "sql.md": questions_page,
    "registry.schema.json": registry_schema,
}
"""File name in docs/, to the function that returns its text."""
