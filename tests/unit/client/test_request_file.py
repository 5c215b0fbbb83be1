"""Files of requests: read completely, or rejected by line before anything is sent."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from streams.client.batch import request_file
from streams.client.batch.request_file import RequestFileError, RequestFileFormat, numbered_requests


def read_requests(path: Path, reading: RequestFileFormat) -> list[dict[str, Any]]:
    return [request for _, request in numbered_requests(path, reading)]


def _file(folder: Path, text: str) -> Path:
    path = folder / "requests.jsonl"
    path.write_text(text)
    return path


def test_requests_keep_their_order_and_get_ids_by_line(tmp_path: Path) -> None:
    path = _file(tmp_path, '{"prompt": "a"}\n\n{"prompt": "b", "request_id": "mine"}\n')

    found = read_requests(path, RequestFileFormat(id_prefix="x-"))

    assert [request["request_id"] for request in found] == ["x-1", "mine"]


def test_a_gzip_file_of_data_rows_is_read_as_prompts(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"id": "q1", "prompt": "a", "answers": {}}\n'))
    reading = RequestFileFormat(prompt_field="prompt", id_field="id", extra={"feature": "faq"})

    assert read_requests(path, reading) == [{"feature": "faq", "prompt": "a", "request_id": "q1"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"prompt": "a"}\nnot json\n', "line 2: not JSON"),
        ("[1]\n", "line 1: expected a JSON object"),
        ("\n", "contains no requests"),
        ('{"request_id": "a"}\n{"request_id": "a"}\n', "line 2: same request id as line 1"),
    ],
)
def test_a_file_with_a_slip_is_refused_by_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RequestFileError, match=message):
        read_requests(_file(tmp_path, text), RequestFileFormat())


def test_an_id_that_no_request_may_have_is_refused_before_sending(tmp_path: Path) -> None:
    path = _file(tmp_path, '{"id": "a/b", "prompt": "x"}\n')

    with pytest.raises(RequestFileError, match="--id-field"):
        read_requests(path, RequestFileFormat(prompt_field="prompt", id_field="id"))


def test_the_same_id_of_two_tenants_is_no_repetition(tmp_path: Path) -> None:
    text = '{"request_id": "a", "tenant": "x"}\n{"request_id": "a", "tenant": "y"}\n'

    assert len(read_requests(_file(tmp_path, text), RequestFileFormat())) == 2


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 3_000,
        b'{"prompt": %s1%s}' % (b"[" * 300, b"]" * 300),
        b'{"a":' * 200 + b"1" + b"}" * 200,
    ],
)
def test_a_line_that_is_nested_too_deeply_is_refused_by_line(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "deep.jsonl"
    path.write_bytes(b'{"prompt": "a"}\n' + line + b"\n")

    with pytest.raises(RequestFileError, match="line 2"):
        read_requests(path, RequestFileFormat())


def test_a_file_that_decompresses_beyond_the_limit_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_file, "MOST_BYTES", 10_000)
    path = tmp_path / "large.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"prompt": "a"}\n' * 10_000))

    with pytest.raises(RequestFileError, match="uncompressed"):
        read_requests(path, RequestFileFormat())


def test_an_endless_line_is_rejected_before_it_is_buffered(tmp_path: Path) -> None:
    path = tmp_path / "line.jsonl.gz"
    path.write_bytes(gzip.compress(b" " * 3 * request_file.LONGEST_LINE))

    with pytest.raises(RequestFileError, match="line 1: exceeds the limit"):
        read_requests(path, RequestFileFormat())


def test_all_wrong_lines_are_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "wrong.jsonl"
    good = b'{"prompt": "a", "request_id": "1"}\n'
    path.write_bytes(good + b"no\n[]\n" + good)

    with pytest.raises(RequestFileError) as wrong:
        read_requests(path, RequestFileFormat())

    first, *named = str(wrong.value).splitlines()
    assert first.endswith("3 lines are invalid")
    assert [each.split(":")[0].strip() for each in named] == ["line 2", "line 3", "line 4"]


def test_many_wrong_lines_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_bytes(b"no\n" * 50)

    with pytest.raises(RequestFileError, match=f"line {request_file.MOST_NAMED}: (?s:.*) 30 more"):
        read_requests(path, RequestFileFormat())


def test_a_mark_of_the_byte_order_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "windows.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"prompt": "a"}\r\n{"prompt": "b"}\r\n')

    assert [each["prompt"] for each in read_requests(path, RequestFileFormat())] == ["a", "b"]
