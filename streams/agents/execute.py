"""Execute: one hop of a request, on whatever tier it stands. Tiers are names, not code.

A message is admitted by its journal before it is decoded; what is done already is acknowledged
without a call, what another worker holds is waited for, what a dead one left is taken over.
"""

from __future__ import annotations

import logging

from schemas import exact_json
from schemas.errors import UndecodableError
from schemas.mapping import from_record
from schemas.records import Failure, TierMessage
from streams.agents.answering import work_out
from streams.agents.dependencies import Dependencies
from streams.agents.ending_kinds import GaveUp
from streams.agents.endings import end_hop, tell_duplicate
from streams.agents.hop_state import HopState
from streams.agents.interrupted import book_interrupted
from streams.agents.shadows import draw_shadow, make_shadow
from streams.agents.spans import hop_span
from streams.agents.tier_records import hop_message
from streams.flow.intake import Work
from streams.flow.journal import Done, Duplicate, HopMessage, Run, Wait

log = logging.getLogger(__name__)

_POLL_MS = 200.0
"""How often a message that waits for another worker's lease asks the journal again."""


async def execute(work: Work, deps: Dependencies) -> None:
    """Take one hop's message; returns when every effect of it is acknowledged."""
    try:
        arrived = hop_message(work.message)
        message = await _decode(work, deps)
    except UndecodableError as error:
        await (await deps.dead_letters.put(work.message, "undecodable", str(error)))
        return
    deps.dead_letters.passed(work.message.topic)
    admission = await _admitted(work, arrived, deps)
    if isinstance(admission, Duplicate) and not admission.silent:
        await tell_duplicate(_state(work, message, deps), admission.status, deps)
    if isinstance(admission, Done | Duplicate):
        deps.metrics.repeated("done" if isinstance(admission, Done) else "duplicate")
    if not isinstance(admission, Run) or work.lost:
        return
    async with deps.claims.hold(arrived):
        await book_interrupted(work.message.partition, admission.interrupted, deps)
        hop = _state(work, message, deps)
        with hop_span(work, hop, deps):
            await _carry_out(hop, deps)


async def _carry_out(hop: HopState, deps: Dependencies) -> None:
    message = hop.message
    if message.verdict is not None:
        await end_hop(hop, _ended_before(message, message.verdict), deps)
        return
    ending = await work_out(hop, deps)
    if ending is not None:
        shadow = draw_shadow(hop, ending, deps)
        await end_hop(hop, ending, deps)
        if shadow is not None:
            await make_shadow(hop, ending, shadow, deps)
        return
    for record in hop.pending:
        await record


async def _decode(work: Work, deps: Dependencies) -> TierMessage:
    if work.message.value is None:
        raise UndecodableError("the value is null")
    record = await deps.codecs.decode(deps.codecs.tier_message, work.message.value)
    return from_record(TierMessage, record)


def _state(work: Work, message: TierMessage, deps: Dependencies) -> HopState:
    decision = message.decision
    return HopState(
        work=work,
        message=message,
        landscape=deps.registry.landscape.under(decision.experiment, decision.arm),
        body=exact_json.loads(message.body) if message.body else {},
    )


async def _admitted(
    work: Work, arrived: HopMessage, deps: Dependencies
) -> Run | Done | Duplicate | None:
    """Ask the journal, waiting as long as it says so; `None` when the partition was lost."""
    partition = work.message.partition
    while not work.lost and deps.journals.holds(partition):
        journal = await deps.journals.ready(partition)
        holder = deps.claims.holder(arrived)
        if holder is not None:
            async with work.slots.lent():
                await holder.wait()
            continue
        admission = journal.admit(arrived, deps.me, deps.clock.now())
        if not isinstance(admission, Wait):
            if isinstance(admission, Run):
                journal.opened(arrived)
            return admission
        async with work.slots.lent():
            await deps.sleep_ms(min(float(admission.until - deps.clock.now()), _POLL_MS) + 1)
    return None


def _ended_before(message: TierMessage, verdict: Failure) -> GaveUp:
    kind = "expired" if verdict.code == "deadline_exceeded" else "rejected"
    return GaveUp(kind=kind, failure=verdict)
