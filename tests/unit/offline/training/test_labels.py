"""Label files are read strictly, and errors name the line."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from streams.offline.training.labels import LabelsError, read_labels

GOOD = (
    b'{"prompt": "a", "answers": {"m": {"score": 1, "text": "x"}, "n": {"score": 0, "text": ""}}}\n'
)


def _file(folder: Path, content: bytes, name: str = "labels.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_answers_and_scores_are_read_plain_and_zipped(tmp_path: Path) -> None:
    plain = read_labels(_file(tmp_path, GOOD * 2))
    zipped = read_labels(_file(tmp_path, gzip.compress(GOOD * 2), "labels.jsonl.gz"))
    bare = read_labels(_file(tmp_path, b'{"prompt": "a", "scores": {"m": 0.5}}', "bare.jsonl"))

    assert plain == zipped
    assert plain.models == ("m", "n")
    assert plain.with_texts
    assert not bare.with_texts
    assert bare.column("m") == [0.5]


def test_a_score_missing_from_a_row_is_unknown_and_not_zero(tmp_path: Path) -> None:
    labels = read_labels(_file(tmp_path, GOOD + b'{"prompt": "b", "scores": {"n": 1}}\n'))

    assert labels.models == ("m", "n")
    assert np.isnan(labels.scores).tolist() == [[False, False], [True, False]]
    assert labels.scored_by("m").tolist() == [0]
    assert labels.column("n").tolist() == [0, 1]
    with pytest.raises(LabelsError, match="no scores of m in every row"):
        labels.column("m")


def test_a_row_without_a_named_model_is_excluded(tmp_path: Path) -> None:
    path = _file(tmp_path, GOOD + b'{"prompt": "b", "scores": {"m": 1}}\n')

    assert len(read_labels(path, ["m", "n"])) == 1


def test_a_rarely_scored_model_is_excluded_unless_named(tmp_path: Path) -> None:
    often = b'{"prompt": "b", "scores": {"m": 1, "n": 0, "often": 1}}\n' * 50
    rare = b'{"prompt": "c", "scores": {"m": 1, "n": 0, "rare": 1}}\n' * 49
    path = _file(tmp_path, often + rare)

    assert read_labels(path, ["m", "n"]).models == ("m", "n", "often")
    assert read_labels(path).models == ("m", "n", "often", "rare")


def test_a_row_has_the_weight_that_it_states(tmp_path: Path) -> None:
    content = (
        b'{"prompt": "a", "scores": {"m": 1}, "weight": 4}\n{"prompt": "b", "scores": {"m": 0}}'
    )

    assert read_labels(_file(tmp_path, content)).weights.tolist() == [4, 1]


WRONG = {
    "no JSON": (b"{", "line 2: not JSON"),
    "no object": (b"[]", "line 2: expected an object"),
    "no prompt": (b'{"scores": {"m": 1}}', "text `prompt`"),
    "no scores": (b'{"prompt": "a"}', "`answers` or `scores`"),
    "a score as text": (b'{"prompt": "a", "scores": {"m": "1"}}', "score of m is not a number"),
    "a score above 1": (b'{"prompt": "a", "scores": {"m": 2}}', "from 0 to 1"),
    "a yes": (b'{"prompt": "a", "scores": {"m": true}}', "not a number"),
    "an unknown score that is said": (b'{"prompt": "a", "scores": {"m": null}}', "not a number"),
    "no weight": (b'{"prompt": "a", "scores": {"m": 1}, "weight": 0}', "`weight`"),
    "a weight as text": (b'{"prompt": "a", "scores": {"m": 1}, "weight": "2"}', "`weight`"),
    "an answer without score": (b'{"prompt": "a", "answers": {"m": {"text": "x"}}}', "`score`"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_line_is_named(tmp_path: Path, kind: str) -> None:
    line, message = WRONG[kind]
    with pytest.raises(LabelsError, match=message):
        read_labels(_file(tmp_path, GOOD + line))


def test_an_empty_file_a_missing_one_and_a_missing_model_are_errors(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match="no row"):
        read_labels(_file(tmp_path, b""))
    with pytest.raises(LabelsError, match="cannot read"):
        read_labels(tmp_path / "nowhere")
    with pytest.raises(LabelsError, match="no scores of q; scored models: m"):
        read_labels(_file(tmp_path, GOOD), ["m", "q"])
    with pytest.raises(LabelsError, match="cannot read"):
        read_labels(_file(tmp_path, GOOD, "labels.jsonl.gz"))


def test_answers_and_scores_of_a_row_count_together(tmp_path: Path) -> None:
    line = (
        b'{"prompt": "a", "answers": {"m": {"score": 1, "text": "x"}, "n": {"text": "y"}}, '
        b'"scores": {"m": 1, "n": 0.5, "o": 0}}'
    )
    (row,) = read_labels(_file(tmp_path, line)).rows

    assert row.scores == {"m": 1, "n": 0.5, "o": 0}
    assert row.texts == {"m": "x", "n": "y"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"prompt": "a", "answers": {"m": {"score": 1}}, "scores": {"m": 0}}', "differ in"),
        (b'{"prompt": "a", "answers": [], "scores": {"m": 0}}', "`answers` or `scores`"),
        (b'{"prompt": "a", "answers": {"m": {"score": 1}}, "scores": 1}', "`answers` or `scores`"),
        (b'{"prompt": "a",}', "not JSON: .*(trailing|unexpected)"),
    ],
)
def test_contradictions_and_causes_are_named(tmp_path: Path, line: bytes, message: str) -> None:
    with pytest.raises(LabelsError, match=f"line 1.*{message}"):
        read_labels(_file(tmp_path, line))
