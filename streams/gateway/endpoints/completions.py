"""The endpoints that answer a request through the log, in any dialect."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from schemas.errors import SluiceError
from schemas.gateway.headers import GatewayHeaders
from schemas.journal_headers import Headers, JournalKind
from schemas.records import Reply
from streams.gateway.admission import AdmittedRequest, admit
from streams.gateway.context import GatewayContext
from streams.gateway.dialects.answer import AnsweredRequest, BegunAnswer, answer_headers
from streams.gateway.dialects.parsed_request import ParsedRequest
from streams.gateway.dialects.port import VendorDialect
from streams.gateway.dispatch.acceptance import AcceptedResponse
from streams.gateway.dispatch.request_ids import body_digest
from streams.gateway.dispatch.response_ids import ResponseId
from streams.gateway.dispatch.submission import Submission
from streams.gateway.dispatch.waiting import WaitingRequest
from streams.gateway.endpoints.bodies import body_of, read_object
from streams.gateway.endpoints.client_watch import ClientWatch
from streams.gateway.endpoints.event_stream import EventStream
from streams.gateway.endpoints.failures import error_response, http_error, unexpected
from streams.gateway.endpoints.streamed_answer import (
    DISCONNECTED,
    OK,
    AnswerEvents,
    reply_of,
)
from streams.gateway.errors import GatewayCode, HttpError, invalid, of_failure
from streams.gateway.keys import AuthenticatedCaller
from streams.routing.parameters.extra_body import accepted_names
from streams.tracing.context import TRACEPARENT, TRACESTATE

log = logging.getLogger(__name__)

STATUS_WAIT_S = 15.0
"""Time for which a stream waits for its first part or an error before it sends its status line."""

GRACE_MS = 2_000
"""Time after the deadline in which a worker's own reply may still arrive."""

_LONGEST_IDEMPOTENCY_KEY = 255
_LONGEST_TRACE = 512


@dataclass(slots=True)
class ClientExchange:
    """One HTTP request on its way: what was learned of it so far. `parsed` has no content: it may
    have megabytes, and is not needed while the request waits.
    """

    request: Request
    begun_ms: float
    parsed: ParsedRequest | None = None
    accepted: AcceptedResponse | None = None
    key_digest: str = ""
    deadline_ms: int = 0
    limit_headers: Mapping[str, str] | None = None


class Completions:
    """Serves one dialect's endpoint."""

    def __init__(self, dialect: VendorDialect, context: GatewayContext) -> None:
        self._dialect = dialect
        self._context = context

    async def serve(self, request: Request) -> Response:
        """Answer a request."""
        clock, metrics = self._context.clock, self._context.metrics
        exchange = ClientExchange(request=request, begun_ms=clock.elapsed_ms())
        try:
            waiting = await self._submit(exchange)
            begun = self._begun(exchange, waiting)
            if begun.parsed.stream:
                return await self._streamed(exchange, begun, waiting)
            return await self._plain(exchange, begun, waiting)
        except ClientDisconnect:
            metrics.disconnected.inc()
            return self._ended(exchange, Response(status_code=499), DISCONNECTED)
        except SluiceError as error:
            return self._failed(exchange, http_error(error))
        except Exception:
            log.exception("a request failed unexpectedly")
            return self._failed(exchange, unexpected())

    async def _submit(self, exchange: ClientExchange) -> WaitingRequest:
        context, request = self._context, exchange.request
        snapshot = context.snapshot
        caller = context.caller(request.headers)
        exchange.key_digest = caller.digest
        if len(context.waiting) >= context.settings.gateway_max_waiting:
            raise HttpError(
                503,
                GatewayCode.CROWDED,
                "too many requests wait for a reply here; retry later",
                retryable=True,
            )
        limit = context.limits.take(caller.key, context.clock.elapsed_ms())
        if limit is not None:
            exchange.limit_headers = self._dialect.limit_headers(limit, context.now_s())
            limit.check()
        limit_bytes = context.settings.gateway_max_body_bytes
        async with body_of(request, limit_bytes, context.buffers) as body:
            extra_names = accepted_names(snapshot.models.values())
            parsed = self._dialect.parse(read_object(body), extra_names)
            exchange.parsed = replace(parsed, document={}, native=None)
            # A client does not wait for an answer in the background.
            time_outs = {} if parsed.background else request.headers
            admitted = admit(parsed, caller, snapshot, time_outs, context.settings.alias_of)
            exchange.deadline_ms = admitted.deadline_ms
            wanted = _submission(request, body, caller, parsed, admitted)
            exchange.accepted = wanted.accepted
            return await context.submissions.submit(wanted)

    def _begun(self, exchange: ClientExchange, waiting: WaitingRequest) -> BegunAnswer:
        """Return what is known of the answer to an accepted request."""
        assert exchange.parsed is not None
        identity, at = waiting.identity, waiting.accepted_at
        named = ResponseId(
            request_id=identity.request_id, partition=identity.partition, accepted_at=at
        )
        return BegunAnswer(
            request_id=identity.request_id,
            created=at // 1000 if at else int(self._context.now_s()),
            parsed=exchange.parsed,
            answer_id=named.text(exchange.key_digest),
        )

    async def _plain(
        self, exchange: ClientExchange, begun: BegunAnswer, waiting: WaitingRequest
    ) -> Response:
        """Return the answer of a request, or its failure."""
        submissions, until_ms = self._context.submissions, self._deadline(exchange)
        async with ClientWatch(exchange.request) as client:
            while not waiting.has_ended:
                left_s = (until_ms - self._context.clock.elapsed_ms()) / 1000
                try:
                    if left_s <= 0 or not await client.news_of(waiting, left_s):
                        break
                except ClientDisconnect:
                    submissions.abandon(waiting)
                    raise
        submissions.release(waiting)
        return self._answered(exchange, begun, reply_of(waiting))

    async def _streamed(
        self, exchange: ClientExchange, begun: BegunAnswer, waiting: WaitingRequest
    ) -> Response:
        """Return a stream, once there is a first part, a failure, or `STATUS_WAIT_S` are over."""
        context, until_ms = self._context, self._deadline(exchange)
        if not waiting.has_ended and not begun.parsed.background:
            left_s = (until_ms - context.clock.elapsed_ms()) / 1000
            async with ClientWatch(exchange.request) as client:
                try:
                    await client.news_of(waiting, min(left_s, STATUS_WAIT_S))
                except ClientDisconnect:
                    context.submissions.abandon(waiting)
                    raise
        if waiting.has_ended and not waiting.parts:
            context.submissions.release(waiting)
            reply = reply_of(waiting)
            if reply.status != JournalKind.REPLIED and not begun.parsed.background:
                return self._answered(exchange, begun, reply)
        request_id = waiting.identity.request_id

        def ended(code: str) -> None:
            if code == DISCONNECTED:
                context.metrics.disconnected.inc()
                context.submissions.abandon(waiting)
            else:
                context.submissions.release(waiting)
            self._count(exchange, 200, code)

        answer = AnswerEvents(
            waiting=waiting,
            stream=self._dialect.stream(begun),
            clock=context.clock,
            until_ms=until_ms,
            ended=ended,
        )
        return EventStream(
            answer.events(),
            headers={
                **self._dialect.headers(request_id),
                "cache-control": "no-cache",
                "x-accel-buffering": "no",
                "x-sluice-request-id": request_id,
                **(exchange.limit_headers or {}),
            },
        )

    def _answered(self, exchange: ClientExchange, begun: BegunAnswer, reply: Reply) -> Response:
        if reply.status != JournalKind.REPLIED:
            failure = reply.error
            error = unexpected() if failure is None else of_failure(failure)
            return self._failed(exchange, error, begun.request_id)
        waited_ms = self._context.clock.elapsed_ms() - exchange.begun_ms
        answered = AnsweredRequest(reply=reply, begun=begun)
        response = Response(
            orjson.dumps(self._dialect.answer(answered)),
            media_type="application/json",
            headers={
                **self._dialect.headers(reply.request_id),
                **answer_headers(reply, waited_ms),
                **(exchange.limit_headers or {}),
            },
        )
        return self._ended(exchange, response, OK)

    def _failed(self, exchange: ClientExchange, error: HttpError, request_id: str = "") -> Response:
        headers = {**self._dialect.headers(request_id), **(exchange.limit_headers or {})}
        response = error_response(self._dialect, error, request_id, headers)
        return self._ended(exchange, response, str(error.code))

    def _ended(self, exchange: ClientExchange, response: Response, code: str) -> Response:
        self._count(exchange, response.status_code, code)
        return response

    def _count(self, exchange: ClientExchange, status: int, code: str) -> None:
        metrics, endpoint = self._context.metrics, self._dialect.endpoint
        metrics.requests.labels(endpoint, str(status), code).inc()
        seconds = (self._context.clock.elapsed_ms() - exchange.begun_ms) / 1000
        metrics.seconds.labels(endpoint).observe(seconds)

    def _deadline(self, exchange: ClientExchange) -> float:
        """Return the end of the wait, by the monotonic counter in ms."""
        return exchange.begun_ms + GRACE_MS + exchange.deadline_ms


def _submission(
    request: Request,
    body: bytes,
    caller: AuthenticatedCaller,
    parsed: ParsedRequest,
    admitted: AdmittedRequest,
) -> Submission:
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key.strip()) <= _LONGEST_IDEMPOTENCY_KEY:
        raise invalid(
            f"Idempotency-Key: expected 1 to {_LONGEST_IDEMPOTENCY_KEY} characters",
            param="Idempotency-Key",
        )
    return Submission(
        document=admitted.value,
        stated=GatewayHeaders(
            tenant=caller.key.tenant, key_id=caller.key.key_id, stream=parsed.stream
        ),
        key_digest=caller.digest,
        body_digest=body_digest(request.url.path, body),
        idempotency_key=key,
        accepted=_accepted(caller, parsed, admitted) if parsed.is_stored else None,
        retry_count=_count_of(request.headers.get("x-stainless-retry-count")),
        trace=_trace(request),
    )


def _accepted(
    caller: AuthenticatedCaller, parsed: ParsedRequest, admitted: AdmittedRequest
) -> AcceptedResponse:
    """Return the record of a response that can be read later."""
    return AcceptedResponse(
        tenant=caller.key.tenant,
        asked_model=parsed.asked_model,
        deadline_ms=admitted.deadline_ms,
        background=parsed.background,
        echo=parsed.echo,
    )


def _trace(request: Request) -> Headers:
    found = ((name, request.headers.get(name, "")) for name in (TRACEPARENT, TRACESTATE))
    return [
        (name, value.encode()) for name, value in found if value and len(value) <= _LONGEST_TRACE
    ]


def _count_of(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 4 else 0
