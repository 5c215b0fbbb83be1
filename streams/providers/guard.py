"""What the operator allows: which variables may be read as keys, which hosts may be called.

The registry names both, but never decides (design, law 9): a registry that someone else wrote must
not be able to send our keys, or our traffic, anywhere new.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from streams.providers.base import ErrorClass, ProviderError

KNOWN_HOSTS = (
    "api.openai.com",
    "*.openai.azure.com",
    "api.anthropic.com",
    "generativelanguage.googleapis.com",
    "api.mistral.ai",
    "api.groq.com",
    "api.together.xyz",
    "api.deepseek.com",
    "api.fireworks.ai",
    "openrouter.ai",
)
"""Hosts that are allowed unless the operator says otherwise, beside loopback."""


def _patterns(text: str) -> tuple[str, ...]:
    return tuple(word.strip().lower() for word in text.split(",") if word.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """Reads provider keys from the environment, at the moment of a call."""

    allowed: tuple[str, ...] = ("*_API_KEY",)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @classmethod
    def from_patterns(cls, text: str) -> KeyRing:
        """A key ring for comma-separated patterns of variable names."""
        return cls(allowed=tuple(word.strip() for word in text.split(",") if word.strip()))

    def key(self, name: str | None) -> str | None:
        """The key in a variable; `None` where the endpoint needs none.

        Raises:
            ProviderError: class `auth`; the variable may not be read, or is not set.
        """
        if name is None:
            return None
        if not any(fnmatchcase(name, pattern) for pattern in self.allowed):
            raise ProviderError(
                ErrorClass.AUTH,
                f"the registry asks for the key in {name}, SLUICE_ALLOWED_KEYS forbids it",
            )
        value = self.environment.get(name)
        if not value:
            raise ProviderError(ErrorClass.AUTH, f"the key variable {name} is not set")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPolicy:
    """Which hosts may be called, and how: https everywhere but on loopback."""

    allowed: tuple[str, ...] = KNOWN_HOSTS

    @classmethod
    def from_patterns(cls, text: str | None) -> HostPolicy:
        """A policy for comma-separated host patterns; `None` allows the known providers."""
        return cls() if text is None else cls(allowed=_patterns(text))

    def check(self, url: str) -> None:
        """Refuse a URL that may not be called.

        Raises:
            ProviderError: class `auth`, since only the operator can mend it.
        """
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if _is_loopback(host):
            return
        if _is_link_local(host):
            raise ProviderError(ErrorClass.AUTH, f"{host} is a link-local address")
        if not any(fnmatchcase(host, pattern) for pattern in self.allowed):
            raise ProviderError(
                ErrorClass.AUTH, f"{host} is not among the hosts of SLUICE_ALLOWED_HOSTS"
            )
        if parts.scheme != "https":
            raise ProviderError(ErrorClass.AUTH, f"{host} must be called by https")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _is_link_local(host: str) -> bool:
    address = _address(host)
    return address is not None and address.is_link_local
