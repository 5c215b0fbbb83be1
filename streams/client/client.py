"""Client of the pipeline for callers on Kafka: requests to a topic, replies from a topic.

    async with SluiceClient() as client:
        reply = await client.ask("What is Kafka?", tier="simple", deadline_ms=30_000)
        print(reply.text, reply.reply.model, reply.cost_usd)

A request gets an id of its own if it has none. Its key is its id, so the parts of a streamed answer
arrive in order. A reply belongs to the request whose correlation id it echoes.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self, Unpack

from core.background_tasks import cancelled
from schemas.errors import ConfigurationError, KafkaAwayError
from streams.client.connection import Connect, Connection, kafka_connection, listen
from streams.client.paced_requests import each_ended
from streams.client.pending_requests import PendingRequest, PendingRequests
from streams.client.request_fields import RequestFields, request_document, wait_s_of
from streams.client.request_outcome import ReceivedReply, RequestOutcome
from streams.client.sent_request import SentRequest
from streams.client.settings import ClientSettings
from streams.client.streamed_reply import StreamedReply


class SluiceClient:
    """One connection for any number of requests at a time; open it as a context.

    `connect` is the connection's adapter; tests pass `MemoryPipeline(...).connect`.
    """

    def __init__(
        self,
        settings: ClientSettings | None = None,
        *,
        connect: Connect | None = None,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._settings = settings or ClientSettings()
        self._connect = connect or kafka_connection
        self._new_id = new_id
        self._run = uuid.uuid4().hex
        self._sent = 0
        self._pending = PendingRequests[PendingRequest]()
        self._connection: Connection | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            KafkaAwayError: no broker answers.
            KafkaAccessError: the broker rejects the connection.
            TopicError: the request topic or the reply topic does not exist.
        """
        self._pending = PendingRequests()
        async with AsyncExitStack() as stack:
            connection = await stack.enter_async_context(self._connect(self._settings))
            reading = listen(connection, self._settings.reply_topic, self._pending)
            stack.push_async_callback(cancelled, asyncio.create_task(reading))
            self._connection, self._stack = connection, stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect. Requests that still wait fail with `KafkaAwayError`; workers end them."""
        self._connection = None
        self._pending.fail(KafkaAwayError("the client was closed before the reply arrived"))
        await self._stack.aclose()

    async def ask(
        self, request: str | Mapping[str, Any], **fields: Unpack[RequestFields]
    ) -> ReceivedReply:
        """Send a request and return its reply with the answer. `request` is a question, or a body
        of chat completions with the fields of `docs/callers.md`; `fields` are set on it.

        Raises:
            RejectedRequestError, FailedRequestError: it ended so; the error has code and id.
            DeadlineError: it expired, or no reply arrived 30 s after its deadline.
            InvalidRequestError: it can't be written as JSON.
            KafkaAwayError: the broker did not confirm it, or replies can't be read. The same
                request may be sent again with the same `request_id`.
            DeliveryError: the broker rejected it.
        """
        return (await self.exchange({**request_document(request), **fields})).answer()

    async def exchange(
        self, request: Mapping[str, Any], *, timeout_s: float | None = None
    ) -> RequestOutcome:
        """Send a request and return how it ended, also without an answer. It waits for `timeout_s`
        seconds, by default until 30 s after the request's deadline.

        Raises:
            InvalidRequestError, KafkaAwayError, DeliveryError: as `ask`.
        """
        sent = self._sent_request(request, timeout_s=timeout_s)
        async with sent.published() as pending:
            await pending.ended(sent.timeout_s)
        return sent.outcome(pending)

    async def ask_many(
        self,
        requests: Iterable[str | Mapping[str, Any]],
        *,
        in_flight: int = 64,
        rate: float | None = None,
        timeout_s: float | None = None,
    ) -> AsyncIterator[RequestOutcome]:
        """Send many requests and yield each outcome as it comes, also those without an answer. At
        most `in_flight` are open, those counted whose outcome was not taken yet; at most `rate`
        are sent per second. Close the iterator (`contextlib.aclosing`) if you end it early.

        Raises:
            InvalidRequestError, KafkaAwayError, DeliveryError: as `ask`; the first ends all.
        """

        async def ended(request: str | Mapping[str, Any]) -> RequestOutcome:
            return await self.exchange(request_document(request), timeout_s=timeout_s)

        async for outcome in each_ended(requests, ended, in_flight=in_flight, rate=rate):
            yield outcome

    def stream(
        self, request: str | Mapping[str, Any], **fields: Unpack[RequestFields]
    ) -> StreamedReply:
        """Return the answer of a request as an iterator of its parts. It is sent when the iteration
        begins. Parts come while the model writes, where no other answer can become the reply, and
        else when the answer is accepted. The iteration raises as `ask`, and `AnswerChangedError` if
        another call answered after parts of the first were taken.
        """
        document = {**request_document(request), **fields}
        return StreamedReply(lambda: self._sent_request(document, stream=True))

    def unreadable_in_words(self) -> str:
        """Return a note about unreadable replies, for a missing reply; empty if there were none."""
        count = self._pending.unreadable
        if not count:
            return ""
        return (
            f"; {count} records on {self._settings.reply_topic} are not readable as replies: check "
            "who writes to it"
        )

    def _sent_request(
        self, request: Mapping[str, Any], *, timeout_s: float | None = None, stream: bool = False
    ) -> SentRequest:
        """Return a request that is ready to be sent."""
        connection = self._connection
        if connection is None:
            raise ConfigurationError("open the client first: async with SluiceClient() as client")
        document = {**request, "request_id": request.get("request_id", self._new_id())}
        self._sent += 1
        return SentRequest(
            document=document,
            correlation=f"{self._run}-{self._sent}".encode(),
            settings=self._settings,
            publisher=connection.publisher,
            waiting=self._pending,
            timeout_s=wait_s_of(document) if timeout_s is None else timeout_s,
            stream=stream,
            note=self.unreadable_in_words,
        )
