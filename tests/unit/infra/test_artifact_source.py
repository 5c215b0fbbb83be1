"""All sources of a registry file find artifacts by the same rule."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.devstack import preparation
from infra.devstack.registry import local_registry
from infra.replays.target_version import Origin, chosen
from infra.settings import InfraSettings
from streams.registry.history import ARTIFACT_PREFIX, RegistryHistory, RegistryRecord
from streams.registry.learned import default_artifact
from streams.registry.version import RegistryVersion
from streams.routing.learned.artifact import pack_artifact, read_artifact

OWN = read_artifact(pack_artifact(replace(default_artifact(), about={"note": "own"})))
TEXT = local_registry("http://127.0.0.1:1").replace(
    "classifier: rules", f"classifier: learned\n  learned: {{artifact: '{OWN.hash}'}}"
)


def _published() -> RegistryHistory:
    history = RegistryHistory()
    key, value = ARTIFACT_PREFIX + OWN.hash.encode(), pack_artifact(OWN)
    history.take(RegistryRecord(key=key, value=value, at=0))
    return history


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    path = tmp_path / "registry.yaml"
    path.write_text(TEXT)
    return path


def _replayed(registry: Path, history: RegistryHistory, _: pytest.MonkeyPatch) -> RegistryVersion:
    version, own = chosen(history, Origin(file=registry))
    assert own is None
    return version


def _brought_up(
    registry: Path, history: RegistryHistory, monkeypatch: pytest.MonkeyPatch
) -> RegistryVersion:
    async def read(_: Any, *, keys: Any) -> RegistryHistory:
        return history

    async def publish(*_: Any, **__: Any) -> None:
        return None

    monkeypatch.setattr(preparation, "read_history", read)
    monkeypatch.setattr(preparation, "publish_version", publish)
    settings = InfraSettings(registry=registry)
    return asyncio.run(preparation._settle(settings, {}, "http://127.0.0.1:1"))


WAYS: dict[str, Callable[..., RegistryVersion]] = {
    "replay --registry": _replayed,
    "SLUICE_REGISTRY": _brought_up,
}


def _artifact(version: RegistryVersion) -> str | None:
    artifact = version.snapshot.artifact
    return None if artifact is None else artifact.hash


@pytest.mark.parametrize("way", WAYS)
def test_a_published_artifact_is_found(
    way: str, registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _artifact(WAYS[way](registry, _published(), monkeypatch)) == OWN.hash


@pytest.mark.parametrize("way", WAYS)
def test_an_artifact_in_the_operator_s_folder_is_found(
    way: str, registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.artifact").write_bytes(pack_artifact(OWN))
    monkeypatch.setenv("SLUICE_ARTIFACTS", str(tmp_path))

    assert _artifact(WAYS[way](registry, RegistryHistory(), monkeypatch)) == OWN.hash


def test_a_replay_takes_an_artifact_by_file_or_hash(registry: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.artifact"
    path.write_bytes(pack_artifact(OWN))
    registry.write_text(local_registry("http://127.0.0.1:1"))

    by_file, own = chosen(RegistryHistory(), Origin(file=registry, artifact=str(path)))
    by_hash, published = chosen(_published(), Origin(file=registry, artifact=OWN.hash))

    assert by_file.hash == by_hash.hash
    assert own is not None
    assert published is None
