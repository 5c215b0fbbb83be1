"""Chance without a generator: a draw is a keyed hash, so a replay draws the same (law 5)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence


def draw(key: str) -> float:
    """A number in [0, 1) that belongs to this key for good."""
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def weighted_choice(key: str, weighted: Sequence[tuple[str, float]]) -> str:
    """One of the names, each with the chance of its weight (> 0) among all.

    Weighted rendezvous hashing (Schindelhauer and Schomaker, 2005): a name whose weight grows only
    draws keys to itself, and none moves between the others.
    """
    return min(weighted, key=lambda named: -math.log(1 - draw(f"{key}/{named[0]}")) / named[1])[0]
