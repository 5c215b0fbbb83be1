"""A run over several processes: each takes the next piece of the log, none takes one twice.

This process is one of them: it works before the others have started, which takes some two seconds.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing.sharedctypes import Synchronized

from infra.replays.factory import ReplayComponents, opened, request_reader, runner
from infra.replays.replay_run import Places, Tally
from infra.replays.target_version import Origin, chosen, live
from schemas.errors import RegistryError
from sinks.settings import SinkSettings
from streams.offline.replay.replaying import Replayer
from streams.offline.replay.run_spec import OffsetSpan, RunSpec
from streams.providers.pricing.price_list import PriceBook
from streams.registry.version import RegistryVersion

Tick = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayShare:
    """The work: the run's spec, its pieces, finished rows, the source of the registry."""

    spec: RunSpec
    pieces: tuple[OffsetSpan, ...]
    done: Places
    origin: Origin


@dataclass(frozen=True, slots=True)
class WorkQueue:
    """Number of taken and of finished pieces, over all processes."""

    taken: Synchronized[int]
    done: Synchronized[int]

    def of(self, pieces: Sequence[OffsetSpan]) -> Iterator[OffsetSpan]:
        """Yield the pieces of this process."""
        while True:
            with self.taken.get_lock():
                turn = self.taken.value
                self.taken.value = turn + 1
            if turn >= len(pieces):
                return
            yield pieces[turn]

    def one_done(self) -> None:
        """Count a piece that is on the log."""
        with self.done.get_lock():
            self.done.value += 1

    def end(self, pieces: Sequence[OffsetSpan]) -> None:
        """Cancel pieces that are not taken."""
        with self.taken.get_lock():
            self.taken.value = len(pieces)


def work(
    parts: ReplayComponents,
    share: ReplayShare,
    version: RegistryVersion,
    tick: Tick,
    *,
    own: Iterable[OffsetSpan] | None = None,
) -> Tally:
    """Run a share here, or its `own` pieces; `tick` is called after each."""
    read, close = request_reader(SinkSettings().schema_registry_url)
    replayer = Replayer(
        snapshot=version.snapshot,
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
        own=share.pieces if own is None else own,
        on_piece=tick,
    )
    try:
        return one.run()
    finally:
        close()


def work_together(
    parts: ReplayComponents,
    share: ReplayShare,
    version: RegistryVersion,
    processes: int,
    tick: Tick,
) -> Tally:
    """Run a share here and in `processes - 1` others; `tick` is called for each piece.

    Raises:
        SluiceError: an error of any of them.
    """
    others = min(processes, len(share.pieces)) - 1
    if others < 1:
        return work(parts, share, version, tick)
    pieces = tuple(sorted(share.pieces, key=lambda piece: -piece.count))
    ordered = replace(share, pieces=pieces)
    context = multiprocessing.get_context("spawn")
    queue = WorkQueue(context.Value("q", 0), context.Value("q", 0))
    reported = 0

    def report() -> None:
        nonlocal reported
        while reported < queue.done.value:
            reported += 1
            tick()

    def mine() -> None:
        queue.one_done()
        report()

    with ProcessPoolExecutor(
        others, mp_context=context, initializer=_join, initargs=(queue,)
    ) as pool:
        running = [pool.submit(_beside, ordered) for _ in range(others)]
        try:
            whole = work(parts, ordered, version, mine, own=queue.of(pieces))
            for each in running:
                whole += each.result()
        finally:
            queue.end(pieces)
    report()
    return whole


_QUEUES: list[WorkQueue] = []
"""State of an additional process, from its start."""


def _join(queue: WorkQueue) -> None:
    _QUEUES.append(queue)


def _beside(share: ReplayShare) -> Tally:
    queue = _QUEUES[-1]
    with opened() as parts:
        version, _ = chosen(parts.history, share.origin)
        if version.hash != share.spec.registry:
            raise RegistryError("the registry changed during the start of the replay; run it again")
        return work(parts, share, version, queue.one_done, own=queue.of(share.pieces))
