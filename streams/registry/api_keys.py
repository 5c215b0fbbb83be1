"""API keys of the HTTP gateway: values of `key/<sha256>` on the registry topic.

The topic holds a hash of each key, never the key. A key has 256 random bits, so its hash can't be
reversed, and a fast hash suffices. A tombstone revokes a key.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict, dataclass
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from schemas.errors import RegistryError
from schemas.identity import NAME

KEY_PREFIX = b"key/"

_MARK = "sk-sluice-"
_BYTES = 32
_ID_CHARACTERS = 16
_LONGEST_KEY = 256

_Name = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]
_Listed = Annotated[frozenset[str], Field(max_length=256)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What a key permits. Times are ms since 1970 UTC.

    `models` are the models and tiers that a request may name; `fields` the request fields of
    Sluice's own that it may set besides the open ones; `features` the features that it may name.
    `None` permits all. `requests_per_minute` is a limit of each gateway process.
    """

    key_id: str
    tenant: str
    name: str = ""
    created_at: int = 0
    expires_at: int | None = None
    models: frozenset[str] | None = None
    features: frozenset[str] | None = None
    fields: frozenset[str] = frozenset()
    requests_per_minute: int | None = None

    def has_expired(self, now: int) -> bool:
        """Return whether the key is not valid any more at this time, ms."""
        return self.expires_at is not None and now >= self.expires_at

    def as_json(self) -> bytes:
        """Return the value of the key's record."""
        found = {
            name: sorted(value) if isinstance(value, frozenset) else value
            for name, value in asdict(self).items()
        }
        return orjson.dumps(found, option=orjson.OPT_SORT_KEYS)


class _Document(BaseModel):
    """The value of a key's record; later versions may add fields."""

    model_config = ConfigDict(extra="ignore")

    key_id: _Name
    tenant: _Name
    name: Annotated[str, Field(max_length=256)] = ""
    created_at: Annotated[int, Field(ge=0)] = 0
    expires_at: Annotated[int, Field(ge=0)] | None = None
    models: _Listed | None = None
    features: _Listed | None = None
    fields: _Listed = frozenset()
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None


def new_key() -> str:
    """Return a new random key; it is shown once and stored nowhere."""
    return _MARK + secrets.token_urlsafe(_BYTES)


def digest_of(key: str) -> str:
    """Return the hash under which a key is known: SHA-256, in hexadecimal digits."""
    return hashlib.sha256(key[:_LONGEST_KEY].encode(errors="replace")).hexdigest()


def key_id_of(digest: str) -> str:
    """Return the short id of a key by its digest; it identifies the key in logs and records."""
    return digest[:_ID_CHARACTERS]


def record_key(digest: str) -> bytes:
    """Return the key of the record on the registry topic."""
    return KEY_PREFIX + digest.encode()


def read_api_key(value: bytes) -> ApiKey:
    """Return the key of a record's value.

    Raises:
        RegistryError: it is malformed; the message quotes nothing of it.
    """
    try:
        found = _Document.model_validate_json(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the record"
        raise RegistryError(f"an API key on the registry topic is malformed: {where}") from None
    return ApiKey(**found.model_dump())
