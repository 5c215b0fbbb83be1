"""How commands print counts, and a pipeline that starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.cli.output.screen import counted
from infra.cli.pipeline.local_pipeline import doing_in_words
from infra.devstack.processes.state import PipelinePhase, PipelineState
from streams.offline.training.labels import LabelsError, read_labels


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 records"), (1, "1 record"), (2, "2 records"), (1200, "1,200 records")],
)
def test_a_noun_agrees_with_its_count(count: int, expected: str) -> None:
    assert counted(count, "record") == expected


def test_a_failed_start_is_not_shown_as_starting() -> None:
    starting = PipelineState(supervisor=1, phase=PipelinePhase.STARTING, doing="topics")
    failed = PipelineState(supervisor=1, phase=PipelinePhase.FAILED, doing="ending")

    assert doing_in_words(starting) == "starting topics"
    assert doing_in_words(failed) == "stopping the started processes"


def test_a_missing_labels_file_is_reported_without_an_error_number(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match=r"cannot read .*: No such file or directory$"):
        read_labels(tmp_path / "missing.jsonl")
