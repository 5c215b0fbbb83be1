"""Retries of a failed message: a bounded number of attempts, then it is ended.

`bounded` wraps a handler. An unexpected exception is attributed to the message: the handler is
called again after a pause, `MOST_TRIES` times in all, then `give_up` ends the message and its
partition goes on. An exception of the environment is raised and stops the worker. The message is
not affected: its offset is not committed, and the next owner reads it again.

Log and alert name the type of the exception and the line that raised it, never its text, which may
quote a request.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import PurePath

from aiokafka.errors import KafkaError

from schemas.errors import (
    DeliveryError,
    KafkaAccessError,
    KafkaAwayError,
    RecordTooLargeError,
    SchemaRegistryAwayError,
)
from streams.bad_input.dead_letters import DeadLetterLimitError
from streams.flow.dispatcher import Handler, LeftForLaterError, Work
from streams.offset_metadata.retry_count import Tries

log = logging.getLogger(__name__)

PAUSES_MS = (100.0, 1_000.0)
"""Pause before the second and the third attempt."""

_ENVIRONMENT = (
    DeliveryError,
    KafkaAccessError,
    KafkaAwayError,
    KafkaError,
    SchemaRegistryAwayError,
    DeadLetterLimitError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlingFailure:
    """Reason for ending a message, as dead letters and alerts state it."""

    reason: str

    @classmethod
    def of(cls, error: BaseException, tries: int) -> HandlingFailure:
        """Return the reason by the exception of the last attempt."""
        return cls(reason=f"handling failed {tries} times, the last error is {cause_of(error)}")

    @classmethod
    def of_earlier(cls, tries: Tries) -> HandlingFailure:
        """Return the reason by the attempts of earlier processes."""
        return cls(
            reason=f"handling failed {tries.failed} times, and {tries.lost_workers} workers ended "
            "while it was the only message in progress; there is no further retry"
        )


GiveUp = Callable[[Work, HandlingFailure], Awaitable[None]]
"""Ends a message; returns when every effect is acknowledged."""


def is_environment(error: Exception) -> bool:
    """Return whether an exception is independent of the handled message."""
    return isinstance(error, _ENVIRONMENT) and not isinstance(error, RecordTooLargeError)


def cause_of(error: BaseException) -> str:
    """Return an exception's type and the innermost line that raised it, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    innermost = frames[-1]
    return f"{type(error).__name__} at {PurePath(innermost.filename).name}:{innermost.lineno}"


def bounded(
    handler: Handler,
    give_up: GiveUp,
    *,
    sleep_ms: Callable[[float], Awaitable[None]],
    failed: Callable[[str], None] = lambda topic: None,
) -> Handler:
    """Return a handler that tries a message at most `MOST_TRIES` times, then gives it up.

    `failed` receives the topic of each failed attempt. The wrapped handler raises exceptions of the
    environment, and those of `give_up`.

    Raises:
        LeftForLaterError: the partition was revoked, or the worker stops between two attempts.
    """

    async def handle(work: Work) -> None:
        if _used_up(work):
            await give_up(work, HandlingFailure.of_earlier(work.tries))
            return
        while True:
            error = await _one_try(handler, work)
            if error is None:
                return
            failed(work.message.topic)
            await work.note_failed()
            _log_failure(work, error)
            if _used_up(work):
                await give_up(work, HandlingFailure.of(error, work.tries.failed))
                return
            await _pause(work, sleep_ms)

    return handle


def _used_up(work: Work) -> bool:
    return work.tries.used_up


async def _one_try(handler: Handler, work: Work) -> Exception | None:
    """Return the exception of a failed attempt; `None` if the message is done."""
    try:
        await handler(work)
    except LeftForLaterError:
        raise
    except Exception as error:
        if is_environment(error):
            raise
        if work.lost:
            raise LeftForLaterError from error
        return error
    return None


async def _pause(work: Work, sleep_ms: Callable[[float], Awaitable[None]]) -> None:
    pause_ms = PAUSES_MS[min(work.tries.failed, len(PAUSES_MS)) - 1]
    async with work.slots.lent():
        await sleep_ms(pause_ms)
    if work.lost or work.closing:
        raise LeftForLaterError


def _log_failure(work: Work, error: Exception) -> None:
    message = work.message
    log.error(
        "handling of %s:%d:%d failed (attempt %d): %s\n%s",
        message.topic,
        message.partition,
        message.offset,
        work.tries.failed,
        type(error).__name__,
        "".join(traceback.format_tb(error.__traceback__)),
    )
