"""Files of labels are read strictly, and say on which line they are not what they should be."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from streams.learning.labels import LabelsError, read_labels

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


def test_a_row_that_lacks_a_named_model_is_left_out(tmp_path: Path) -> None:
    path = _file(tmp_path, GOOD + b'{"prompt": "b", "scores": {"m": 1}}\n')

    assert len(read_labels(path, ["m", "n"])) == 1
    assert read_labels(path).models == ("m",)


WRONG = {
    "no JSON": (b"{", "line 2: not JSON"),
    "no object": (b"[]", "line 2: an object"),
    "no prompt": (b'{"scores": {"m": 1}}', "text `prompt`"),
    "no scores": (b'{"prompt": "a"}', "`answers` or `scores`"),
    "a score as text": (b'{"prompt": "a", "scores": {"m": "1"}}', "score of m is not a number"),
    "a score above 1": (b'{"prompt": "a", "scores": {"m": 2}}', "from 0 to 1"),
    "a yes": (b'{"prompt": "a", "scores": {"m": true}}', "not a number"),
    "an answer without score": (b'{"prompt": "a", "answers": {"m": {"text": "x"}}}', "`score`"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_line_is_named(tmp_path: Path, kind: str) -> None:
    line, said = WRONG[kind]
    with pytest.raises(LabelsError, match=said):
        read_labels(_file(tmp_path, GOOD + line))


def test_an_empty_file_a_missing_one_and_a_missing_model_are_errors(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match="no row"):
        read_labels(_file(tmp_path, b""))
    with pytest.raises(LabelsError, match="can't be read"):
        read_labels(tmp_path / "nowhere")
    with pytest.raises(LabelsError, match="for m and q: there is no row"):
        read_labels(_file(tmp_path, GOOD), ["m", "q"])
    with pytest.raises(LabelsError, match="can't be read"):
        read_labels(_file(tmp_path, GOOD, "labels.jsonl.gz"))
