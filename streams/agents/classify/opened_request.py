"""A request record as it arrives: decoded, identified, addressed, then checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.codecs import Codecs
from core.kafka.incoming_message import Incoming
from schemas.encoding import exact_json
from schemas.encoding.codec import Format, format_of
from schemas.encoding.value_checks import sound_time
from schemas.errors import InvalidRequestError, UndecodableError
from schemas.gateway.cancellation import cancels_until
from schemas.gateway.headers import STREAM, GatewayHeaders, wants_parts
from schemas.gateway.native_body import NATIVE
from schemas.identity import DEFAULT_TENANT, missing_request_id
from schemas.records import ReplyAddress, Source
from schemas.request import Request, read_claim, read_request, request_document
from schemas.topics import GATEWAY_REQUESTS, MAX_REQUEST_BYTES
from streams.agents.classify.reply_address import address_of
from streams.agents.context.ports import IntakePorts, KafkaPorts
from streams.routing.parameters.extra_body import refused_names
from streams.routing.snapshot import RegistrySnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedRequest:
    """A decoded request with its identity and reply address, before its fields are checked.

    `request_id` is the caller's, else it is derived from the record's position. `bound_tenant` is
    the tenant that the request topic is bound to. `foreign` marks a request on an unbound topic
    that names a tenant with a topic of its own. `refusal` says why the request is rejected by its
    headers. `by_gateway` marks a request of the gateway's topic, `stream` one whose caller takes
    the answer in parts. `cancels_until` marks a record of this topic that cancels the earlier
    request of its id, whose deadline it is (broker time, ms).
    """

    message: Incoming
    record: dict[str, Any]
    source: Source
    tenant: str
    request_id: str
    reply_to: ReplyAddress
    refusal: InvalidRequestError | None
    bound_tenant: str | None
    foreign: bool
    by_gateway: bool = False
    stream: bool = False
    cancels_until: int | None = None


async def decode_request(message: Incoming, codecs: Codecs) -> dict[str, Any]:
    """Return the fields of a request record.

    Raises:
        UndecodableError: the value is null or is no request record.
    """
    if message.value is None:
        raise UndecodableError("the value is null")
    return await codecs.decode(codecs.request, message.value)


async def open_request(
    message: Incoming, record: dict[str, Any], intake: IntakePorts, kafka: KafkaPorts
) -> OpenedRequest:
    """Return a decoded request with its identity and reply address."""
    addressed = await address_of(message, intake, kafka)
    claim = read_claim(record)
    stated, refusal = None, addressed.refusal
    by_gateway = message.topic == GATEWAY_REQUESTS
    if by_gateway:
        stated = GatewayHeaders.read(message.headers)
        refusal = refusal or (None if stated else _unstated())
    bound_tenant = stated.tenant if stated else intake.bound_tenants.get(message.topic)
    foreign = bound_tenant is None and claim.tenant in intake.bound_tenants.values()
    # A foreign request is refused under the default tenant, so that it ends no request of the
    # tenant that it names.
    tenant = DEFAULT_TENANT if foreign else bound_tenant or claim.tenant
    return OpenedRequest(
        message=message,
        record=record,
        source=Source(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            timestamp=sound_time(message.timestamp),
        ),
        tenant=tenant,
        request_id=claim.request_id or position_id(message, intake.cluster),
        reply_to=addressed.address,
        refusal=refusal,
        bound_tenant=bound_tenant,
        foreign=foreign,
        by_gateway=by_gateway,
        stream=wants_parts(message.header(STREAM)),
        cancels_until=None if stated is None else cancels_until(message.headers),
    )


def _unstated() -> InvalidRequestError:
    return InvalidRequestError(
        f"only HTTP gateways write to {GATEWAY_REQUESTS}: the headers that state its tenant and "
        "key are missing"
    )


def position_id(message: Incoming, cluster: str) -> str:
    """Return the request id of a record that has none, derived from its position in the log."""
    return missing_request_id(
        cluster, message.topic, message.partition, message.offset, message.timestamp
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRequest:
    """A request with checked fields, its body as JSON and its deadline (broker time, ms)."""

    request: Request
    body: bytes
    deadline_at: int


def check_request(
    opened: OpenedRequest, codecs: Codecs, snapshot: RegistrySnapshot, now: int
) -> CheckedRequest:
    """Check a request against the contract, the registry and its deadline; `now` is broker time.

    Raises:
        InvalidRequestError: a field, the size, the tenant, the reply topic or a name of
            `extra_body` is not accepted, or the deadline is over.
    """
    value = opened.message.value or b""
    if len(value) > MAX_REQUEST_BYTES:
        raise InvalidRequestError(
            f"the request has {len(value)} bytes; the limit is {MAX_REQUEST_BYTES}",
            code="too_large",
        )
    if opened.refusal is not None:
        raise opened.refusal
    framed = codecs.request.format is Format.CONFLUENT
    is_json = format_of(value, framed=framed) is Format.JSON
    request = read_request(opened.record if is_json else request_document(opened.record))
    _check_tenant(opened)
    if NATIVE in request.body and not opened.by_gateway:
        raise InvalidRequestError(f"{NATIVE}: only the HTTP gateway sends this field; remove it")
    body = _encode_body(request)
    deadline_at = opened.source.timestamp + request.deadline_ms
    if deadline_at <= now:
        raise InvalidRequestError(
            "the deadline expired before a worker read the request", code="deadline_exceeded"
        )
    _check_extra_body(request, snapshot)
    return CheckedRequest(request=request, body=body, deadline_at=deadline_at)


def _check_tenant(opened: OpenedRequest) -> None:
    if opened.bound_tenant is not None:
        if opened.record.get("tenant") not in {None, opened.bound_tenant}:
            raise InvalidRequestError("tenant: this topic is bound to another tenant")
    elif opened.foreign:
        raise InvalidRequestError("tenant: requests of this tenant must use its own topic")


def _encode_body(request: Request) -> bytes:
    """Return the body as JSON, as tier messages carry it.

    A control character takes one byte in Avro and six in JSON, so a request that is small enough
    to be read may be too large here.
    """
    body = exact_json.dumps(request.body)
    if len(body) > MAX_REQUEST_BYTES:
        raise InvalidRequestError(
            f"the request has {len(body)} bytes as JSON; the limit is {MAX_REQUEST_BYTES}",
            code="too_large",
        )
    return body


def _check_extra_body(request: Request, snapshot: RegistrySnapshot) -> None:
    pinned = snapshot.models.get(request.model or "")
    models = snapshot.models.values() if pinned is None else (pinned,)
    refused = refused_names(request.body, models)
    if refused:
        rejected_by = "no model accepts" if pinned is None else f"{pinned.name} does not accept"
        raise InvalidRequestError(
            f"extra_body.{refused[0]}: {rejected_by} this parameter; the accepted ones are listed "
            "under extra_body of the model in the registry, by default the common vendor parameters"
        )
