"""Signatures of registry records: HMAC-SHA256 by a key that operators and Sluice's processes share.

The header `registry-signature` holds `1:<key id>:<offset>:<mac>`. The code covers the kind, the key
and the value of the record, and the offset at which it lies. Kafka gives an offset once and keeps
it under compaction, so that a copy of an old record lies elsewhere and is refused, even by a reader
that has never seen the newer one. A tombstone is signed like any record.
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
"""Characters of a key; 32 random bytes in base64 are 44."""

FEWEST_KINDS = 10
"""Different characters of a key; 32 random hexadecimal digits have fewer once in 6,000."""

MOST_KEYS = 8

_DOMAIN = b"sluice registry record 1"
_ID_DOMAIN = b"sluice registry key id 1"
_ID_CHARACTERS = 16
_FORM = re.compile(rb"(1:([0-9a-f]{16}):(0|[1-9][0-9]{0,18})):([0-9a-f]{64})")


class Refusal(StrEnum):
    """Why a record is not believed."""

    UNSIGNED = "unsigned"
    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    WRONG = "wrong"
    MOVED = "moved"


_IN_WORDS = {
    Refusal.UNSIGNED: "it has no signature",
    Refusal.MALFORMED: "its signature is malformed, or there are several",
    Refusal.UNKNOWN_KEY: "it is signed by a key that SLUICE_REGISTRY_KEY does not hold here",
    Refusal.WRONG: "its signature does not fit its content",
    Refusal.MOVED: "it was signed for another offset: a copy of an old record, or two commands "
    "wrote at once",
}


class UnsignedRecordError(RegistryError):
    """A record on the registry topic is not signed by a key that counts here."""

    def __init__(self, key: bytes, refusal: Refusal) -> None:
        super().__init__(
            f"a record of kind {kind_of(key)} on the registry topic is refused: "
            f"{_IN_WORDS[refusal]}"
        )
        self.kind = kind_of(key)
        self.refusal = refusal


class RegistryKeys:
    """The keys that count: the first signs, all verify. Nothing shows one."""

    __slots__ = ("_by_id", "_first")

    def __init__(self, keys: Sequence[str]) -> None:
        """Take keys as text.

        Raises:
            ConfigurationError: there is none, there are too many, or one is easy to guess.
        """
        if not keys:
            raise ConfigurationError(
                "SLUICE_REGISTRY_KEY is set and holds no key; unset it, or make one: "
                "openssl rand -base64 32"
            )
        if len(keys) > MOST_KEYS:
            raise ConfigurationError(f"SLUICE_REGISTRY_KEY holds more than {MOST_KEYS} keys")
        for number, key in enumerate(keys, 1):
            if len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_KINDS:
                raise ConfigurationError(
                    f"key {number} of SLUICE_REGISTRY_KEY is easy to guess: a key has at least "
                    f"{SHORTEST_KEY} characters, {FEWEST_KINDS} of them different; make one: "
                    "openssl rand -base64 32"
                )
        secrets = [key.encode() for key in keys]
        self._by_id = {_id_of(secret): secret for secret in reversed(secrets)}
        self._first = _id_of(secrets[0])

    @classmethod
    def from_text(cls, text: str) -> RegistryKeys:
        """Keys that stand between commas or white space. Raises as the constructor."""
        return cls(text.replace(",", " ").split())

    @property
    def first(self) -> str:
        """Id of the key that signs. An id is a hash of its key and may be shown."""
        return self._first

    def __repr__(self) -> str:
        return f"RegistryKeys({', '.join(sorted(self._by_id))})"

    def sign(self, key: bytes, value: bytes | None, offset: int) -> Headers:
        """The headers of a record that will lie at this offset."""
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
        """The id of the key that signed this record.

        Raises:
            UnsignedRecordError: none did, or not for this offset.
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
    """What a record is, by its key: `registry`, `artifact`, `current`, or `other`."""
    kind = key.partition(b"/")[0]
    return kind.decode() if kind in {b"registry", b"artifact", b"current"} else "other"


def is_signed(headers: Iterable[tuple[str, bytes | None]]) -> bool:
    """Whether a record carries a signature, of whatever worth."""
    return any(name == SIGNATURE for name, _ in headers)


def _id_of(secret: bytes) -> str:
    return hmac.new(secret, _ID_DOMAIN, hashlib.sha256).hexdigest()[:_ID_CHARACTERS]


def _code(secret: bytes, prefix: bytes, key: bytes, value: bytes | None) -> bytes:
    """The code in hexadecimal digits; every part stands behind its length, so that none can give
    bytes to its neighbour.
    """
    code = hmac.new(secret, digestmod=hashlib.sha256)
    kind = kind_of(key).encode()
    has_value = b"tombstone" if value is None else b"value"
    for part in (_DOMAIN, REGISTRY.encode(), prefix, kind, key, has_value, value or b""):
        code.update(len(part).to_bytes(8, "big"))
        code.update(part)
    return code.hexdigest().encode()
