"""Wait topics: a hop without capacity waits for its topic's delay, then returns to its tier.

Nothing is decoded, unless the registry no longer has the tier: then the hop goes to the most
expensive tier, whose models can do what the removed ones could. The return is at least once, and
execute admits the first message of each visit. A message that waits at shutdown is left to the next
owner of the partition.
"""

from __future__ import annotations

from dataclasses import replace

from core.codecs import Codecs
from core.kafka.incoming_message import Incoming
from core.kafka.producer import Outgoing
from schemas.errors import UndecodableError
from schemas.topics import is_tier_topic, tier_of_topic
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.tier_records import BOUND_FOR, hop_message, read_hop, tier_record
from streams.flow.dispatcher import LeftForLaterError, Work
from streams.registry.live import LiveRegistry

_LOOK_MS = 1_000.0


async def wait_out(work: Work, delay_s: int, deps: Dependencies) -> None:
    """Hold a message until its delay is over; return when its tier's topic has it again.

    Raises:
        LeftForLaterError: the worker stops, or the partition was revoked.
    """
    message = work.message
    try:
        hop_message(message)
        topic = _bound_for(message)
    except UndecodableError as error:
        await (await deps.kafka.dead_letters.put(message, "undecodable", str(error)))
        return
    if work.tries.failed == 0:
        deps.kafka.dead_letters.passed(message)
    work.end_trial()
    due = message.timestamp + delay_s * 1000
    while (left := due - deps.kafka.clock.now()) > 0:
        if work.lost or work.closing:
            raise LeftForLaterError
        await deps.calls.sleep_ms(min(float(left), _LOOK_MS))
    try:
        record = await _tier_record_of(message, topic, deps.kafka.codecs, deps.registry)
    except UndecodableError as error:
        await (await deps.kafka.dead_letters.put(message, "undecodable", str(error), was_read=True))
        return
    await (await deps.kafka.publisher.publish(record))


async def _tier_record_of(
    message: Incoming, topic: str, codecs: Codecs, registry: LiveRegistry
) -> Outgoing:
    tiers = registry.snapshot.tiers
    if tier_of_topic(topic) not in tiers:
        hop = replace(await read_hop(message, codecs), tier=tiers[-1])
        return replace(tier_record(hop, codecs), partition=message.partition)
    return Outgoing(
        topic=topic,
        key=message.key,
        value=message.value or b"",
        headers=[(name, value) for name, value in message.headers if name != BOUND_FOR],
        partition=message.partition,
    )


def _bound_for(message: Incoming) -> str:
    found = message.header(BOUND_FOR)
    topic = found.decode("ascii", "replace") if found else ""
    if not is_tier_topic(topic):
        raise UndecodableError("not a waiting tier message: its target topic is missing or invalid")
    return topic
