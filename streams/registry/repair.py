"""Repair of a broken registry topic. Pure; `registry.topic` publishes it.

Three faults break the topic: unusable records, versions and artifacts that do not match their key's
hash, and a pointer without a usable version. A bad record is replaced by the content in use under
its key, or removed. The pointer moves to the newest usable version that was current, and keeps its
usable previous versions. An invalid version that matches its hash stays: another release may read
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.errors import ArtifactError, RegistryError
from streams.registry.history import (
    ARTIFACT_PREFIX,
    CURRENT_KEY,
    VERSION_PREFIX,
    RegistryHistory,
)
from streams.registry.version import content_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """`problems` by key; `restored` is written again, `tombstones` are the keys to remove;
    `pointer` is the version to point to and its previous versions, `None` to keep the pointer.

    `is_lost` is set if no version on the topic is usable: one must be applied.
    """

    problems: Mapping[bytes, str]
    restored: tuple[tuple[bytes, bytes], ...] = ()
    tombstones: tuple[bytes, ...] = ()
    pointer: tuple[str, tuple[str, ...]] | None = None
    is_lost: bool = False


def repair_of(history: RegistryHistory) -> Repair:
    """Return the repair of a topic; empty if it is intact."""
    problems = dict(history.bad) | _forged(history)
    held = {key for key in history.bad if history.holds(key)}
    restored = tuple((key, history.value_of(key)) for key in sorted(held))
    tombstones = tuple(key for key in problems if key != CURRENT_KEY and key not in held)
    current = history.current
    usable = _Usable(history)
    if current is None and not history.contents and not problems:
        return Repair(problems={})
    if current is not None and not usable.holds(current.version):
        problems.setdefault(CURRENT_KEY, usable.problems[current.version])
    if current is None:
        problems.setdefault(CURRENT_KEY, "the registry topic has no pointer")
    if CURRENT_KEY not in problems:
        return Repair(problems=problems, restored=restored, tombstones=tombstones)
    for pointer in reversed(history.pointers):
        if usable.holds(pointer.version):
            before = tuple(each for each in pointer.before if usable.holds(each))
            return Repair(
                problems=problems,
                restored=restored,
                tombstones=tombstones,
                pointer=(pointer.version, before),
            )
    if history.keys is not None:
        return Repair(problems=problems, is_lost=True)
    return Repair(problems=problems, restored=restored, tombstones=tombstones, is_lost=True)


class _Usable:
    """Validity of versions, each checked once."""

    def __init__(self, history: RegistryHistory) -> None:
        self._history = history
        self._known: dict[str, bool] = {}
        self.problems: dict[str, str] = {}

    def holds(self, version: str) -> bool:
        """Return whether a version is usable."""
        if version not in self._known:
            try:
                self._history.version(version)
            except RegistryError as error:
                self.problems[version] = str(error)
            self._known[version] = version not in self.problems
        return self._known[version]


def _forged(history: RegistryHistory) -> dict[bytes, str]:
    """Return contents that do not match their key's hash."""
    found = {}
    for digest, content in history.contents.items():
        if content_hash(content) != digest:
            found[VERSION_PREFIX + digest.encode()] = "its content has another hash"
    for digest in history.artifacts:
        try:
            history.artifact(digest)
        except ArtifactError as error:
            found[ARTIFACT_PREFIX + digest.encode()] = str(error)
    return found
