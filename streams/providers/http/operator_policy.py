"""What an adapter may read and whom it may call: the operator says so, never the registry alone.

| value | setting | means |
|---|---|---|
| `KeyRing` | `SLUICE_ALLOWED_KEYS` | patterns of key variables, `KEY@host` binds one to a host |
| `KeyRing` | `SLUICE_SECRETS_DIR` | folder with a file for each key, before the environment |
| `HostPolicy` | `SLUICE_ALLOWED_HOSTS` | patterns of hosts that may be called |

Patterns are shell globs, comma-separated; `host_patterns.py` beside this file lists the forms of a
host. Only `http://host` permits plain http outside loopback. Link-local addresses (cloud metadata
services live there) are never called.
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
"""Where AWS, Google, Alibaba, Azure and Oracle give credentials to their machines, at addresses
that are not link-local."""
_HIGHEST_PLAIN = 0xFFFF
"""`::` and `::1` carry nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """Provider keys by name, looked up at each call: a file of `secrets`, else the environment.

    An entry `KEY@host` (both may be globs) lets a key go to that host only; a key that such an
    entry names goes to no other host, whatever entries without a host say.
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
        """From comma-separated globs, for instance `*_API_KEY`, and the folder of keys, if any."""
        return cls(
            patterns=_words(text),
            environment=os.environ if environment is None else environment,
            secrets=None if secrets_dir is None else SecretFiles(secrets_dir),
        )

    def names(self) -> tuple[str, ...]:
        """The keys that may be read and are set now; names only."""
        given = set(self.environment) | set(() if self.secrets is None else self.secrets.names())
        return tuple(sorted(name for name in given if self.has(name)))

    def has(self, name: str) -> bool:
        """Whether the key `name` may be read and is usable now."""
        try:
            self.key(name)
        except ProviderError:
            return False
        return True

    def allows(self, name: str, host: str | None = None, *, bound: bool = False) -> bool:
        """Whether the operator allows `name` to be read as a key, and sent to `host` if one is
        given. With `bound` only entries that name a host count.
        """
        entries = [entry.partition("@") for entry in self.patterns]
        mine = [(bool(at), where) for key, at, where in entries if fnmatchcase(name, key)]
        hosts = [where for at, where in mine if at]
        if host is None or not hosts:
            return bool(hosts) or (bool(mine) and not bound)
        return any(host_matches(host, where) for where in hosts)

    def key(self, name: str, host: str | None = None, *, bound: bool = False) -> str:
        """The key `name`, to be sent to `host`; `bound` as in `allows`.

        Raises:
            ProviderError: class AUTH; the key is not allowed there, not set or holds characters
                that no header may carry. The message names the variable, never its content.
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
            nor = "" if self.secrets is None else ", and SLUICE_SECRETS_DIR holds no such file"
            raise ProviderError(ErrorClass.AUTH, f"the environment variable {name} is not set{nor}")
        if not (value.isascii() and value.isprintable()):
            raise ProviderError(
                ErrorClass.AUTH, f"the environment variable {name} does not hold a usable key"
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
                ErrorClass.AUTH, f"the file {name} in SLUICE_SECRETS_DIR can't be used ({why})"
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPolicy:
    """Hosts that may be called."""

    patterns: tuple[str, ...] = (*KNOWN_HOSTS, LOOPBACK)

    @classmethod
    def from_patterns(cls, text: str | None) -> Self:
        """From comma-separated entries; `None` means the known providers and loopback.

        Raises:
            ConfigurationError: an entry has none of the forms that one may have.
        """
        patterns: list[str] = []
        for word in _words((DEFAULT_HOSTS if text is None else text).lower()):
            check_entry(word)
            patterns.extend(KNOWN_HOSTS if word == KNOWN else (word,))
        return cls(patterns=tuple(patterns))

    def check(self, url: httpx.URL, *, loopback: bool = True) -> None:
        """Refuse a URL that may not be called; `loopback` as in `fault`.

        Raises:
            ProviderError: class AUTH, since only this endpoint is unusable and another may serve.
        """
        fault = self.fault(url, loopback=loopback)
        if fault is not None:
            raise ProviderError(ErrorClass.AUTH, fault)

    def fault(self, url: httpx.URL, *, loopback: bool = True) -> str | None:
        """Why a URL may not be called; `None` where it may.

        The entry `loopback` is for providers; without `loopback` this machine must be named, such
        as `127.0.0.1:9000`. A glob names nobody.
        """
        host, scheme = canonical_name(url.host), url.scheme
        if scheme not in _PORTS or not host:
            return "the endpoint's base_url is not an http(s) address"
        if url.userinfo:
            return f"the base_url of {host} holds credentials; name them by api_key_env"
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
        """Whether an entry permits a host, as a whole name and without a glob if `whole`."""
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
    """Whether a host, a name or an address, is this machine."""
    if host == "localhost":
        return True
    # A translator that an address names may be anywhere: 64:ff9b::7f00:1 is called by way of it.
    address = address_of(host.partition("%")[0])
    return address is not None and address.is_loopback


def is_this_machine(host: str) -> bool:
    """Whether a host may lead to this machine: as `is_loopback`, by other names of it, and by the
    address that means any.
    """
    if host in _NAMES_OF_THIS_MACHINE or host.endswith(".localhost"):
        return True
    address = _address(host)
    return address is not None and (address.is_loopback or address.is_unspecified)


def is_link_local(host: str) -> bool:
    """Whether a host is written as a link-local address, 169.254.0.0/16 or fe80::/10, or as one
    of a cloud's metadata service.
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
    """The IPv4 address that an IPv6 address carries: mapped, 6to4, NAT64 (RFC 6052), or the old
    compatible form.
    """
    carried = address.ipv4_mapped or address.sixtofour
    if carried is not None:
        return carried
    number = int(address)
    is_compatible = _HIGHEST_PLAIN < number < 1 << 32
    if is_compatible or any(address in network for network in _NAT64):
        return ipaddress.IPv4Address(number & 0xFFFF_FFFF)
    return address


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
