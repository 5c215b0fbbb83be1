"""Signatures of registry records: HMAC-SHA256 with a key shared by operators and processes.

The header `registry-signature` is `1:<key id>:<offset>:<mac>`. The code covers the kind, the key
and the value of the record, and its offset. Kafka assigns an offset once and keeps it under
compaction. A copy of an old record therefore has another offset and is rejected, also by a reader
that has never read the newer one. A tombstone is signed like any record.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from schemas.errors import ConfigurationError, RegistryError
from schemas.journal_headers import Headers
from schemas.topics import REGISTRY

SIGNATURE = "registry-signature"
SHORTEST_KEY = 32
"""Minimum characters of a key; 32 random bytes in base64 are 44."""

FEWEST_KINDS = 10
"""Minimum number of different characters of a key; 32 random hexadecimal digits have fewer once in
6,000.
"""

MOST_KEYS = 8

_DOMAIN = b"sluice registry record 1"
_ID_DOMAIN = b"sluice registry key id 1"
_ID_CHARACTERS = 16
_FORM = re.compile(rb"(1:([0-9a-f]{16}):(0|[1-9][0-9]{0,18})):([0-9a-f]{64})")


class Refusal(StrEnum):
    """Reason why a record is rejected."""

    UNSIGNED = "unsigned"
    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    WRONG = "wrong"
    MOVED = "moved"


_IN_WORDS = {
    Refusal.UNSIGNED: "it has no signature",
    Refusal.MALFORMED: "its signature is malformed, or there are several",
    Refusal.UNKNOWN_KEY: "it is signed by a key that is not in SLUICE_REGISTRY_KEY of this process",
    Refusal.WRONG: "its signature does not match its content",
    Refusal.MOVED: "it was signed for another offset: a copy of an old record, or concurrent "
    "writes of two commands",
}


class UnsignedRecordError(RegistryError):
    """A record on the registry topic has no signature of a valid key."""

    def __init__(self, key: bytes, refusal: Refusal) -> None:
        super().__init__(
            f"a record of kind {kind_of(key)} on the registry topic was rejected: "
            f"{_IN_WORDS[refusal]}"
        )
        self.kind = kind_of(key)
        self.refusal = refusal


class RegistryKeys:
    """The valid keys: the first signs, all verify. No `repr` shows a key."""

    __slots__ = ("_by_id", "_first")

    def __init__(self, keys: Sequence[str]) -> None:
        """Create from keys as text.

        Raises:
            ConfigurationError: there is no key, there are too many, or one is easily guessed.
        """
        if not keys:
            raise ConfigurationError(
                "SLUICE_REGISTRY_KEY is set but contains no key; unset it, or create one: "
                "openssl rand -base64 32"
            )
        if len(keys) > MOST_KEYS:
            raise ConfigurationError(f"SLUICE_REGISTRY_KEY has more than {MOST_KEYS} keys")
        for number, key in enumerate(keys, 1):
            if len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_KINDS:
                raise ConfigurationError(
                    f"key {number} of SLUICE_REGISTRY_KEY is too weak: a key has at least "
                    f"{SHORTEST_KEY} characters, {FEWEST_KINDS} of them different; create one: "
                    "openssl rand -base64 32"
                )
        secrets = [key.encode() for key in keys]
        self._by_id = {_id_of(secret): secret for secret in reversed(secrets)}
        self._first = _id_of(secrets[0])

    @classmethod
    def from_text(cls, text: str) -> RegistryKeys:
        """Parse keys separated by commas or white space. Raises like the constructor."""
        return cls(text.replace(",", " ").split())

    @property
    def first(self) -> str:
        """Return the id of the signing key. An id is a hash of its key and may be shown."""
        return self._first

    def __repr__(self) -> str:
        return f"RegistryKeys({', '.join(sorted(self._by_id))})"

    def sign(self, key: bytes, value: bytes | None, offset: int) -> Headers:
        """Return the headers of a record that will have this offset."""
        prefix = f"1:{self._first}:{offset}".encode()
        code = _code(self._by_id[self._first], prefix, key, value)
        return [(SIGNATURE, prefix + b":" + code)]

    def check(
        self,
        key: bytes,
        value: bytes | None,
        headers: Iterable[tuple[str, bytes | None]],
        offset: int,
    ) -> str:
        """Return the id of the key that signed this record.

        Raises:
            UnsignedRecordError: no valid key did, or not for this offset.
        """
        given = [each or b"" for name, each in headers if name == SIGNATURE]
        if not given:
            raise UnsignedRecordError(key, Refusal.UNSIGNED)
        found = _FORM.fullmatch(given[0])
        if found is None or len(given) > 1:
            raise UnsignedRecordError(key, Refusal.MALFORMED)
        prefix, key_id, signed_offset, code = found.groups()
        secret = self._by_id.get(key_id.decode())
        if secret is None:
            raise UnsignedRecordError(key, Refusal.UNKNOWN_KEY)
        if not hmac.compare_digest(_code(secret, prefix, key, value), code):
            raise UnsignedRecordError(key, Refusal.WRONG)
        if int(signed_offset) != offset:
            raise UnsignedRecordError(key, Refusal.MOVED)
        return key_id.decode()


def kind_of(key: bytes) -> str:
    """Return the kind of a record: `registry`, `artifact`, `key`, `current`, or `other`."""
    kind = key.partition(b"/")[0]
    return kind.decode() if kind in {b"registry", b"artifact", b"key", b"current"} else "other"


def is_signed(headers: Iterable[tuple[str, bytes | None]]) -> bool:
    """Return whether a record has a signature, valid or not."""
    return any(name == SIGNATURE for name, _ in headers)


def _id_of(secret: bytes) -> str:
    return hmac.new(secret, _ID_DOMAIN, hashlib.sha256).hexdigest()[:_ID_CHARACTERS]


def _code(secret: bytes, prefix: bytes, key: bytes, value: bytes | None) -> bytes:
    """Return the code in hexadecimal digits. Every part is prefixed by its length, so that bytes
    cannot move between parts.
    """
    code = hmac.new(secret, digestmod=hashlib.sha256)
    kind = kind_of(key).encode()
    has_value = b"tombstone" if value is None else b"value"
    for part in (_DOMAIN, REGISTRY.encode(), prefix, kind, key, has_value, value or b""):
        code.update(len(part).to_bytes(8, "big"))
        code.update(part)
    return code.hexdigest().encode()
