"""Messages whose handling fails with an unexpected exception.

The request ends as `failed` with code `internal_error`, through the journal like any other. Its
message goes to the dead-letter topic unchanged, and an alert names it.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.kafka.incoming_message import Incoming
from schemas.alert_names import AlertName
from schemas.journal_headers import JournalKind
from schemas.records import Failure
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop_state import HopState
from streams.agents.context.outcome_kinds import GaveUp
from streams.agents.context.ports import KafkaPorts, Observers
from streams.agents.outcomes.outcome import end_hop
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


@asynccontextmanager
async def one_try(hop: HopState) -> AsyncIterator[None]:
    """One attempt; on a failure its records are acknowledged, and its calls are kept for the next
    attempt and for the outcome.
    """
    try:
        yield
    except Exception as error:
        if not is_environment(error):
            hop.work.tries.attempts = list(hop.attempts)
            for record in hop.pending:
                await record
        raise


async def end_failed(hop: HopState, fault: HandlingFailure, deps: Dependencies) -> None:
    """End a hop and its request as failed; return when reply, outcome, dead letter and alert are
    acknowledged. If even that fails, the dead letter remains and the partition goes on.
    """
    await set_failed_aside(hop.work.message, fault, deps.kafka, deps.observers)
    try:
        await end_hop(hop, GaveUp(kind=JournalKind.FAILED, failure=FAILURE), deps)
    except Exception as error:
        if is_environment(error):
            raise
        log.warning(
            "cannot end a request as failed, keeping its dead letter only: %s",
            cause_of(error),
        )


async def set_failed_aside(
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
