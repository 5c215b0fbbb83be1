"""Validation of URLs when a registry file is checked: every accepted URL can be called.

An invalid URL would otherwise fail at its first call, in every worker.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

import httpx
from pydantic import AfterValidator, StringConstraints

MOST_CHARACTERS = 2_000

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_PORTS = range(1, 65_536)


def checked_address(text: str) -> str:
    """Return the URL, if an HTTP client can call it.

    Raises:
        ValueError: it can't be called; the message has the reason.
    """
    if "@" in text or "\\" in text:
        raise ValueError("must not contain a user, a password or a backslash")
    try:
        url = httpx.URL(text)
        host = url.raw_host.decode("ascii").lower()
    except (httpx.InvalidURL, ValueError) as error:
        raise ValueError(f"is not a URL: {str(error) or type(error).__name__}") from None
    if url.scheme not in {"http", "https"} or not host:
        raise ValueError("must start with http:// or https:// and a host")
    if not _is_host(host):
        raise ValueError("has no usable host name")
    if url.port is not None and url.port not in _PORTS:
        raise ValueError("must have a port from 1 to 65535")
    return text


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        labels = host.removesuffix(".").split(".")
        return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels)
    return True


def _without_query(text: str) -> str:
    """Return the URL, if paths can be added to it."""
    if "?" in text or "#" in text:
        raise ValueError("must not have a query or a fragment")
    return text


WebAddress = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MOST_CHARACTERS, pattern=r"^https?://[!-~]+$"),
    AfterValidator(checked_address),
]
"""An http(s) URL in printable ASCII without credentials."""

BaseUrl = Annotated[WebAddress, AfterValidator(_without_query)]
"""The same for an endpoint, to which paths are added."""
