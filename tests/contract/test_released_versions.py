"""Released schemas are never edited, and every current one can be exchanged with all of them."""

from __future__ import annotations

import hashlib
import shutil
from copy import deepcopy
from importlib import resources
from pathlib import Path

import orjson
import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import parse

from schemas.encoding.avro_schemas import VALUES, fingerprint, released_schemas, whole_schema
from tests.recorded.release_schemas import release

HISTORY = Path(str(resources.files("schemas").joinpath("history")))


def _sums() -> dict[str, str]:
    lines = (HISTORY / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def test_a_released_version_is_never_edited() -> None:
    there = {
        str(file.relative_to(HISTORY)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in HISTORY.rglob("*.avsc")
    }

    assert there == _sums()


@pytest.mark.parametrize("name", VALUES)
def test_every_value_has_a_released_version(name: str) -> None:
    assert released_schemas(name)


@pytest.mark.parametrize("name", VALUES)
def test_the_current_version_reads_the_released_ones_and_is_read_by_them(name: str) -> None:
    current = parse(orjson.dumps(whole_schema(name)).decode())
    for version in released_schemas(name):
        released = parse(orjson.dumps(version).decode())
        for reader, writer in ((current, released), (released, current)):
            found = ReaderWriterCompatibilityChecker().get_compatibility(reader, writer)
            assert found.compatibility is SchemaCompatibilityType.compatible, found.messages


@pytest.mark.parametrize("name", VALUES)
def test_a_schema_that_differs_from_its_last_release_must_be_released(name: str) -> None:
    assert fingerprint(whole_schema(name)) == fingerprint(released_schemas(name)[-1]), (
        f"{name} was changed: release it by python -m tests.recorded.release_schemas"
    )


def test_a_changed_schema_is_released_as_the_next_file_with_its_checksum(tmp_path: Path) -> None:
    history = tmp_path / "history"
    shutil.copytree(HISTORY, history)
    changed = deepcopy(whole_schema("Alert"))
    changed["fields"].append({"name": "runbook", "type": "string", "default": "", "doc": "URL."})
    number = len(released_schemas("Alert")) + 1

    written = release({"Alert": changed, "Feedback": whole_schema("Feedback")}, history)

    assert written == [history / "Alert" / f"{number}.avsc"]
    assert orjson.loads(written[0].read_bytes()) == changed
    lines = (history / "SHA256SUMS").read_text().splitlines()
    digest = hashlib.sha256(written[0].read_bytes()).hexdigest()
    assert sorted(lines) == sorted(
        [*(HISTORY / "SHA256SUMS").read_text().splitlines(), f"{digest}  Alert/{number}.avsc"]
    )
