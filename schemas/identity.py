"""Identity of a request: (tenant, request id), its encoding in keys, and ids derived when missing.

The key `tenant/request id` is unambiguous: neither part may contain a slash.
"""

from __future__ import annotations

import hashlib
import re
from uuid import UUID, uuid5

DEFAULT_TENANT = "default"
REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
NAME = re.compile(r"[A-Za-z0-9._:-]{1,64}")

_MISSING_ID_SPACE = UUID("6f1c2f0e-6a53-5d0c-9c4b-3b1f6f2f8a11")

DUPLICATE_WINDOW_MS = 15 * 60 * 1000
"""Time for which a request id is deduplicated after its terminal outcome (design, section 2)."""


def identity_key(tenant: str, request_id: str) -> bytes:
    """Return the key of a request's tier and event records."""
    return f"{tenant}/{request_id}".encode()


def split_identity(key: bytes) -> tuple[str, str]:
    """Split an identity key into tenant and request id.

    Raises:
        ValueError: the bytes are not an identity key.
    """
    try:
        tenant, _, request_id = key.decode().partition("/")
    except UnicodeDecodeError:
        raise ValueError("not an identity key") from None
    if not tenant or not request_id:
        raise ValueError("not an identity key")
    return tenant, request_id


def missing_request_id(
    cluster: str, topic: str, partition: int, offset: int, timestamp_ms: int
) -> str:
    """Return an id for a request without one; reading the request again gives the same id."""
    place = f"{cluster}\n{topic}\n{partition}\n{offset}\n{timestamp_ms}"
    return str(uuid5(_MISSING_ID_SPACE, place))


def reply_digest(topic: str, correlation_id: bytes | None) -> str:
    """Return a digest that distinguishes a caller's repeated send from another request with the
    same id.
    """
    text = topic.encode() + b"\n" + (correlation_id or b"")
    return hashlib.blake2b(text, digest_size=8).hexdigest()
