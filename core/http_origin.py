"""Which HTTP requests come from a web page of another origin, and are refused.

A page in a browser can send requests to every port of the machine. It can't read the answers unless
a server allows its origin, which none of ours does, but what it sends is acted on; and where a name
of its own resolves to loopback (DNS rebinding), it can read them as well. So a request with an
`Origin` other than the host that it asks is refused, and so is one that reaches loopback under a
name that is not this machine's.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def refusal(local_address: str, host: str | None, origin: str | None) -> str | None:
    """Why a request is refused; `None` where it is not.

    `local_address` is the address that it reached, `host` and `origin` are its headers.
    """
    name = _hostname(host and f"//{host}")
    if origin is not None and (name is None or _hostname(origin) != name):
        return "requests of web pages of other origins are refused"
    if host is not None and _is_loopback(local_address) and not _is_loopback(name or ""):
        return "this address is asked as localhost or 127.0.0.1"
    return None


def address_of(sockname: object) -> str:
    """The address in a socket's own name, empty where there is none (a Unix socket)."""
    return str(sockname[0]) if isinstance(sockname, tuple) and sockname else ""


def _hostname(url: str | None) -> str | None:
    try:
        return urlsplit(url).hostname if url else None
    except ValueError:
        return None


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False
