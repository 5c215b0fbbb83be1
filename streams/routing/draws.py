"""Deterministic draws: a draw is a keyed hash, so a replay draws the same (law 5)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence


def draw(key: str) -> float:
    """Return a number in [0, 1) that is fixed for this key."""
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def weighted_choice(key: str, weighted: Sequence[tuple[str, float]]) -> str:
    """Draw one of the names, each with the probability of its weight (> 0) among all.

    Weighted rendezvous hashing (Schindelhauer and Schomaker, 2005): a name whose weight grows only
    gains keys, and no key moves between the others.
    """
    return min(weighted, key=lambda named: -math.log(1 - draw(f"{key}/{named[0]}")) / named[1])[0]
