"""Who a request is: (tenant, request id), and how that is written in keys and made when missing.

The key `tenant/request id` is unambiguous: neither part may hold a slash.
"""

from __future__ import annotations

import hashlib
import re
from uuid import UUID, uuid5

DEFAULT_TENANT = "default"
REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
NAME = re.compile(r"[A-Za-z0-9._:-]{1,64}")

_MISSING_ID_SPACE = UUID("6f1c2f0e-6a53-5d0c-9c4b-3b1f6f2f8a11")


def identity_key(tenant: str, request_id: str) -> bytes:
    """Key of tier and event records of a request."""
    return f"{tenant}/{request_id}".encode()


def split_identity(key: bytes) -> tuple[str, str]:
    """Tenant and request id of an identity key.

    Raises:
        ValueError: the bytes are no identity key.
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
    """The id of a request that came without one: the same again when it is read again."""
    place = f"{cluster}\n{topic}\n{partition}\n{offset}\n{timestamp_ms}"
    return str(uuid5(_MISSING_ID_SPACE, place))


def reply_digest(topic: str, correlation_id: bytes | None) -> str:
    """Tells a caller's repetition of a request from another request with the same id."""
    text = topic.encode() + b"\n" + (correlation_id or b"")
    return hashlib.blake2b(text, digest_size=8).hexdigest()
