"""Syntax of the entries of `SLUICE_ALLOWED_HOSTS`, and its validation.

| entry | permits |
|---|---|
| `api.example.com` | https to this host, on every port |
| `api.example.com:8443` | https to this host on this port only |
| `*.example.com` | https to every host below example.com, not to example.com itself |
| `10.20.*`, `10.20.30.40:8000` | https to an address, not to 10.20.evil.com |
| `[2001:db8::7]:8000` | https to an IPv6 address, in brackets if a port follows |
| `http://vllm.internal`, `http://vllm.internal:8000` | plain http to this host as well |
| `loopback` | this machine, by http and https |
| `known` | the public providers known to Sluice |

`host_matches` is the rule for a host, also in `SLUICE_ALLOWED_KEYS`: patterns of digits match
addresses only, patterns with letters names only, `*` alone matches both.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from fnmatch import fnmatchcase

import httpx

from schemas.errors import ConfigurationError

_PORTS = 65_536
WORDS = frozenset({"loopback", "known"})

_ENTRY = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]{0,20}://)?"
    r"(?P<host>\[[0-9a-f:.%*?]{1,60}\]|[0-9a-f]{0,4}:[0-9a-f]{0,4}:[0-9a-f:.]{0,50}"
    r"|[a-z0-9_.*?\u0080-\U0010ffff-]{1,253})"
    r"(?P<port>:[\d*?]{1,5})?/?(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_FORMS = (
    "an entry is host, host:port, *.domain, http://host[:port] for plain http, `loopback` or "
    "`known`"
)


def check_entry(entry: str) -> None:
    """Reject an entry that could never match, or would match more than intended.

    Raises:
        ConfigurationError: it has none of the forms; the message has the entry and the forms.
    """
    problem = _problem(entry)
    if problem is not None:
        raise ConfigurationError(f"SLUICE_ALLOWED_HOSTS: {entry}: {problem}; {_FORMS}")


def split_entry(entry: str) -> tuple[str, str | None]:
    """Return host and port of an entry without its scheme; the port is `None` if it has none."""
    if entry.startswith("["):
        host, _, rest = entry.removeprefix("[").partition("]")
        return host, rest.removeprefix(":") or None
    host, colon, port = entry.rpartition(":")
    return (host, port) if colon and ":" not in host else (entry, None)


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def host_matches(host: str, pattern: str) -> bool:
    """Return whether a host matches a pattern. Case, a trailing dot and the form of an
    international name (`müller.example`, `xn--mller-kva.example`) are ignored; addresses are
    compared as numbers.
    """
    wanted = canonical_name(pattern.strip("[]"))
    address = address_of(host)
    if wanted.strip("*?.") == "":
        # Globs only: they name no specific host.
        return fnmatchcase(canonical_name(host) if address is None else str(address), wanted)
    if not _is_for_addresses(wanted):
        return address is None and fnmatchcase(canonical_name(host), wanted)
    if address is None:
        return False
    exact = address_of(wanted)
    return address == exact if exact is not None else fnmatchcase(str(address), wanted)


def canonical_name(host: str) -> str:
    """Return a name in lower-case ASCII letters, without the trailing dot."""
    small = host.lower().rstrip(".")
    return small if small.isascii() else ".".join(map(_ascii_label, small.split(".")))


def address_of(host: str) -> Address | None:
    """Return the address of a host, also in the other forms of the system's resolver: one number,
    hexadecimal, short, mapped into IPv6. `None` for a name.
    """
    bare = host.strip("[]").rstrip(".")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return loosely_written(bare)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def loosely_written(host: str) -> ipaddress.IPv4Address | None:
    """Parse an address in the loose forms of the system's resolver: one number, hexadecimal,
    short.
    """
    if not host[:1].isdigit():
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _is_for_addresses(pattern: str) -> bool:
    return (
        ":" in pattern
        or not any(each.isalpha() for each in pattern)
        or (address_of(pattern) is not None)
    )


def _ascii_label(label: str) -> str:
    """Return a label as in DNS; an invalid one matches nothing."""
    try:
        return label if label.isascii() else httpx.URL(f"https://{label}").raw_host.decode()
    except httpx.InvalidURL:
        return label


def _problem(entry: str) -> str | None:
    found = _ENTRY.fullmatch(entry)
    if entry in WORDS:
        return None
    if "@" in entry or found is None:
        return "contains credentials" if "@" in entry else "is not a host"
    scheme, port = (found["scheme"] or "").lower(), (found["port"] or "").removeprefix(":")
    if scheme not in {"", "http://", "https://"}:
        return f"has the scheme {scheme.removesuffix('://')}"
    if found["rest"]:
        return "contains more than a host and a port"
    return "has an invalid port" if port.isdigit() and not 0 < int(port) < _PORTS else None
