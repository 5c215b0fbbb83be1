"""Messages whose handling fails with an unexpected exception.

The request ends as `failed` with code `internal_error`, through the journal like any other. Its
message goes to the dead-letter topic unchanged, and an alert names it.
"""

from __future__ import annotations

import logging

from core.kafka.incoming_message import Incoming
from schemas.alert_names import AlertName
from schemas.journal_headers import JournalKind
from schemas.records import Failure, TierMessage
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop import Hop
from streams.agents.context.hop_progress import HopProgress
from streams.agents.context.outcome_kinds import GaveUp
from streams.agents.context.ports import KafkaPorts, Observers
from streams.agents.outcomes.outcome import end_hop
from streams.flow.dispatcher import Work
from streams.flow.handling_retries import HandlingFailure, cause_of, is_environment

log = logging.getLogger(__name__)

INTERNAL_ERROR = "internal_error"
"""Code of the reply, and cause of the dead letter."""

FAILURE = Failure(
    code=INTERNAL_ERROR,
    message="handling of the request failed repeatedly with an unexpected error. A retry meets the "
    "same error; report the request id to the operators",
    retryable=False,
)


async def end_failed(
    work: Work, message: TierMessage, fault: HandlingFailure, deps: Dependencies
) -> None:
    """End a hop and its request as failed; return when reply, outcome, dead letter and alert are
    acknowledged. If even that fails, the dead letter remains and the partition goes on.
    """
    await dead_letter_failed(work.message, fault, deps.kafka, deps.observers)
    # The body is not read: it may be what fails.
    hop = Hop.of(work, message, deps.registry.snapshot, body={})
    progress = HopProgress.of(hop, deps.kafka.publisher)
    try:
        await end_hop(progress, GaveUp(kind=JournalKind.FAILED, failure=FAILURE), deps)
    except Exception as error:
        if is_environment(error):
            raise
        log.warning(
            "cannot end a request as failed, keeping its dead letter only: %s",
            cause_of(error),
        )


async def dead_letter_failed(
    message: Incoming, fault: HandlingFailure, kafka: KafkaPorts, observers: Observers
) -> None:
    """Dead-letter a message whose handling failed, and raise the alert.

    Raises:
        DeadLetterLimitError: most of the recent messages of the topic end like this.
    """
    await (await kafka.dead_letters.put(message, INTERNAL_ERROR, fault.reason, was_read=True))
    await observers.alerts.fire(
        AlertName.HANDLING_FAILED,
        message.topic,
        f"{message.topic}:{message.partition}:{message.offset}: {fault.reason}. It ended as "
        "internal_error. See the dead-letter topic for its bytes, and the log of "
        f"{kafka.me.worker} for the traceback",
    )
