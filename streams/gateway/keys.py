"""Authentication of HTTP requests by API key, and the rights of the key. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from streams.gateway.dialects.parsed_request import GRANTED_FIELDS
from streams.gateway.errors import GatewayCode, HttpError, invalid
from streams.registry.api_keys import ApiKey, digest_of

OPEN_KEY = ApiKey(
    key_id="open",
    tenant="default",
    fields=frozenset(GRANTED_FIELDS),
)
"""The rights of requests without a key, where the gateway is open."""

_BEARER = "bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticatedCaller:
    """An authenticated caller: its key's rights, and the hash of its key."""

    key: ApiKey
    digest: str


def authenticate(
    headers: Iterable[tuple[str, str]],
    find: Callable[[str], ApiKey | None],
    now: int,
    *,
    is_open: bool,
) -> AuthenticatedCaller:
    """Return the caller of a request. `find` returns the key of a hash; `is_open` serves callers
    without a key, and ignores what they send as one.

    Raises:
        HttpError: 401; there is no key, two different ones, or it is unknown, revoked or expired.
    """
    given = {held for name, value in headers if (held := _key_in(name.lower(), value))}
    if len(given) > 1:
        raise HttpError(
            401, GatewayCode.WRONG_KEY, "Authorization and x-api-key hold different keys; send one"
        )
    if not given:
        if is_open:
            return AuthenticatedCaller(key=OPEN_KEY, digest=OPEN_KEY.key_id)
        raise HttpError(
            401,
            GatewayCode.NO_KEY,
            "an API key is required: Authorization: Bearer KEY, or x-api-key: KEY. Create one: "
            "sluice keys create --tenant NAME",
        )
    digest = digest_of(given.pop())
    key = find(digest)
    if key is not None and not key.has_expired(now):
        return AuthenticatedCaller(key=key, digest=digest)
    if is_open and key is None:
        return AuthenticatedCaller(key=OPEN_KEY, digest=digest)
    raise HttpError(401, GatewayCode.WRONG_KEY, "the API key is unknown, revoked or expired")


def _key_in(name: str, value: str) -> str:
    """Return the key that a header holds, empty for none."""
    if name == "x-api-key":
        return value.strip()
    scheme, _, token = value.strip().partition(" ")
    return token.strip() if name == "authorization" and scheme.lower() == _BEARER else ""


def check_model(key: ApiKey, *named: str) -> None:
    """Check that a key may use a model: by one of its names, or by its tier's.

    Raises:
        HttpError: 403.
    """
    if key.models is not None and key.models.isdisjoint(named):
        raise HttpError(
            403,
            GatewayCode.FORBIDDEN,
            f"this API key may not use {named[0]}; it permits {', '.join(sorted(key.models))}",
            param="model",
        )


def check_feature(key: ApiKey, feature: str | None) -> None:
    """Check that a key may name a feature.

    Raises:
        HttpError: 403.
    """
    if feature is not None and key.features is not None and feature not in key.features:
        raise HttpError(
            403, GatewayCode.FORBIDDEN, "this API key may not name this feature", param="feature"
        )


def check_field(key: ApiKey, name: str) -> None:
    """Check that a key may set a request field of Sluice's own.

    Raises:
        HttpError: 400; the field is refused by name.
    """
    if name not in key.fields:
        raise invalid(
            f"{name}: this API key may not set this field; an operator permits it with "
            f"sluice keys create --field {name}",
            param=name,
        )
