"""`POST /v1/responses`, also in the background, and reading responses later."""

from __future__ import annotations

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from schemas.gateway.headers import GatewayHeaders
from streams.gateway.context import GatewayContext
from streams.gateway.dialects.answer import BegunAnswer
from streams.gateway.dialects.parsed_request import ParsedRequest
from streams.gateway.dialects.responses.dialect import Responses
from streams.gateway.dialects.responses.state import response_of
from streams.gateway.dialects.responses.stream import ResponseEvents
from streams.gateway.dispatch.response_ids import ResponseId
from streams.gateway.dispatch.stored_responses import StoredResponse
from streams.gateway.dispatch.waiting import WaitingRequest
from streams.gateway.endpoints.client_watch import ClientWatch
from streams.gateway.endpoints.completions import GRACE_MS, ClientExchange, Completions
from streams.gateway.endpoints.event_stream import EventStream
from streams.gateway.endpoints.streamed_answer import OK, AnswerEvents
from streams.gateway.errors import GatewayCode, HttpError, invalid
from streams.gateway.limits import KeyLimits
from streams.registry.api_keys import ApiKey

CANCEL_WAIT_S = 5.0
"""Time for which a cancellation waits for the end of its request."""

_DIALECT = Responses()
_LONGEST_NUMBER = 9


class ResponseCreation(Completions):
    """Creates responses. One in the background is answered once its request is in the log."""

    def __init__(self, context: GatewayContext) -> None:
        super().__init__(_DIALECT, context)

    async def _plain(
        self, exchange: ClientExchange, begun: BegunAnswer, waiting: WaitingRequest
    ) -> Response:
        if not begun.parsed.background:
            return await super()._plain(exchange, begun, waiting)
        self._follow(exchange, waiting)
        self._context.submissions.release(waiting)
        found = response_of(begun, waiting.reply, is_begun=bool(waiting.parts))
        headers = {
            **self._dialect.headers(begun.request_id),
            "x-sluice-request-id": begun.request_id,
            **(exchange.limit_headers or {}),
        }
        answer = Response(orjson.dumps(found), media_type="application/json", headers=headers)
        return self._ended(exchange, answer, OK)

    async def _streamed(
        self, exchange: ClientExchange, begun: BegunAnswer, waiting: WaitingRequest
    ) -> Response:
        if begun.parsed.background:
            self._follow(exchange, waiting)
        return await super()._streamed(exchange, begun, waiting)

    def _follow(self, exchange: ClientExchange, waiting: WaitingRequest) -> None:
        if exchange.accepted is not None:
            self._context.stored.follow(exchange.accepted, waiting)


class StoredResponseEndpoints:
    """Serves accepted responses. They have rate limits of their own, as high as the key's."""

    def __init__(self, context: GatewayContext) -> None:
        self._context = context
        self._limits = KeyLimits()

    async def retrieve(self, request: Request) -> Response:
        """Answer `GET /v1/responses/{id}`: the response as it is now, or its events."""
        found, begun, _ = await self._found(request)
        query = request.query_params
        if query.get("stream", "false").lower() == "true":
            return self._streamed(found, begun, _number(query.get("starting_after")))
        return _answer(found, begun)

    async def cancel(self, request: Request) -> Response:
        """Answer `POST /v1/responses/{id}/cancel`: the response once it is cancelled, or as it is
        after `CANCEL_WAIT_S`. A response that ended is not changed.
        """
        found, begun, key = await self._found(request)
        if not found.accepted.background:
            raise invalid("only responses with background: true can be cancelled")
        context, waiting = self._context, found.waiting
        if not waiting.has_ended:
            await context.submissions.cancel(
                waiting.identity,
                GatewayHeaders(tenant=key.tenant, key_id=key.key_id),
                max(found.deadline_at, context.clock.now()) + GRACE_MS,
            )
            try:
                await self._end_of(waiting, request)
            except ClientDisconnect:
                return Response(status_code=499)
        return _answer(found, begun)

    async def _end_of(self, waiting: WaitingRequest, request: Request) -> None:
        """Return at the end of a request, or after `CANCEL_WAIT_S`."""
        clock = self._context.clock
        until_ms = clock.elapsed_ms() + CANCEL_WAIT_S * 1000
        waiting.clients += 1
        try:
            async with ClientWatch(request) as client:
                while not waiting.has_ended and (left := until_ms - clock.elapsed_ms()) > 0:
                    await client.news_of(waiting, left / 1000)
        finally:
            waiting.clients -= 1

    async def _found(self, request: Request) -> tuple[StoredResponse, BegunAnswer, ApiKey]:
        """Return the response that a request names, what its answer begins with, and the key.

        Raises:
            HttpError: 401, 429, or 404: the caller has no such response, or not any more.
        """
        context = self._context
        caller = context.caller(request.headers)
        limit = self._limits.take(caller.key, context.clock.elapsed_ms())
        if limit is not None:
            limit.check()
        text = request.path_params["id"]
        named = ResponseId.read(text, caller.digest)
        found = None
        if named is not None:
            found = await context.stored.find(named, caller.digest, caller.key.tenant)
        if named is None or found is None:
            raise HttpError(
                404,
                GatewayCode.NOT_FOUND,
                "there is no such response; responses are kept for a day, unless store is false",
            )
        begun = BegunAnswer(
            request_id=named.request_id,
            created=named.accepted_at // 1000,
            parsed=ParsedRequest(
                document={},
                asked_model=found.accepted.asked_model,
                background=found.accepted.background,
                is_stored=True,
                echo=found.accepted.echo,
            ),
            answer_id=text,
        )
        return found, begun, caller.key

    def _streamed(self, found: StoredResponse, begun: BegunAnswer, after: int) -> Response:
        """Return the events after a number, from the log and then as they arrive."""
        context, waiting = self._context, found.waiting
        left_ms = max(found.deadline_at - context.clock.now(), 0) + GRACE_MS
        waiting.clients += 1

        def ended(_: str) -> None:
            waiting.clients -= 1

        events = AnswerEvents(
            waiting=waiting,
            stream=ResponseEvents(begun, after=after),
            clock=context.clock,
            until_ms=context.clock.elapsed_ms() + left_ms,
            ended=ended,
        )
        headers = {
            **_DIALECT.headers(begun.request_id),
            "cache-control": "no-cache",
            "x-accel-buffering": "no",
            "x-sluice-request-id": begun.request_id,
        }
        return EventStream(events.events(), headers=headers)


def _answer(found: StoredResponse, begun: BegunAnswer) -> Response:
    waiting = found.waiting
    body = response_of(begun, waiting.reply, is_begun=bool(waiting.parts))
    headers = {**_DIALECT.headers(begun.request_id), "x-sluice-request-id": begun.request_id}
    return Response(orjson.dumps(body), media_type="application/json", headers=headers)


def _number(text: str | None) -> int:
    """Return the number of the last event that a client has; -1 without one."""
    if text is None:
        return -1
    if not text.isdecimal() or not text.isascii() or len(text) > _LONGEST_NUMBER:
        raise invalid("starting_after: expected a whole number", param="starting_after")
    return int(text)
