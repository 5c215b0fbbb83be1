"""Plan of the records to write so that the first key signs the registry topic. Pure.

Two uses: an operator enables signatures and names the trusted version, or changes keys. Content
signed by an accepted key is trusted; of unsigned content, only what is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter

from core.registry_signature import RegistryKeys
from schemas.errors import RegistryError
from streams.registry.api_keys import KEY_PREFIX
from streams.registry.history import (
    ARTIFACT_PREFIX,
    CURRENT_KEY,
    VERSION_PREFIX,
    RegistryHistory,
    RegistryRecord,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningPlan:
    """`records` are written first, then `pointer` (a version and its previous ones), if any. A
    record without a value is a tombstone.

    `trusted` are the versions without a signature so far that are trusted from now on; `left`
    counts versions and artifacts that stay unsigned and are rejected.
    """

    version: str
    records: tuple[tuple[bytes, bytes | None], ...]
    pointer: tuple[str, tuple[str, ...]] | None
    trusted: tuple[str, ...] = ()
    left: int = 0

    @property
    def is_empty(self) -> bool:
        """Return whether everything is signed already."""
        return not self.records and self.pointer is None


def signing_plan(
    records: Iterable[RegistryRecord],
    keys: RegistryKeys,
    version: str | None = None,
    *,
    every: bool = False,
) -> SigningPlan:
    """Plan the signatures of `version` (default: the current one), its dependencies, and all
    content that any key has signed; `every` adds all other versions and artifacts that match their
    hash.

    Raises:
        RegistryError: there is no current version, or the named one is not usable.
    """
    signed, found = RegistryHistory(keys), RegistryHistory()
    for record in records:
        signed.read(record)
        found.read(record)
    wanted = version or _current(signed, found)
    source = signed if signed.holds(VERSION_PREFIX + wanted.encode()) else found
    snapshot = source.version(wanted).snapshot
    arms = [arm.snapshot for each in snapshot.experiments for arm in each.arms]
    needed = {each.artifact.hash for each in (snapshot, *arms) if each.artifact is not None}
    values: dict[bytes, bytes] = {}
    left = 0
    for key in _keys_of(found) | _keys_of(signed):
        digest = key.partition(b"/")[2].decode()
        if signed.holds(key):
            values[key] = signed.value_of(key)
        elif found.holds(key) and (every or digest == wanted or digest in needed):
            values[key] = found.value_of(key)
        else:
            left += 1
    stale = {key for key in values if not _is_fresh(signed, key)}
    trusted = tuple(
        sorted(
            key.removeprefix(VERSION_PREFIX).decode()
            for key in stale
            if key.startswith(VERSION_PREFIX) and key not in signed.signers
        )
    )
    removed = {key for key in signed.tombstones if not _is_fresh(signed, key)} - set(values)
    rewritten: list[tuple[bytes, bytes | None]] = [(key, values[key]) for key in stale]
    rewritten += [(key, None) for key in removed if key not in signed.bad]
    known = {key.removeprefix(VERSION_PREFIX).decode() for key in values}
    return SigningPlan(
        version=wanted,
        records=tuple(sorted(rewritten, key=itemgetter(0))),
        pointer=_pointer(signed, found, wanted, known),
        trusted=trusted,
        left=left,
    )


def _current(signed: RegistryHistory, found: RegistryHistory) -> str:
    pointer = signed.current or found.current
    if pointer is None:
        raise RegistryError("no version is current; publish one: sluice registry apply FILE")
    return pointer.version


def _keys_of(history: RegistryHistory) -> set[bytes]:
    versions = {VERSION_PREFIX + digest.encode() for digest in history.contents}
    artifacts = {ARTIFACT_PREFIX + digest.encode() for digest in history.artifacts}
    return versions | artifacts | {KEY_PREFIX + digest.encode() for digest in history.api_keys}


def _is_fresh(signed: RegistryHistory, key: bytes) -> bool:
    """Return whether the first key signed the latest record of this key."""
    first = None if signed.keys is None else signed.keys.first
    signer = signed.signers.get(key) or signed.tombstones.get(key)
    return signer == first and key not in signed.bad


def _pointer(
    signed: RegistryHistory, found: RegistryHistory, wanted: str, known: set[str]
) -> tuple[str, tuple[str, ...]] | None:
    """Return the pointer to write; its previous versions are those that are signed by then."""
    current = signed.current
    if current is not None and current.version == wanted and _is_fresh(signed, CURRENT_KEY):
        return None
    before = current or found.current
    way_back = () if before is None else before.taken_back(wanted)
    return wanted, tuple(each for each in way_back if each in known)
