"""What a command could not write in the end is refused before its work begins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import pytest

from infra.cli.arguments.values import OutFile, OutFolder
from infra.cli.main import COMMANDS, sluice
from infra.cli.output.errors import report_faults

WRITING = {
    "send --out": ["send", "{here}/requests.jsonl", "--out"],
    "train --out": ["train", "--data", "{here}/x", "--weak", "a", "--strong", "b", "--out"],
    "train --labels-out": ["train", "--since", "7d", "--out", "{here}/a", "--labels-out"],
    "report --out": ["report", "--out"],
}


@pytest.mark.parametrize("what", WRITING)
@pytest.mark.parametrize("path", ["{here}/missing/file", "{here}"], ids=["no folder", "a folder"])
def test_a_file_that_can_t_be_written_is_a_usage_error(
    what: str, path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [each.format(here=tmp_path) for each in [*WRITING[what], path]]

    assert report_faults(sluice, arguments) == 2

    output = capsys.readouterr().err
    assert "--out" in output or "--labels-out" in output
    assert "create it first" in output or "name a file" in output


def test_a_folder_below_a_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    command = ["eval", "--golden", "shipped", "--report", str(tmp_path / "file" / "inside")]

    assert report_faults(sluice, command) == 2
    assert "is a file; name a folder" in capsys.readouterr().err


def test_a_missing_folder_is_created_later(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"

    assert OutFolder().convert(str(path), None, None) == path
    assert not path.exists()


def test_a_file_that_is_there_may_be_written_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")

    assert OutFile().convert(str(path), None, None) == path
    assert path.read_text() == "x"


def _options(command: click.Command, path: Sequence[str]) -> list[tuple[str, click.Parameter]]:
    if isinstance(command, click.Group):
        inner = [(name, command.get_command(click.Context(command), name)) for name in
                 command.list_commands(click.Context(command))]  # fmt: skip
        return [each for name, one in inner if one for each in _options(one, [*path, name])]
    return [(" ".join(path), option) for option in command.params]


def test_every_output_option_is_checked() -> None:
    found = [
        (name, option)
        for name, option in _options(sluice, [])
        if option.name in {"out", "labels_out", "report"}
    ]

    assert len(found) >= 4
    unchecked = [name for name, each in found if not isinstance(each.type, OutFile | OutFolder)]
    assert unchecked == []
    assert set(COMMANDS) >= {name.split()[0] for name, _ in found}


READING = {
    "send": ["send", "{path}"],
    "eval --data": ["eval", "--data", "{path}", "--weak", "a", "--strong", "b"],
    "eval --golden": ["eval", "--golden", "{path}"],
    "eval --registry": ["eval", "--golden", "shipped", "--registry", "{path}"],
    "eval --artifact": ["eval", "--golden", "shipped", "--artifact", "{path}"],
    "eval learned:": ["eval", "--golden", "shipped", "--classifier", "learned:{path}"],
    "train --data": ["train", "--data", "{path}", "--weak", "a", "--strong", "b", "--out", "{out}"],
    "validate": ["registry", "validate", "{path}"],
    "validate --artifact": ["registry", "validate", "{registry}", "--artifact", "{path}"],
}


@pytest.mark.parametrize("kind", ["missing", "folder", "binary", "empty"])
@pytest.mark.parametrize("what", READING)
def test_an_unreadable_file_is_reported_in_one_line(
    what: str,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(b"\xff\xfe\x00" if kind == "binary" else b"")
    registry = tmp_path / "registry.yaml"
    registry.write_text("tiers: [a]\nmodels: {}\n")
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "none"))
    arguments = [
        each.format(path=path, out=tmp_path / "out", registry=registry) for each in READING[what]
    ]

    status = report_faults(sluice, arguments)

    output = capsys.readouterr().err
    assert status in {0, 1, 2}
    assert "Traceback" not in output, output
    assert status != 0 or (what, kind) == ("eval --artifact", "folder")
