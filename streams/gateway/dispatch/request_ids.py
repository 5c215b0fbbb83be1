"""Request ids of a gateway, and the partition on which the reply of each arrives.

A reply goes to partition murmur2(request id) mod N of the gateway's reply topic. New ids hash to a
partition that this gateway reads. The id of a request with an `Idempotency-Key` follows from the
key, so every gateway finds the same one for a retry.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass

from aiokafka.partitioner import murmur2

MAX_ATTEMPT = 32
"""Attempts of one idempotency key: each counts up after a retryable failure."""

_SPACE = uuid.UUID("2f6b8c1e-9d0a-5c4f-8a57-1be6c0f4d3a9")
_POSITIVE = 0x7FFFFFFF
_DRAWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestIdentity:
    """A request's id, the correlation id of its reply, and the partition of its reply."""

    request_id: str
    correlation: bytes
    partition: int


def reply_partition(request_id: str, partitions: int) -> int:
    """Return the partition of a request's reply, as Kafka's default partitioner chooses one."""
    hashed: int = murmur2(request_id.encode()) & _POSITIVE
    return hashed % partitions


def fresh_identity(
    own: Collection[int],
    partitions: int,
    new_id: Callable[[], str],
    key_secret: str | None = None,
) -> RequestIdentity:
    """Return the identity of a new request whose reply arrives on one of the own partitions. With
    a `key_secret` the correlation id follows from the request id, so that another gateway finds
    the reply.

    Raises:
        ValueError: no id of this source hashes to one of them.
    """
    for _ in range(_DRAWS):
        request_id = new_id()
        partition = reply_partition(request_id, partitions)
        if partition in own:
            # A correlation id of its own: clients see the request id, and a reply is believed by
            # the correlation id.
            correlation = (
                new_id().encode()
                if key_secret is None
                else derived_correlation(key_secret, request_id)
            )
            return RequestIdentity(
                request_id=request_id, correlation=correlation, partition=partition
            )
    raise ValueError("no request id hashes to an own partition")


def idempotent_identity(
    key_secret: str, idempotency_key: str, body_digest: str, attempt: int, partitions: int
) -> RequestIdentity:
    """Return the identity of a request with an `Idempotency-Key`.

    `key_secret` is the digest of the API key: two keys never share a request. The correlation id is
    a MAC of the request id, so that it can't be derived from what replies and tables show.
    """
    parts = "\n".join((key_secret, idempotency_key, body_digest, str(attempt)))
    request_id = str(uuid.uuid5(_SPACE, parts))
    return RequestIdentity(
        request_id=request_id,
        correlation=derived_correlation(key_secret, request_id),
        partition=reply_partition(request_id, partitions),
    )


def derived_correlation(key_secret: str, request_id: str) -> bytes:
    """Return the correlation id that follows from the key and the request id."""
    code = hmac.new(key_secret.encode(), request_id.encode(), hashlib.sha256)
    return code.hexdigest().encode()


def body_digest(path: str, body: bytes) -> str:
    """Return a digest of a request: its path and body, as sent."""
    digest = hashlib.sha256(path.encode() + b"\n")
    digest.update(body)
    return digest.hexdigest()
