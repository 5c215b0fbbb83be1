"""An artifact is found by its hash: in files, in the package, on the topic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from infra.devstack.registry import local_registry
from schemas.errors import ArtifactError, LocalStackError
from streams.registry.artifacts import ArtifactSource, artifact_files
from streams.registry.history import RegistryHistory, RegistryRecord
from streams.registry.learned import default_artifact
from streams.registry.publishing import records_of
from streams.registry.version import parse_registry
from streams.routing.learned.artifact import Artifact, pack_artifact, read_artifact


@pytest.fixture(scope="module")
def own() -> Artifact:
    """An artifact that does not ship."""
    return read_artifact(pack_artifact(replace(default_artifact(), about={"note": "own"})))


def _away() -> Mapping[str, bytes]:
    raise LocalStackError("no pipeline runs")


def test_the_topic_is_read_only_for_artifacts_found_nowhere_else(own: Artifact) -> None:
    source = ArtifactSource(published=_away, files={own.hash: own})

    assert source("default") is default_artifact()
    assert source(default_artifact().hash) is default_artifact()
    assert source(own.hash) is own
    with pytest.raises(ArtifactError, match=r"the registry topic is unreadable.*--artifact FILE"):
        source("0" * 16)


def test_a_published_artifact_is_read_once_and_checked(own: Artifact) -> None:
    topic = {own.hash: pack_artifact(own), "0" * 16: pack_artifact(own)}
    source = ArtifactSource(published=lambda: topic)

    assert source(own.hash) is source(own.hash)
    with pytest.raises(ArtifactError, match="has the content of another one"):
        source("0" * 16)
    with pytest.raises(ArtifactError, match="nor on the registry topic"):
        source("1" * 16)


def test_files_and_folders_give_their_artifacts_and_no_others(
    own: Artifact, tmp_path: Path
) -> None:
    (tmp_path / "router.json").write_bytes(pack_artifact(own))
    (tmp_path / "labels.jsonl").write_text('{"prompt": "x"}\n')

    assert list(artifact_files([tmp_path])) == [own.hash]
    assert list(artifact_files([tmp_path / "router.json"])) == [own.hash]


WRONG = {"missing.json": "No such file", "labels.jsonl": "not a Sluice artifact"}


@pytest.mark.parametrize("name", WRONG)
def test_a_named_file_must_contain_an_artifact(name: str, tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text('{"prompt": "x"}\n')

    with pytest.raises(ArtifactError, match=WRONG[name]):
        artifact_files([tmp_path / name])


def test_a_version_on_the_topic_brings_its_artifact_along(own: Artifact) -> None:
    text = local_registry("http://127.0.0.1:1").replace(
        "classifier: rules", f"classifier: learned\n  learned: {{artifact: '{own.hash}'}}"
    )
    version = parse_registry(text, artifacts=ArtifactSource(files={own.hash: own}))
    history = RegistryHistory()
    for key, value in records_of(version):
        history.take(RegistryRecord(key=key, value=value, at=0))

    again = history.version(version.hash)

    assert again.snapshot.artifact is not None
    assert again.snapshot.artifact.hash == own.hash
