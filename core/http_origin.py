"""Rejection of HTTP requests from web pages of other origins.

A page in a browser can send requests to every port of the machine. It can read the responses only
if a server allows its origin, which Sluice never does, but the server would act on the request. If
a host name of the page resolves to loopback (DNS rebinding), it can also read them. A request with
an `Origin` other than the requested host is therefore rejected, and so is one that reaches loopback
under a host name other than localhost.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def refusal(local_address: str, host: str | None, origin: str | None) -> str | None:
    """Return why a request is rejected; `None` if it is accepted.

    `local_address` is the server-side address of the connection; `host` and `origin` are headers.
    """
    name = _hostname(host and f"//{host}")
    if origin is not None and (name is None or _hostname(origin) != name):
        return "requests from web pages of other origins are rejected"
    if host is not None and is_loopback(local_address) and not is_loopback(name or ""):
        return "use localhost or 127.0.0.1 as the host name of this address"
    return None


def address_of(sockname: object) -> str:
    """Return the address of a socket name; empty without one (a Unix socket)."""
    return str(sockname[0]) if isinstance(sockname, tuple) and sockname else ""


def _hostname(url: str | None) -> str | None:
    try:
        return urlsplit(url).hostname if url else None
    except ValueError:
        return None


def is_loopback(name: str) -> bool:
    """Return whether a host name or address is of this machine alone."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False
