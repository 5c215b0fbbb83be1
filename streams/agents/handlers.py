"""The handlers of a worker's topics, each with the handling of a failed message."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from streams.agents import feedback, wait
from streams.agents.classify import handler
from streams.agents.context.dependencies import Dependencies
from streams.agents.execute import handler as execute
from streams.agents.outcomes.failed_handling import dead_letter_failed
from streams.flow.dispatcher import Handler, LeftForLaterError, Work
from streams.flow.handling_retries import HandlingFailure, bounded, cause_of, is_environment
from streams.offset_metadata.retry_count import MOST_LOST_WORKERS

log = logging.getLogger(__name__)

_Agent = Callable[[Work, Dependencies], Awaitable[None]]
_GiveUp = Callable[[Work, HandlingFailure, Dependencies], Awaitable[None]]


class Handlers:
    """Handlers of each kind of topic."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps
        self.requests = self._bounded(handler.classify, handler.give_up_request)
        self.hops = self._bounded(execute.execute, execute.give_up_hop)
        self.feedback = self._bounded(feedback.take_feedback, _give_up_feedback)

    def waiting(self, delay_s: int) -> Handler:
        """Return the handler of the wait topic with this delay, s; a hop that fails there ends as a
        hop does.
        """

        async def wait_out(work: Work, deps: Dependencies) -> None:
            await wait.wait_out(work, delay_s, deps)

        return self._bounded(wait_out, execute.give_up_hop)

    def _bounded(self, agent: _Agent, give_up: _GiveUp) -> Handler:
        deps = self._deps

        async def handle(work: Work) -> None:
            await agent(work, deps)

        async def end(work: Work, fault: HandlingFailure) -> None:
            if work.tries.lost_workers > MOST_LOST_WORKERS:
                # The end of its request also ended a process: its bytes are left alone.
                await dead_letter_failed(work.message, fault, deps.kafka, deps.observers)
                return
            try:
                await give_up(work, fault, deps)
            except LeftForLaterError:
                raise
            except Exception as error:
                if is_environment(error):
                    raise
                place = f"{work.message.topic}:{work.message.partition}:{work.message.offset}"
                log.error(  # noqa: TRY400 - a traceback's text may quote the message
                    "cannot end %s, skipping it: %s", place, cause_of(error)
                )

        return bounded(
            handle, end, sleep_ms=deps.calls.sleep_ms, failed=deps.observers.metrics.handling_failed
        )


async def _give_up_feedback(work: Work, fault: HandlingFailure, deps: Dependencies) -> None:
    await dead_letter_failed(work.message, fault, deps.kafka, deps.observers)
