"""Keys that an adapter may read and hosts that it may call: set by the operator, not the registry.

| value | setting | meaning |
|---|---|---|
| `KeyRing` | `SLUICE_ALLOWED_KEYS` | patterns of key variables, `KEY@host` binds one to a host |
| `KeyRing` | `SLUICE_SECRETS_DIR` | folder with a file for each key, before the environment |
| `HostPolicy` | `SLUICE_ALLOWED_HOSTS` | patterns of permitted hosts |

Patterns are shell globs, comma-separated; `host_patterns.py` lists the forms of a host. Only
`http://host` permits plain http outside loopback. Link-local addresses (those of cloud metadata
services) are never called.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self

import httpx

from core.environment import listed
from streams.providers.http.host_patterns import (
    address_of,
    canonical_name,
    check_entry,
    host_matches,
    loosely_written,
    split_entry,
)
from streams.providers.http.key_files import SecretFiles
from streams.providers.port import ErrorClass, ProviderError

DEFAULT_KEYS = "*_API_KEY"
LOOPBACK = "loopback"
KNOWN = "known"
DEFAULT_HOSTS = f"{KNOWN},{LOOPBACK}"

KNOWN_HOSTS = (
    "api.openai.com",
    "*.openai.azure.com",
    "*.cognitiveservices.azure.com",
    "*.services.ai.azure.com",
    "api.anthropic.com",
    "api.cohere.com",
    "api.deepseek.com",
    "api.fireworks.ai",
    "api.groq.com",
    "api.mistral.ai",
    "api.perplexity.ai",
    "api.together.xyz",
    "api.x.ai",
    "generativelanguage.googleapis.com",
    "openrouter.ai",
)

_PORTS = {"http": 80, "https": 443}
_NAMES_OF_THIS_MACHINE = frozenset(
    {"localhost", "localhost.localdomain", "localhost6", "ip6-localhost", "ip6-loopback"}
)
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
"""RFC 6052, and RFC 8215 for use within a network."""
_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        (
            *("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"),
            *("100.100.100.200", "168.63.129.16", "192.0.0.192"),
        ),
    )
)
"""Addresses at which AWS, Google, Alibaba, Azure and Oracle give credentials to their machines and
that are not link-local.
"""
_HIGHEST_PLAIN = 0xFFFF
"""`::` and `::1` embed no IPv4 address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """Provider keys by name, read at each call: a file of `secrets`, else the environment.

    An entry `KEY@host` (both may be globs) restricts a key to that host. A key that such an entry
    matches is sent to no other host, even if entries without a host match it.
    """

    patterns: tuple[str, ...] = (DEFAULT_KEYS,)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    secrets: SecretFiles | None = None

    @classmethod
    def from_patterns(
        cls,
        text: str,
        environment: Mapping[str, str] | None = None,
        secrets_dir: Path | None = None,
    ) -> Self:
        """Build from comma-separated globs, such as `*_API_KEY`, and the folder of keys, if any."""
        return cls(
            patterns=listed(text),
            environment=os.environ if environment is None else environment,
            secrets=None if secrets_dir is None else SecretFiles(secrets_dir),
        )

    def names(self) -> tuple[str, ...]:
        """Return the names of the permitted keys that are set now."""
        given = set(self.environment) | set(() if self.secrets is None else self.secrets.names())
        return tuple(sorted(name for name in given if self.has(name)))

    def has(self, name: str) -> bool:
        """Return whether the key `name` is permitted and usable now."""
        try:
            self.key(name)
        except ProviderError:
            return False
        return True

    def allows(self, name: str, host: str | None = None, *, bound: bool = False) -> bool:
        """Return whether the operator permits `name` to be read as a key, and sent to `host` if
        given. With `bound` only entries with a host count.
        """
        entries = [entry.partition("@") for entry in self.patterns]
        mine = [(bool(at), where) for key, at, where in entries if fnmatchcase(name, key)]
        hosts = [where for at, where in mine if at]
        if host is None or not hosts:
            return bool(hosts) or (bool(mine) and not bound)
        return any(host_matches(host, where) for where in hosts)

    def key(self, name: str, host: str | None = None, *, bound: bool = False) -> str:
        """Return the key `name`, to be sent to `host`; `bound` as in `allows`.

        Raises:
            ProviderError: class AUTH; the key is not permitted there, not set or has characters
                that are
                invalid in a header. The message names the variable, never its content.
        """
        if not self.allows(name):
            raise ProviderError(
                ErrorClass.AUTH,
                f"{name} may not be read as a key; SLUICE_ALLOWED_KEYS does not match it",
            )
        if not self.allows(name, host, bound=bound):
            raise ProviderError(
                ErrorClass.AUTH,
                f"{name} may not be sent to {host}; SLUICE_ALLOWED_KEYS has no entry {name}@{host}",
            )
        value = self._secret(name) or self.environment.get(name, "").strip()
        if not value:
            nor = "" if self.secrets is None else ", and SLUICE_SECRETS_DIR has no such file"
            raise ProviderError(ErrorClass.AUTH, f"the environment variable {name} is not set{nor}")
        if not (value.isascii() and value.isprintable()):
            raise ProviderError(
                ErrorClass.AUTH, f"the environment variable {name} has no usable key"
            )
        return value

    def _secret(self, name: str) -> str | None:
        if self.secrets is None:
            return None
        try:
            return self.secrets.value(name)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            raise ProviderError(
                ErrorClass.AUTH, f"the file {name} in SLUICE_SECRETS_DIR is unusable ({why})"
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPolicy:
    """Hosts that may be called."""

    patterns: tuple[str, ...] = (*KNOWN_HOSTS, LOOPBACK)

    @classmethod
    def from_patterns(cls, text: str | None) -> Self:
        """Build from comma-separated entries; `None` means the known providers and loopback.

        Raises:
            ConfigurationError: an entry has none of the valid forms.
        """
        patterns: list[str] = []
        for word in listed((DEFAULT_HOSTS if text is None else text).lower()):
            check_entry(word)
            patterns.extend(KNOWN_HOSTS if word == KNOWN else (word,))
        return cls(patterns=tuple(patterns))

    def check(self, url: httpx.URL, *, loopback: bool = True) -> None:
        """Reject a URL that may not be called; `loopback` as in `fault`.

        Raises:
            ProviderError: class AUTH, since only this endpoint is unusable and another may serve.
        """
        fault = self.fault(url, loopback=loopback)
        if fault is not None:
            raise ProviderError(ErrorClass.AUTH, fault)

    def fault(self, url: httpx.URL, *, loopback: bool = True) -> str | None:
        """Return why a URL may not be called; `None` if it may.

        The entry `loopback` is for providers. Without `loopback` this machine needs an entry of its
        own, such as `127.0.0.1:9000`. A glob does not count.
        """
        host, scheme = canonical_name(url.host), url.scheme
        if scheme not in _PORTS or not host:
            return "the endpoint's base_url is not an http(s) URL"
        if url.userinfo:
            return f"the base_url of {host} has credentials; use api_key_env instead"
        if is_link_local(host):
            return f"{host} is a link-local address and is never called"
        here = is_loopback(host)
        port = url.port or _PORTS[scheme]
        whole = not loopback and is_this_machine(host)
        if (here and loopback and LOOPBACK in self.patterns) or self._named(
            host, port, scheme, whole=whole
        ):
            return None
        hint = "" if scheme == "https" or here else f" (plain http needs an entry http://{host})"
        return f"{host} may not be called; SLUICE_ALLOWED_HOSTS does not match it{hint}"

    def _named(self, host: str, port: int, scheme: str, *, whole: bool) -> bool:
        """Return whether an entry permits a host; with `whole` only as a whole name without a
        glob.
        """
        for pattern in self.patterns:
            if pattern.startswith("http://"):
                entry = pattern.removeprefix("http://").rstrip("/")
            elif scheme == "https" or is_loopback(host):
                entry = pattern.removeprefix("https://").rstrip("/")
            else:
                continue
            name, at = split_entry(entry)
            if whole and canonical_name(name) != host:
                continue
            if host_matches(host, name) and (at is None or fnmatchcase(str(port), at)):
                return True
        return False


def is_loopback(host: str) -> bool:
    """Return whether a host, a name or an address, is this machine."""
    if host == "localhost":
        return True
    # The translator named by an address may be anywhere: 64:ff9b::7f00:1 is called through it.
    address = address_of(host.partition("%")[0])
    return address is not None and address.is_loopback


def is_this_machine(host: str) -> bool:
    """Return whether a host may lead to this machine: as `is_loopback`, by its other names, and by
    the unspecified address.
    """
    if host in _NAMES_OF_THIS_MACHINE or host.endswith(".localhost"):
        return True
    address = _address(host)
    return address is not None and (address.is_loopback or address.is_unspecified)


def is_link_local(host: str) -> bool:
    """Return whether a host is a link-local address, 169.254.0.0/16 or fe80::/10, or that of a
    cloud's metadata service.
    """
    address = _address(host)
    return address is not None and (address.is_link_local or address in _METADATA)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    bare = host.strip("[]").partition("%")[0]
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return loosely_written(bare)
    return _inner(address) if isinstance(address, ipaddress.IPv6Address) else address


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the IPv4 address embedded in an IPv6 address: mapped, 6to4, NAT64 (RFC 6052), or the
    old compatible form.
    """
    carried = address.ipv4_mapped or address.sixtofour
    if carried is not None:
        return carried
    number = int(address)
    is_compatible = _HIGHEST_PLAIN < number < 1 << 32
    if is_compatible or any(address in network for network in _NAT64):
        return ipaddress.IPv4Address(number & 0xFFFF_FFFF)
    return address
