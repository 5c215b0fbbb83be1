"""Run every attack, or those that are named; a table, and exit status 1 if one succeeded."""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from infra.cli.output.screen import notes, print_table
from tests.chaos.hostile_gateway.floods import FLOODS
from tests.chaos.hostile_gateway.forgeries import FORGERIES
from tests.chaos.hostile_gateway.outage import kafka_away
from tests.chaos.hostile_gateway.target import Target, prepared, watched

MOST_ADDED_MB = 256.0
"""Memory that an attack may take, MB."""

_OUTAGE = "Kafka away"
ATTACKS: dict[str, Callable[[Target], Awaitable[str]]] = {
    **FORGERIES,
    **FLOODS,
    _OUTAGE: kafka_away,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an attack did: what was seen, memory added, MB, CPU seconds of gateway and worker, the
    honest client's slowest answer, s, and why the attack counts as successful, if it does.
    """

    attack: str
    seen: str
    added_mb: float
    cpu_s: tuple[float, float]
    slowest_s: float
    why: str | None


async def _attack(target: Target, name: str) -> Outcome:
    why, seen = None, ""
    async with watched(target) as watch:
        try:
            seen = await ATTACKS[name](target)
        except (AssertionError, TimeoutError) as error:
            why = f"{type(error).__name__}: {error}"[:300]
    if name != _OUTAGE and watch.errors:
        why = why or f"the honest client saw {watch.errors[:3]}"
    if watch.added_mb > MOST_ADDED_MB:
        why = why or f"memory grew by {watch.added_mb:.0f} MB"
    return Outcome(
        attack=name,
        seen=seen,
        added_mb=watch.added_mb,
        cpu_s=watch.cpu_s,
        slowest_s=watch.slowest_s,
        why=why,
    )


def main() -> int:
    """Run; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.hostile_gateway")
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help=", ".join(ATTACKS))
    chosen = parser.parse_args().attacks or list(ATTACKS)
    if unknown := [name for name in chosen if name not in ATTACKS]:
        parser.error(f"no attack is called {unknown[0]}; there are: {', '.join(ATTACKS)}")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    outcomes = []
    with (
        tempfile.TemporaryDirectory(prefix="sluice-hostile-") as folder,
        prepared(Path(folder)) as target,
    ):
        for name in chosen:
            notes.print(f"attack: {name}")
            outcomes.append(asyncio.run(_attack(target, name)))
    print_table(
        (
            "attack",
            "seen",
            "memory added, MB",
            "CPU of gateway and worker, s",
            "honest client's slowest, s",
            "succeeded",
        ),
        [
            (
                each.attack,
                each.seen,
                f"{each.added_mb:.0f}",
                "{:.1f}, {:.1f}".format(*each.cpu_s),
                f"{each.slowest_s:.2f}",
                each.why,
            )
            for each in outcomes
        ],
    )
    return 1 if any(each.why for each in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
