"""`POST /v1/feedback`: a rating of an answer, published to the feedback topic."""

from __future__ import annotations

from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import Request
from starlette.responses import Response

from core.kafka.producer import Outgoing
from schemas.identity import REQUEST_ID
from schemas.topics import FEEDBACK
from streams.gateway.context import GatewayContext
from streams.gateway.endpoints.bodies import body_of, read_object
from streams.gateway.errors import invalid

_MAX_BYTES = 64 * 1024
_LONGEST_COMMENT = 4_000


class FeedbackBody(BaseModel):
    """The body of a rating; at least one of score, label and comment."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    request_id: Annotated[str, StringConstraints(pattern=f"^{REQUEST_ID.pattern}$")]
    score: Annotated[float, Field(ge=0, le=1)] | None = None
    label: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    comment: Annotated[str, Field(max_length=_LONGEST_COMMENT)] | None = None


class Feedback:
    """Accepts ratings. They are applied later: the answer only says that the log has one."""

    def __init__(self, context: GatewayContext) -> None:
        self._context = context

    async def serve(self, request: Request) -> Response:
        """Answer a request."""
        context = self._context
        caller = context.caller(request.headers)
        async with body_of(request, _MAX_BYTES, context.buffers) as content:
            document = read_object(content)
        try:
            body = FeedbackBody.model_validate(document)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "body"
            raise invalid(f"{where}: {_message(first)}", param=where) from None
        if body.score is None and body.label is None and body.comment is None:
            raise invalid("a rating needs score, label or comment")
        value = {"tenant": caller.key.tenant, **body.model_dump(exclude_none=True)}
        await context.log.publish(
            Outgoing(topic=FEEDBACK, key=body.request_id.encode(), value=orjson.dumps(value))
        )
        accepted = {"object": "feedback", "request_id": body.request_id, "status": "accepted"}
        return Response(orjson.dumps(accepted), status_code=202, media_type="application/json")


def _message(error: ErrorDetails) -> str:
    if error["type"] == "string_pattern_mismatch":
        return "expected 1 to 128 letters, digits and . _ : -"
    return error["msg"][:1].lower() + error["msg"][1:]
