"""State of the registry topic: versions by hash, artifacts, and the pointer.

`registry/<hash>` holds a version's canonical JSON, `key/<hash>` the rights of an API key. `current`
names a hash, its author, its time, and the previous versions, so compaction does not remove the
rollback path. With keys, a record without a valid signature is rejected, and the previous record
stays in use.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field

import orjson

from core.registry_signature import RegistryKeys, UnsignedRecordError, is_signed
from schemas.errors import ArtifactError, RegistryError, SluiceError
from schemas.journal_headers import Headers
from streams.registry.api_keys import KEY_PREFIX, ApiKey, read_api_key
from streams.registry.artifacts import ArtifactSource
from streams.registry.learned import ArtifactOf
from streams.registry.version import RegistryVersion, content_hash, parse_registry
from streams.routing.learned.artifact import pack_artifact

CURRENT_KEY = b"current"
VERSION_PREFIX = b"registry/"
ARTIFACT_PREFIX = b"artifact/"
_LONGEST_NAME = 256
_DIGEST = re.compile(rb"[0-9a-f]{16}")
_KEY_DIGEST = re.compile(r"[0-9a-f]{64}")
MOST_BEFORE = 100
"""Maximum number of rollbacks kept in a pointer."""

MOST_BAD = 10_000
MOST_BAD_BYTES = 16 * 1024 * 1024
"""Keys of bad records that are kept for a repair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """The current version; `at` is broker time, ms. Rollbacks go through `before` from its end to
    its beginning.
    """

    version: str
    by: str
    at: int
    before: tuple[str, ...] = ()

    def applied(self) -> tuple[str, ...]:
        """Return the previous versions of a version that is applied on top of this one."""
        return (*self.before, self.version)[-MOST_BEFORE:]

    def taken_back(self, version: str) -> tuple[str, ...]:
        """Return the previous versions of `version` after a rollback; a version that never was
        current is applied.
        """
        if version == self.version:
            return self.before
        if version in self.before:
            return self.before[: len(self.before) - 1 - self.before[::-1].index(version)]
        return self.applied()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRecord:
    """A record on the topic; `at` is broker time, ms."""

    key: bytes
    value: bytes | None
    at: int
    headers: Headers = field(default_factory=list)
    offset: int = -1


class RegistryHistory:
    """State of the registry topic, built from its records in order."""

    def __init__(self, keys: RegistryKeys | None = None) -> None:
        self.keys = keys
        self.contents: dict[str, bytes] = {}
        self.artifacts: dict[str, bytes] = {}
        self.api_keys: dict[str, ApiKey] = {}
        """The valid API keys of the gateway, by the hash of each."""
        self.pointers: list[Pointer] = []
        self.artifact: ArtifactOf = ArtifactSource(published=lambda: self.artifacts)
        self.bad: dict[bytes, str] = {}
        """Keys whose latest record is unusable, and the reason; at most `MOST_BAD`."""
        self.signers: dict[bytes, str] = {}
        """Id of the key that signed the record in use, by the record's key."""
        self.tombstones: dict[bytes, str] = {}
        """Id of the key that signed the tombstone of a record, by the record's key."""
        self.refused = 0
        """Records rejected for their signature."""
        self.is_signed = False
        """Whether a pointer on the topic has a signature, valid or not."""
        self._bad_bytes = 0

    @property
    def current(self) -> Pointer | None:
        """Return the current pointer."""
        return self.pointers[-1] if self.pointers else None

    def take(self, record: RegistryRecord) -> bool:
        """Apply a record; return whether the pointer moved. A tombstone removes a version or an
        artifact, and repairs a bad record of its key.

        Raises:
            UnsignedRecordError: it is not signed by an accepted key; nothing was applied.
            RegistryError: the record is malformed; nothing was applied. `bad` names its key.
        """
        key, value, headers = record.key, record.value, record.headers
        self.is_signed = self.is_signed or (key == CURRENT_KEY and is_signed(headers))
        try:
            signer = (
                None if self.keys is None else self.keys.check(key, value, headers, record.offset)
            )
            moved = self._take_out(key) if value is None else self._take(key, value, record.at)
        except RegistryError as error:
            self.refused += isinstance(error, UnsignedRecordError)
            self._note_bad(key, str(error))
            raise
        if self.bad.pop(key, None) is not None:
            self._bad_bytes -= len(key)
        self.signers.pop(key, None)
        self.tombstones.pop(key, None)
        if signer is not None:
            (self.tombstones if value is None else self.signers)[key] = signer
        return moved

    def read(self, record: RegistryRecord) -> None:
        """Apply a record; an unusable one is added to `bad`."""
        with suppress(RegistryError):
            self.take(record)

    def _note_bad(self, key: bytes, problem: str) -> None:
        if key not in self.bad:
            if len(self.bad) >= MOST_BAD or self._bad_bytes + len(key) > MOST_BAD_BYTES:
                return
            self._bad_bytes += len(key)
        self.bad[key] = problem

    def holds(self, key: bytes) -> bool:
        """Return whether an API key is known under this key, or a version or an artifact that
        matches its hash.
        """
        digest = key.partition(b"/")[2].decode(errors="replace")
        if key.startswith(VERSION_PREFIX):
            content = self.contents.get(digest)
            return content is not None and content_hash(content) == digest
        if key.startswith(KEY_PREFIX):
            return digest in self.api_keys
        if not key.startswith(ARTIFACT_PREFIX) or digest not in self.artifacts:
            return False
        try:
            self.artifact(digest)
        except ArtifactError:
            return False
        return True

    def value_of(self, key: bytes) -> bytes:
        """Return the version, artifact or API key in use under this key, for which `holds` is
        true.
        """
        digest = key.partition(b"/")[2].decode(errors="replace")
        if key.startswith(VERSION_PREFIX):
            return self.contents[digest]
        if key.startswith(KEY_PREFIX):
            return self.api_keys[digest].as_json()
        return pack_artifact(self.artifact(digest))

    def _take_out(self, key: bytes) -> bool:
        for prefix, values in ((VERSION_PREFIX, self.contents), (ARTIFACT_PREFIX, self.artifacts)):
            if key.startswith(prefix):
                values.pop(key.removeprefix(prefix).decode(errors="replace"), None)
        if key.startswith(KEY_PREFIX):
            self.api_keys.pop(key.removeprefix(KEY_PREFIX).decode(errors="replace"), None)
        return False

    def _take(self, key: bytes, value: bytes, at: int) -> bool:
        for prefix, values in ((VERSION_PREFIX, self.contents), (ARTIFACT_PREFIX, self.artifacts)):
            if key.startswith(prefix):
                digest = key.removeprefix(prefix)
                if not _DIGEST.fullmatch(digest):
                    raise RegistryError("a key on the registry topic has no hash")
                values[digest.decode()] = value
                return False
        if key.startswith(KEY_PREFIX):
            self._take_api_key(key.removeprefix(KEY_PREFIX).decode(errors="replace"), value)
            return False
        if key != CURRENT_KEY:
            if not key.isascii():
                raise RegistryError("a key on the registry topic is not ASCII")
            return False
        version, by, given = read_pointer(value)
        before = () if self.current is None else self.current.taken_back(version)
        self.pointers.append(
            Pointer(version=version, by=by, at=at, before=before if given is None else given)
        )
        return True

    def _take_api_key(self, digest: str, value: bytes) -> None:
        if not _KEY_DIGEST.fullmatch(digest):
            raise RegistryError("an API key on the registry topic has no hash")
        try:
            self.api_keys[digest] = read_api_key(value)
        except RegistryError:
            # Rights that can't be read are not granted.
            self.api_keys.pop(digest, None)
            raise

    def version(self, digest: str) -> RegistryVersion:
        """Return a version by its hash.

        Raises:
            RegistryError: it is not on the topic, is invalid, or has another content.
        """
        content = self.contents.get(digest)
        if content is None:
            raise RegistryError(
                f"registry version {digest} is not on the topic; `sluice registry show --all` "
                "lists the available versions"
            )
        name = f"registry version {digest}"
        try:
            version = parse_registry(content, name=name, artifacts=self.artifact, is_json=True)
        except SluiceError as error:
            raise error if isinstance(error, RegistryError) else RegistryError(str(error)) from None
        except Exception as error:  # noqa: BLE001 - no content may stop its reader
            raise RegistryError(f"{name} is unreadable: {type(error).__name__}") from None
        if version.hash != digest:
            raise RegistryError(
                f"registry version {digest} has the content of another version: {version.hash}"
            )
        return version


def read_pointer(value: bytes) -> tuple[str, str, tuple[str, ...] | None]:
    """Return version, author and previous versions of a pointer; the last is `None` if missing.

    Raises:
        RegistryError: it is malformed.
    """
    try:
        pointer = orjson.loads(value)
    except orjson.JSONDecodeError:
        pointer = None
    if not isinstance(pointer, dict):
        raise RegistryError("the pointer on the registry topic is malformed")
    version, by, before = (pointer.get(name) for name in ("registry", "by", "before"))
    if not isinstance(version, str) or not 0 < len(version) <= _LONGEST_NAME:
        raise RegistryError("the pointer on the registry topic names no version")
    if not isinstance(by, str) or len(by) > _LONGEST_NAME:
        raise RegistryError("the pointer on the registry topic has no author")
    if not isinstance(before, list):
        return version, by, None
    # Other values are not converted to text: a thousand levels would exceed the recursion limit.
    named = [each for each in before if isinstance(each, str) and 0 < len(each) <= _LONGEST_NAME]
    return version, by, tuple(named[-MOST_BEFORE:])
