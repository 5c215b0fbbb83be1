"""Retention: texts are emptied, rows expire, and unchanged settings are not applied again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from clickhouse_connect.driver.client import Client

from sinks.clickhouse.retention import KEPT, TEXTS, keep_only
from sinks.settings import SinkSettings


def _put(tables: Client, days_ago: float, request_id: str) -> None:
    then = datetime.now(UTC) - timedelta(days=days_ago)
    tables.insert(
        "outcomes",
        [[request_id, "What is 1 + 1?", "2", True, "replied", then, then]],
        column_names=["request_id", "prompt", "answer", "final", "kind", "at", "ingested_at"],
    )


def _merged(tables: Client) -> dict[str, str]:
    tables.command("OPTIMIZE TABLE outcomes FINAL")
    rows = tables.query("SELECT request_id, prompt || answer FROM outcomes").result_rows
    return dict(rows)


def _kept(settings: SinkSettings, **days: int) -> SinkSettings:
    return settings.model_copy(update=days)


def test_texts_are_emptied_when_they_are_old_enough_and_their_rows_stay(
    tables: Client, settings: SinkSettings
) -> None:
    keep_only(tables, _kept(settings, text_days=30))
    _put(tables, 31, "old")
    _put(tables, 1, "young")
    assert _merged(tables) == {"old": "", "young": "What is 1 + 1?2"}


def test_stored_texts_expire_as_well(tables: Client, settings: SinkSettings) -> None:
    _put(tables, 31, "old")
    keep_only(tables, _kept(settings, text_days=30))
    assert _merged(tables) == {"old": ""}


def test_rows_expire_once_all_of_their_part_are_old_enough(
    tables: Client, settings: SinkSettings
) -> None:
    keep_only(tables, _kept(settings, row_days=100))
    _put(tables, 400, "old")
    _put(tables, 10, "young")
    assert set(_merged(tables)) == {"young"}
    ends = tables.query(
        "SELECT sum(requests) FROM outcomes_hourly(since = '2000-01-01 00:00:00', "
        "until = '2100-01-01 00:00:00')"
    )
    assert ends.first_row[0] == 1


def test_unchanged_retention_is_not_set_again(tables: Client, settings: SinkSettings) -> None:
    wanted = _kept(settings, text_days=30, row_days=100)
    texts = sum(len(columns) for columns in TEXTS.values())
    assert len(keep_only(tables, wanted)) == texts + 2 * len(KEPT)
    assert keep_only(tables, wanted) == []
    assert len(keep_only(tables, _kept(settings, text_days=7, row_days=100))) == texts


def test_zero_days_disable_expiry(tables: Client, settings: SinkSettings) -> None:
    keep_only(tables, _kept(settings, text_days=30, row_days=100))
    keep_only(tables, _kept(settings, text_days=0, row_days=0))
    _put(tables, 5_000, "old")
    assert _merged(tables) == {"old": "What is 1 + 1?2"}
    assert keep_only(tables, _kept(settings, text_days=0, row_days=0)) == []
