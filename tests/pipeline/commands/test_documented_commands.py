"""Every command in the documentation's blocks is run as written, on a running pipeline.

Optional parts in brackets are left out, of alternatives the first is taken, and placeholders for
the reader's own values are filled in.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from infra.cli.main import sluice
from infra.cli.output.errors import report_faults
from infra.devstack.registry import local_registry
from tests.rig.doc_blocks import blocks, commands
from tests.rig.stack import Stack
from tests.unit.offline.training.world import labels

STORED_S = 30.0
BETWEEN_S = 0.1
ELSEWHERE = {
    "up": "starts a pipeline; the tests have one",
    "worker": "a process that runs until it is told to end; the tests have one",
    "sink": "likewise",
    "gateway": "likewise; tests/pipeline/test_gateway.py starts two",
    "demo": "starts a pipeline; `make demo` runs it",
    "replay diff": "needs two runs; tests/pipeline/offline/test_replay.py has them",
    "replay promote": "likewise",
}
"""Commands that are not run here, and why."""


def _plain(command: str) -> str:
    """A synopsis as one command."""
    while (fewer := re.sub(r"\s*\[[^\[\]]*\]", "", command)) != command:
        command = fewer
    return " ".join(word.partition("|")[0] for word in shlex.split(command, posix=False))


def _documented() -> list[tuple[str, str]]:
    found = {}
    for block in blocks("", "sh", "bash"):
        if block.reason is None:
            for each in commands(block):
                found.setdefault(_plain(each), block.place)
    return [(place, command) for command, place in found.items()]


COMMANDS = _documented()


class Reader:
    """A reader who has followed the pages: their files, a request, registry versions."""

    def __init__(self, pipeline: Stack, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        (folder / "requests.jsonl").write_text('{"prompt": "What is Kafka?"}\n{"prompt": "hi"}\n')
        lines = [
            orjson.dumps(
                {
                    "prompt": row.prompt,
                    "answers": {
                        "gpt-4o-mini": {"score": row.scores["small"], "text": row.texts["small"]},
                        "o1-mini": {"score": row.scores["large"], "text": row.texts["large"]},
                    },
                }
            )
            for row in labels(150).rows
        ]
        (folder / "FILE").write_bytes(b"\n".join(lines))
        (folder / "labels.jsonl.gz").write_bytes(_gzip(b"\n".join(lines)))
        text = local_registry(pipeline.simulator_url)
        (folder / "registry.yaml").write_text(text.replace("max_hops: 3", "max_hops: 2"))
        self.first = orjson.loads(self.run("registry show --all --json"))[-1]["version"]
        reply = orjson.loads(self.run("ask hello --json"))
        self.request = reply["request_id"]
        until = time.monotonic() + STORED_S
        while report_faults(sluice, ["explain", self.request]) != 0:
            assert time.monotonic() < until, capsys.readouterr().err
            capsys.readouterr()
            time.sleep(BETWEEN_S)

    def run(self, command: str, *statuses: int) -> str:
        command, into, _ = command.partition(" > ")
        status = report_faults(sluice, shlex.split(command))
        printed = self._capsys.readouterr()
        assert status in (statuses or (0,)), f"{command}: {printed.err}"
        assert "Traceback" not in printed.err, printed.err
        assert printed.out or not into, f"{command} writes nothing to its file"
        return printed.out

    def filled_in(self, command: str) -> str:
        words: Mapping[str, str] = {
            "73b060a53058b019": self.first,
            "demo-fcaaed-qa-france": self.request,
            "--weak M --strong M": "--weak gpt-4o-mini --strong o1-mini",
            "--golden FILE": "--golden shipped",
            "--report DIR": "--report report",
            "--out ARTIFACT": "--out artifact.json",
        }
        for word, own in words.items():
            command = command.replace(word, own)
        return command


def _gzip(data: bytes) -> bytes:
    import gzip

    return gzip.compress(data)


@contextmanager
def _registry_restored(reader: Reader) -> Iterator[None]:
    try:
        yield
    finally:
        reader.run(f"registry rollback {reader.first}")


def test_every_documented_command_does_its_work(
    pipeline: Stack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLUICE_KAFKA_BOOTSTRAP_SERVERS", pipeline.bootstrap)
    monkeypatch.setenv("SLUICE_CLICKHOUSE_URL", pipeline.clickhouse_url)
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "none"))
    reader = Reader(pipeline, tmp_path, capsys)

    with _registry_restored(reader):
        for place, command in COMMANDS:
            name = command.split()[0]
            if ELSEWHERE.keys() & {name, " ".join(command.split()[:2])}:
                continue
            # Checks find faults, and too few labels are refused with a remedy.
            may_refuse = name in {"train", "eval"} or command.startswith("replay run")
            try:
                reader.run(reader.filled_in(command), *((0, 1) if may_refuse else (0,)))
            except AssertionError as error:
                raise AssertionError(f"{place}: {error}") from None


def test_what_is_not_run_is_documented_and_has_a_reason() -> None:
    shown = {command.split()[0] for _, command in COMMANDS}

    assert shown >= {"ask", "send", "query", "explain", "registry", "topics", "migrate", "replay"}
    assert all(reason for reason in ELSEWHERE.values())
