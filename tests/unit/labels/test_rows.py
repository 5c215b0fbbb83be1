"""Judged answers become rows: which signals count, their weights, and what is excluded."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.labels.rows import LabelRow, LabelsFileError, label_rows, write_rows
from streams.offline.training.labels import read_labels
from tests.unit.labels.world import answer, request

FIRST, SECOND = request(1), request(2)
PROMPTS = {FIRST: "One?", SECOND: "Two?"}


def test_answers_to_one_request_are_one_row() -> None:
    answers = [answer(FIRST, "simple", 0.2), answer(SECOND), answer(FIRST, "complex", 0.9)]

    assert label_rows(answers, PROMPTS) == [
        LabelRow(prompt="One?", scores={"simple": 0.2, "complex": 0.9}, weight=1.0),
        LabelRow(prompt="Two?", scores={"simple": 1.0}, weight=1.0),
    ]


def test_columns_can_be_models() -> None:
    answers = [answer(FIRST, "simple", 0.2, model="a"), answer(FIRST, "simple", 0.4, model="b")]

    by_model = label_rows(answers, PROMPTS, by="model")
    by_tier = label_rows(answers, PROMPTS, by="tier")
    assert by_model[0].scores == {"a": 0.2, "b": 0.4}
    assert by_tier[0].scores == {"simple": pytest.approx(0.3)}


def test_of_two_models_of_a_tier_the_more_trusted_signal_counts() -> None:
    answers = [
        answer(FIRST, "simple", 0.2, model="a", signal="judge"),
        answer(FIRST, "simple", 0.4, model="b", signal="feedback"),
        answer(FIRST, "simple", 0.9, model="c", signal="golden"),
    ]

    assert label_rows(answers, PROMPTS)[0].scores == {"simple": 0.9}
    assert label_rows(answers[:2], PROMPTS)[0].scores == {"simple": 0.4}


@pytest.mark.parametrize(
    ("propensities", "weight"),
    [((None,), 1), ((0.25,), 4), ((0.5, 0.25), 4), ((0.05,), 20), ((0.001,), 20), ((0.0,), 20)],
)
def test_a_shadow_call_is_weighted_by_its_probability_within_a_limit(
    propensities: tuple[float | None, ...], weight: float
) -> None:
    answers = [answer(FIRST, f"t{n}", propensity=each) for n, each in enumerate(propensities)]

    assert label_rows(answers, PROMPTS)[0].weight == pytest.approx(weight)


@pytest.mark.parametrize("prompt", [None, "", "  \n"])
def test_a_request_without_a_prompt_is_no_row(prompt: str | None) -> None:
    known = {} if prompt is None else {FIRST: prompt}

    assert label_rows([answer(FIRST)], known) == []


@pytest.mark.parametrize("name", ["labels.jsonl", "labels.jsonl.gz"])
def test_written_labels_are_readable_by_training(tmp_path: Path, name: str) -> None:
    answers = [answer(FIRST, "simple", 0.2), answer(FIRST, "complex", 0.9)]
    write_rows(tmp_path / name, label_rows(answers, PROMPTS))

    labels = read_labels(tmp_path / name, ("simple", "complex"))
    assert labels.prompts == ["One?"]
    assert labels.column("complex").tolist() == [0.9]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabelsFileError, match="cannot be written"):
        write_rows(tmp_path, [])
