"""Reproducible randomness: every draw is a keyed hash of its purpose."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Chance:
    """Draws under one seed."""

    seed: int

    def draw(self, purpose: str, key: str) -> float:
        """Return a number in (0, 1), the same for the same seed, purpose and key."""
        digest = blake2b(f"{self.seed}/{purpose}/{key}".encode(), digest_size=7).digest()
        return (int.from_bytes(digest) + 0.5) / (1 << 56)
