"""Chance that can be run again: every draw is a keyed hash of what it is drawn for."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Chance:
    """Draws under one seed."""

    seed: int

    def draw(self, purpose: str, key: str) -> float:
        """A number in (0, 1), always the same for the same seed, purpose and key."""
        digest = blake2b(f"{self.seed}/{purpose}/{key}".encode(), digest_size=7).digest()
        return (int.from_bytes(digest) + 0.5) / (1 << 56)
