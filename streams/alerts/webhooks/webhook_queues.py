"""Queues of notices for webhooks: one each, so a hanging webhook delays no other.

Invariants: `offer` never waits. A queue holds at most `MOST_WAITING` notices; further ones are
dropped with a log line. A webhook receives changes in their order on the log. Every delivery ends
its notice, so the delivered offset never stalls for longer than the attempts of the waiting
notices.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

import httpx

from streams.alerts.evaluation.active_alerts import Notice
from streams.alerts.log.delivered_offset import Progress
from streams.alerts.webhooks.webhook_delivery import Delivery, DeliveryResult
from streams.routing.alert_rules import Webhook

log = logging.getLogger(__name__)

MOST_WAITING = 256

Deliver = Callable[[Notice, Webhook], Awaitable[DeliveryResult]]


class Webhooks:
    """The queues of the webhooks; `ended` receives the result of each delivery."""

    def __init__(
        self, deliver: Deliver, *, ended: Callable[[str], None] = lambda delivery: None
    ) -> None:
        self._deliver = deliver
        self._ended = ended
        self._progress = Progress(0)
        self._queues: dict[Webhook, asyncio.Queue[Notice]] = {}
        self._tasks: dict[Webhook, asyncio.Task[None]] = {}

    def begin(self, delivered_offset: int) -> None:
        """Restart; everything before this offset is delivered."""
        self._progress = Progress(delivered_offset)

    @property
    def delivered_offset(self) -> int:
        """Return the offset before which every notice is delivered, or given up."""
        return self._progress.delivered_offset

    def read(self, offset: int, notice: Notice | None) -> None:
        """Queue the notice of a record of the log."""
        if notice is not None and offset >= self._progress.delivered_offset:
            self._offer(notice)
        self._progress.read(offset)

    async def use(self, webhooks: Collection[Webhook]) -> None:
        """Set the webhooks; notices for removed ones are given up."""
        for gone in self._queues.keys() - set(webhooks):
            waiting = self._queues.pop(gone)
            await _cancelled(self._tasks.pop(gone))
            while not waiting.empty():
                self._progress.end(waiting.get_nowait().offset)
        for webhook in webhooks:
            if webhook not in self._queues:
                queue = self._queues[webhook] = asyncio.Queue(MOST_WAITING)
                self._tasks[webhook] = asyncio.create_task(self._serve(webhook, queue))

    async def drained(self) -> None:
        """Wait until no delivery is in progress."""
        for queue in list(self._queues.values()):
            await queue.join()

    async def stop(self) -> None:
        """Stop delivery; the next leader continues from the committed offset."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        self._queues.clear()
        for task in tasks:
            await _cancelled(task)

    def _offer(self, notice: Notice) -> None:
        for webhook, queue in self._queues.items():
            if not webhook.wants(notice.alert.rule):
                continue
            try:
                queue.put_nowait(notice)
            except asyncio.QueueFull:
                self._report(
                    notice,
                    webhook,
                    DeliveryResult(delivery=Delivery.DROPPED, why="its queue is full"),
                )
            else:
                self._progress.begin(notice.offset)

    async def _serve(self, webhook: Webhook, queue: asyncio.Queue[Notice]) -> None:
        while True:
            notice = await queue.get()
            try:
                result = await self._deliver(notice, webhook)
            except Exception as error:
                log.exception("the delivery of an alert failed unexpectedly")
                result = DeliveryResult(delivery=Delivery.FAILED, why=type(error).__name__)
            finally:
                self._progress.end(notice.offset)
                queue.task_done()
            self._report(notice, webhook, result)

    def _report(self, notice: Notice, webhook: Webhook, result: DeliveryResult) -> None:
        self._ended(result.delivery.value)
        if result.delivery is Delivery.DELIVERED:
            return
        log.warning(
            "the webhook at %s did not receive alert %s (%s), state %s: %s (%s, attempts: %d)",
            httpx.URL(webhook.url).host,
            notice.alert.rule,
            notice.alert.subject,
            notice.change.value,
            result.why,
            result.delivery.value,
            result.tries,
        )


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
