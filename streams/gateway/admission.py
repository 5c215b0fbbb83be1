"""From a parsed HTTP request to the record of the gateway's request topic. Pure.

All that a worker would refuse is refused here, before anything is written, with the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from schemas.encoding import exact_json
from schemas.errors import InvalidRequestError
from schemas.gateway.native_body import NATIVE
from schemas.request import AUTO_MODEL, DEFAULT_DEADLINE_MS, read_request
from schemas.topics import MAX_REQUEST_BYTES
from streams.gateway.dialects.parsed_request import OPEN_FIELDS, ParsedRequest
from streams.gateway.errors import GatewayCode, HttpError, invalid, param_of
from streams.gateway.keys import AuthenticatedCaller, check_feature, check_field, check_model
from streams.routing.parameters.extra_body import refused_names
from streams.routing.snapshot import RegistrySnapshot

SDK_MARGIN_MS = 5_000
"""Time between our deadline and a client's own time-out, so that it reads our answer."""

_MARGIN_SHARE = 0.2
"""The margin's greatest share of the client's time-out."""

_ID_ROOM = len(b'{"request_id":"",') - 1 + 128
"""Bytes of the request id, which is added to the record later, with its field."""

_OF_SIZE = frozenset({400, 413})
"""Statuses of requests with too many values or bytes."""

_TIMEOUT_HEADERS = ("x-stainless-read-timeout", "x-stainless-timeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmittedRequest:
    """A request that may be published: its document, also `encoded`, and its deadline in ms."""

    document: Mapping[str, Any]
    encoded: bytes
    deadline_ms: int

    def value(self, request_id: str) -> bytes:
        """Return the record's value. A document may have megabytes, and is encoded once."""
        return b'{"request_id":' + exact_json.dumps(request_id) + b"," + self.encoded[1:]


def admit(
    parsed: ParsedRequest,
    caller: AuthenticatedCaller,
    snapshot: RegistrySnapshot,
    headers: Mapping[str, str],
    alias_of: Callable[[str], str | None],
) -> AdmittedRequest:
    """Return a request as it is published. A body in the vendor's form that is only a hint is left
    out if the request is too large with it.

    Raises:
        HttpError: 400, 403, 404 or 413; the request, its key's rights or its size do not permit it.
    """
    try:
        return _admitted(parsed, caller, snapshot, headers, alias_of)
    except HttpError as error:
        is_hint = parsed.native is not None and not parsed.native.required
        if not is_hint or error.status not in _OF_SIZE:
            raise
        return _admitted(replace(parsed, native=None), caller, snapshot, headers, alias_of)


def _admitted(
    parsed: ParsedRequest,
    caller: AuthenticatedCaller,
    snapshot: RegistrySnapshot,
    headers: Mapping[str, str],
    alias_of: Callable[[str], str | None],
) -> AdmittedRequest:
    key = caller.key
    for name in sorted(parsed.own - OPEN_FIELDS):
        check_field(key, name)
    deadline_ms = _deadline(parsed.document.get("deadline_ms"), headers)
    is_tiered = "tier" in parsed.document
    document = {
        **parsed.document,
        **_named(parsed.asked_model, caller, snapshot, alias_of, is_tiered=is_tiered),
        "tenant": key.tenant,
        "deadline_ms": deadline_ms,
    }
    if parsed.native is not None:
        document[NATIVE] = parsed.native.as_document()
    try:
        request = read_request(document)
    except InvalidRequestError as error:
        raise invalid(str(error), param=param_of(str(error))) from None
    check_feature(key, request.feature)
    pinned = snapshot.models.get(request.model or "")
    refused = refused_names(request.body, snapshot.models.values() if pinned is None else (pinned,))
    if refused:
        raise invalid(f"{refused[0]}: no model accepts this parameter", param=refused[0])
    encoded = exact_json.dumps(document)
    size = len(encoded) + _ID_ROOM
    if size > MAX_REQUEST_BYTES:
        raise HttpError(
            413,
            GatewayCode.TOO_LARGE,
            f"the request has {size} bytes; the limit is {MAX_REQUEST_BYTES}",
        )
    return AdmittedRequest(document=document, encoded=encoded, deadline_ms=deadline_ms)


def _named(
    asked: str,
    caller: AuthenticatedCaller,
    snapshot: RegistrySnapshot,
    alias_of: Callable[[str], str | None],
    *,
    is_tiered: bool,
) -> dict[str, str]:
    """Return the request fields for a model name: none for `auto`, a pinned model, or a tier."""
    name = asked
    if name != AUTO_MODEL and name not in snapshot.models and name not in snapshot.tiers:
        name = alias_of(asked) or ""
    if name == AUTO_MODEL:
        check_model(caller.key, asked, AUTO_MODEL)
        return {}
    if name in snapshot.models:
        check_model(caller.key, asked, name, snapshot.models[name].tier)
        return {"model": name}
    if name in snapshot.tiers:
        check_model(caller.key, asked, name)
        return {} if is_tiered else {"tier": name}
    shown = "".join(char if char.isprintable() else "?" for char in asked[:64])
    raise HttpError(
        404,
        GatewayCode.UNKNOWN_MODEL,
        f"The model `{shown}` does not exist; use {AUTO_MODEL}, a tier "
        f"({', '.join(snapshot.tiers)}) or a model of GET /v1/models",
        param="model",
    )


def _deadline(asked: Any, headers: Mapping[str, str]) -> int:
    """Return the deadline in ms: what was asked, within the client's own time-out."""
    if asked is not None and (isinstance(asked, bool) or not isinstance(asked, int) or asked < 1):
        raise invalid("deadline_ms: expected a whole number of ms above 0", param="deadline_ms")
    limits = [DEFAULT_DEADLINE_MS if asked is None else asked]
    for name in _TIMEOUT_HEADERS:
        timeout_ms = _milliseconds(headers.get(name))
        if timeout_ms is not None:
            margin = min(SDK_MARGIN_MS, timeout_ms * _MARGIN_SHARE)
            limits.append(max(int(timeout_ms - margin), 1))
    return min(limits)


def _milliseconds(seconds: str | None) -> float | None:
    try:
        value = float(seconds or "")
    except ValueError:
        return None
    return value * 1000 if 0 < value < 1e7 else None
