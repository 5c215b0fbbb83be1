"""The forms that an entry of `SLUICE_ALLOWED_HOSTS` may have, and what is wrong with another.

| entry | permits |
|---|---|
| `api.example.com` | https to this host, on every port |
| `api.example.com:8443` | https to this host on this port only |
| `*.example.com` | https to every host below example.com, not to example.com itself |
| `10.20.*`, `10.20.30.40:8000` | https to an address; a glob goes over its text |
| `[2001:db8::7]:8000` | https to an IPv6 address, in brackets where a port follows |
| `http://vllm.internal`, `http://vllm.internal:8000` | plain http to this host as well |
| `loopback` | this machine, by http and https |
| `known` | the public providers that Sluice knows |
"""

from __future__ import annotations

import re

from schemas.errors import ConfigurationError

_PORTS = 65_536
WORDS = frozenset({"loopback", "known"})

_ENTRY = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]{0,20}://)?"
    r"(?P<host>\[[0-9a-f:.%*?]{1,60}\]|[0-9a-f]{0,4}:[0-9a-f]{0,4}:[0-9a-f:.]{0,50}|[a-z0-9_.*?-]{1,253})"
    r"(?P<port>:[\d*?]{1,5})?/?(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_FORMS = (
    "an entry is host, host:port, *.domain, http://host[:port] for plain http, `loopback` or "
    "`known`"
)


def check_entry(entry: str) -> None:
    """Refuse an entry that could never match, or would match more than it says.

    Raises:
        ConfigurationError: it has none of the forms; the message names the entry and the forms.
    """
    problem = _problem(entry)
    if problem is not None:
        raise ConfigurationError(f"SLUICE_ALLOWED_HOSTS: {entry}: {problem}; {_FORMS}")


def split_entry(entry: str) -> tuple[str, str | None]:
    """Host and port of an entry without its scheme; the port is `None` where none is named."""
    if entry.startswith("["):
        host, _, rest = entry.removeprefix("[").partition("]")
        return host, rest.removeprefix(":") or None
    host, colon, port = entry.rpartition(":")
    return (host, port) if colon and ":" not in host else (entry, None)


def _problem(entry: str) -> str | None:
    found = _ENTRY.fullmatch(entry)
    if entry in WORDS:
        return None
    if "@" in entry or found is None:
        return "holds credentials" if "@" in entry else "is no host"
    scheme, port = (found["scheme"] or "").lower(), (found["port"] or "").removeprefix(":")
    if scheme not in {"", "http://", "https://"}:
        return f"has the scheme {scheme.removesuffix('://')}"
    if found["rest"]:
        return "has more than host and port, and only those are compared"
    return "has no such port" if port.isdigit() and not 0 < int(port) < _PORTS else None
