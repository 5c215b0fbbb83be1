"""What gets a broken registry topic going again. Pure; `registry.topic` publishes it.

Three things break the topic: records that can't be used, versions and artifacts that are not what
their key says, and a pointer that leads to nothing usable. A bad record is replaced by what is in
use under its key, or taken out. The pointer moves to the newest version that was current and is
usable; its way back keeps the usable versions. A version that does not validate, but is what its
key says, stays: another release may read it.
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
    """`problems` by key; `restored` is written again, `tombstones` are the keys to take out;
    `pointer` is the version to point to and its way back, `None` where the pointer stays as it is.

    `is_lost` says that no version on the topic is usable: one must be applied.
    """

    problems: Mapping[bytes, str]
    restored: tuple[tuple[bytes, bytes], ...] = ()
    tombstones: tuple[bytes, ...] = ()
    pointer: tuple[str, tuple[str, ...]] | None = None
    is_lost: bool = False


def repair_of(history: RegistryHistory) -> Repair:
    """What mends a topic; nothing where it is in order."""
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
    """Which versions validate, each looked at once."""

    def __init__(self, history: RegistryHistory) -> None:
        self._history = history
        self._known: dict[str, bool] = {}
        self.problems: dict[str, str] = {}

    def holds(self, version: str) -> bool:
        """Whether a version can be decided by."""
        if version not in self._known:
            try:
                self._history.version(version)
            except RegistryError as error:
                self.problems[version] = str(error)
            self._known[version] = version not in self.problems
        return self._known[version]


def _forged(history: RegistryHistory) -> dict[bytes, str]:
    """Contents that are not what their key says."""
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
