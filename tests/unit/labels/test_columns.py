"""Label files with other field names, groups to exclude, and models named in errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import orjson
import pytest

from infra.cli.arguments.columns import columns_of
from streams.offline.training.folds import splits
from streams.offline.training.labels import LabelsError, read_labels

ROWS = [
    {
        "q": f"Question {number}?",
        "small": 0.0,
        "o": {"big": 1.0, "said": "Yes."},
        "subject": subject,
    }
    for number, subject in enumerate(("law", "law", "physics", "art"))
]
MAPPED = ("prompt=q", "score.small=small", "score.large=o.big")


def _file(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "rows.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    return path


def test_fields_are_read_under_their_own_names(tmp_path: Path) -> None:
    labels = read_labels(_file(tmp_path, ROWS), ("small", "large"), columns_of(MAPPED))

    assert labels.prompts[1] == "Question 1?"
    assert labels.column("large").tolist() == [1.0] * 4


def test_texts_are_kept_with_their_scores(tmp_path: Path) -> None:
    columns = columns_of(("prompt=q", "score.large=o.big", "text.large=o.said"))
    labels = read_labels(_file(tmp_path, ROWS), ("large",), columns)

    assert labels.with_texts
    assert labels.rows[0].texts == {"large": "Yes."}


def test_rows_are_excluded_by_group(tmp_path: Path) -> None:
    labels = read_labels(_file(tmp_path, ROWS), (), columns_of(MAPPED, "subject"))
    left_out = [outside.tolist() for _, outside in splits(labels, None)]

    assert left_out == [[3], [0, 1], [2]]
    assert all(
        set(inside) | set(outside) == {0, 1, 2, 3} for inside, outside in splits(labels, None)
    )


def test_one_group_can_not_be_left_out(tmp_path: Path) -> None:
    labels = read_labels(_file(tmp_path, ROWS[:2]), (), columns_of(MAPPED, "subject"))

    with pytest.raises(LabelsError, match="two groups"):
        splits(labels, None)


def test_a_row_without_its_group_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match=r"line 1: no field `topic`"):
        read_labels(_file(tmp_path, ROWS), (), columns_of(MAPPED, "topic"))


def test_the_models_that_exist_are_named_where_one_does_not(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match="no scores of huge; scored models: small, large"):
        read_labels(_file(tmp_path, ROWS), ("small", "huge"), columns_of(MAPPED))


@pytest.mark.parametrize("given", ["prompt", "score=x", "colour=x", "text.small=x", "score.a="])
def test_other_mappings_are_refused(given: str) -> None:
    with pytest.raises(click.BadParameter):
        columns_of((given,))
