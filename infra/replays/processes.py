"""A run over several processes: each takes pieces of the log, none of them twice."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace

from infra.replays.choosing import Origin, chosen, live
from infra.replays.opening import Parts, opened, request_reader, runner
from infra.replays.running import Places, Tally
from schemas.errors import RegistryError
from sinks.settings import SinkSettings
from streams.providers.prices import PriceBook
from streams.registry.version import RegistryVersion
from streams.replay.replaying import Replayer
from streams.replay.run_spec import RunSpec, Span

Tick = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one process does: the run's spec, its own pieces, what is done, whence the registry."""

    spec: RunSpec
    pieces: tuple[Span, ...]
    done: Places
    origin: Origin


def work(parts: Parts, share: Share, version: RegistryVersion, tick: Tick) -> Tally:
    """Do a share here."""
    read, close = request_reader(SinkSettings().schema_registry_url)
    replayer = Replayer(
        landscape=version.landscape,
        before=live(parts.history),
        pricing=PriceBook(),
        reuse=not share.spec.assess_all,
    )
    one = runner(
        parts,
        share.spec,
        replayer=replayer,
        read=read,
        done=share.done,
        own=share.pieces,
        on_piece=tick,
    )
    try:
        return one.run()
    finally:
        close()


def work_together(shares: Sequence[Share], tick: Tick) -> Tally:
    """Do shares in a process each; `tick` is called for the pieces of a share when it is done.

    Raises:
        SluiceError: what any of them raised.
    """
    whole = Tally()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(shares), mp_context=context) as pool:
        running = {pool.submit(_alone, share): share for share in shares}
        for each in as_completed(running):
            whole = added(whole, each.result())
            for _ in running[each].pieces:
                tick()
    return whole


def _alone(share: Share) -> Tally:
    with opened() as parts:
        version, _ = chosen(parts.history, share.origin)
        if version.hash != share.spec.registry:
            raise RegistryError("the registry changed while the replay began; start it again")
        return work(parts, share, version, lambda: None)


def added(one: Tally, two: Tally) -> Tally:
    """Both together."""
    return Tally(**{name: count + getattr(two, name) for name, count in one.as_document().items()})


def divided(share: Share, processes: int) -> list[Share]:
    """A share dealt out to so many processes, at most one a piece."""
    count = max(min(processes, len(share.pieces)), 1)
    return [replace(share, pieces=share.pieces[number::count]) for number in range(count)]
