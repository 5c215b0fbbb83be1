"""Webhooks against a real server on loopback: one that answers, hangs, rejects, redirects, is
missing.

Time does not pass while a sender pauses; only the timeouts of the exchange itself are real, and
short.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import orjson
import pytest
from aiohttp import web

from schemas.events import Alert
from streams.alerts.evaluation.active_alerts import Notice
from streams.alerts.evaluation.alert_states import AlertTransition
from streams.alerts.log.delivered_offset import Progress
from streams.alerts.webhooks.webhook_delivery import TRIES, Delivery, DeliveryResult, WebhookSender
from streams.alerts.webhooks.webhook_queues import MOST_WAITING, Webhooks
from streams.providers.http.operator_policy import HostPolicy, KeyRing
from streams.providers.http.pooled_client import PooledHttpClient
from streams.providers.port import Timeouts
from streams.routing.alert_rules import Webhook

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PATH = "/services/secret-path"


def _notice(
    offset: int = 7, change: AlertTransition = AlertTransition.FIRED, rule: str = "error_rate"
) -> Notice:
    alert = Alert(
        rule=rule,
        subject="all",
        state=change.value,
        severity="critical",
        message="half of the requests fail",
        at=1,
        worker="evaluator@w1",
        value=0.5,
        threshold=0.05,
    )
    return Notice(offset=offset, change=change, alert=alert, at=20, fired_at=10)


@dataclass
class Pauses:
    """What a courier waited, without waiting."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@asynccontextmanager
async def _server(handler: Handler) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _courier(
    pauses: Pauses | None = None, *, hosts: str | None = None, total: float = 5.0
) -> AsyncIterator[WebhookSender]:
    client = PooledHttpClient(loopback=False)
    try:
        yield WebhookSender(
            hosts=HostPolicy.from_patterns("127.0.0.1" if hosts is None else hosts),
            keys=KeyRing.from_patterns(
                "*_API_KEY,HOOK_API_KEY@127.0.0.1,OTHER_API_KEY@hooks.example",
                {"HOOK_API_KEY": "k-1", "OTHER_API_KEY": "k-2", "FREE_API_KEY": "k-3", "HOME": "x"},
            ),
            client=client,
            sleep=pauses or Pauses(),
            jitter=lambda: 0.5,
            timeouts=Timeouts(connect=total, read=total, total=total),
        )
    finally:
        await client.close()


def _deliver(
    handler: Handler, *, total: float = 5.0, **of: object
) -> tuple[DeliveryResult, Pauses]:
    pauses = Pauses()

    async def scenario() -> DeliveryResult:
        async with _server(handler) as url, _courier(pauses, total=total) as courier:
            return await courier.deliver(_notice(), Webhook(url=url, **of))  # type: ignore[arg-type]

    return asyncio.run(scenario()), pauses


def test_a_webhook_gets_the_alert_its_subject_and_its_start() -> None:
    seen: list[tuple[Mapping[str, str], dict[str, object]]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.headers.copy(), orjson.loads(await request.read())))
        return web.Response(status=204)

    result, _ = _deliver(answer, api_key_env="HOOK_API_KEY")
    assert result == DeliveryResult(delivery=Delivery.DELIVERED, tries=1)
    ((headers, body),) = seen
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Bearer k-1"
    assert headers["Idempotency-Key"] == body["id"] == "llm.alerts.v1:0:7"
    assert body["text"] == "[critical] error_rate (all): half of the requests fail"
    assert (body["state"], body["value"], body["fired_at"]) == ("fired", 0.5, 10)


def test_a_hanging_receiver_is_abandoned_after_its_attempts() -> None:
    paths = []

    async def hang(request: web.Request) -> web.Response:
        paths.append(request.path)
        await asyncio.Event().wait()
        raise AssertionError

    result, pauses = _deliver(hang, total=0.05)
    assert (result.delivery, result.tries) == (Delivery.FAILED, TRIES)
    assert result.why == "it did not respond in time"
    assert len(paths) == TRIES
    assert pauses.seconds == [0.5, 1.0, 2.0, 4.0]


def test_a_rejecting_receiver_is_called_once() -> None:
    paths = []

    async def refuse(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=403)

    result, _ = _deliver(refuse)
    assert (result.delivery, result.why) == (Delivery.REFUSED, "it responded 403")
    assert paths == [PATH]


def test_a_redirect_is_not_followed() -> None:
    paths = []

    async def redirect(request: web.Request) -> web.Response:
        paths.append(request.path)
        raise web.HTTPTemporaryRedirect(location="/elsewhere")

    result, _ = _deliver(redirect)
    assert result.delivery is Delivery.REFUSED
    assert "redirects are not followed" in result.why
    assert paths == [PATH]


def test_an_overloaded_receiver_is_retried_after_its_retry_after() -> None:
    answers = [
        web.Response(status=429, headers={"Retry-After": "7"}),
        web.Response(status=503, headers={"Retry-After": "999999"}),
        web.Response(status=500),
        web.Response(status=200),
    ]

    async def answer(request: web.Request) -> web.Response:
        return answers.pop(0)

    result, pauses = _deliver(answer)
    assert result == DeliveryResult(delivery=Delivery.DELIVERED, tries=4)
    assert pauses.seconds == [7.0, 60.0, 2.0]


def test_an_answer_without_an_end_is_not_read_to_its_end() -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 1_000_000)

    result, _ = _deliver(flood)
    assert (result.delivery, result.tries) == (Delivery.REFUSED, 1)
    assert result.why == "it responded 200, and the response is too large"


def test_a_missing_receiver_is_a_connection_failure() -> None:
    async def scenario() -> DeliveryResult:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        async with _courier() as courier:
            return await courier.deliver(_notice(), Webhook(url=f"http://127.0.0.1:{port}/"))

    result = asyncio.run(scenario())
    assert (result.delivery, result.why) == (Delivery.FAILED, "the connection failed")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://hooks.example/x", "SLUICE_ALLOWED_HOSTS"),
        ("http://api.openai.com/x", "SLUICE_ALLOWED_HOSTS"),
        ("http://169.254.169.254/latest", "link-local"),
        ("https://[fe80::1]/x", "link-local"),
    ],
)
def test_hosts_that_the_operator_does_not_allow_are_never_called(url: str, reason: str) -> None:
    async def scenario() -> DeliveryResult:
        async with _courier() as courier:
            return await courier.deliver(_notice(), Webhook(url=url))

    result = asyncio.run(scenario())
    assert (result.delivery, result.tries) == (Delivery.REFUSED, 0)
    assert reason in result.why


def test_a_variable_that_the_operator_does_not_allow_is_never_sent() -> None:
    async def answer(request: web.Request) -> web.Response:
        raise AssertionError("it was called")

    result, _ = _deliver(answer, api_key_env="HOME")
    assert (result.delivery, result.tries) == (Delivery.REFUSED, 0)


def _run(case: Callable[[Webhooks, list[tuple[str, int]]], Awaitable[None]]) -> None:
    async def scenario() -> None:
        delivered: list[tuple[str, int]] = []

        async def deliver(notice: Notice, webhook: Webhook) -> DeliveryResult:
            if "hangs" in webhook.url:
                await asyncio.Event().wait()
            if "breaks" in webhook.url:
                raise RuntimeError
            delivered.append((webhook.url, notice.offset))
            return DeliveryResult(delivery=Delivery.DELIVERED, tries=1)

        webhooks = Webhooks(deliver)
        await case(webhooks, delivered)
        await webhooks.stop()

    asyncio.run(scenario())


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


GOOD, HANGS, BREAKS = (
    Webhook(url=f"https://{name}.example/") for name in ("good", "hangs", "breaks")
)


def test_a_hanging_receiver_blocks_no_other_and_its_offset_is_kept() -> None:
    async def case(webhooks: Webhooks, delivered: list[tuple[str, int]]) -> None:
        await webhooks.use([GOOD, HANGS])
        for offset in range(3):
            webhooks.read(offset, _notice(offset))
        await _settle()
        assert delivered == [(GOOD.url, offset) for offset in range(3)]
        assert webhooks.delivered_offset == 0
        await webhooks.use([GOOD])
        assert webhooks.delivered_offset == 3

    _run(case)


def test_waiting_notices_are_bounded_and_drops_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def case(webhooks: Webhooks, delivered: list[tuple[str, int]]) -> None:
        await webhooks.use([HANGS])
        for offset in range(MOST_WAITING + 10):
            webhooks.read(offset, _notice(offset))
        await _settle()

    _run(case)
    dropped = [record for record in caplog.records if "dropped" in record.getMessage()]
    assert len(dropped) == 10
    assert "hangs.example did not receive" in dropped[0].getMessage()


def test_an_unexpected_delivery_failure_is_logged_and_the_next_follows(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def case(webhooks: Webhooks, delivered: list[tuple[str, int]]) -> None:
        await webhooks.use([BREAKS])
        webhooks.read(0, _notice(0))
        webhooks.read(1, _notice(1))
        await _settle()
        assert webhooks.delivered_offset == 2

    _run(case)
    assert caplog.text.count("did not receive") == 2


def test_only_the_rules_that_a_webhook_names_reach_it() -> None:
    some = Webhook(url="https://some.example/", rules=frozenset({"budget"}))

    async def case(webhooks: Webhooks, delivered: list[tuple[str, int]]) -> None:
        await webhooks.use([some])
        webhooks.read(0, _notice(0))
        webhooks.read(1, _notice(1, rule="budget"))
        await _settle()
        assert delivered == [(some.url, 1)]
        assert webhooks.delivered_offset == 2

    _run(case)


def test_delivered_notices_are_not_delivered_again() -> None:
    async def case(webhooks: Webhooks, delivered: list[tuple[str, int]]) -> None:
        webhooks.begin(2)
        await webhooks.use([GOOD])
        for offset in range(4):
            webhooks.read(offset, _notice(offset))
        await _settle()
        assert delivered == [(GOOD.url, 2), (GOOD.url, 3)]

    _run(case)


def test_progress_stays_at_the_oldest_open_delivery() -> None:
    progress = Progress(5)
    progress.begin(5)
    progress.begin(5)
    progress.read(5)
    progress.begin(6)
    progress.read(6)
    progress.end(6)
    progress.end(5)
    assert progress.delivered_offset == 5
    progress.end(5)
    assert progress.delivered_offset == 7


def test_a_log_line_of_a_failure_never_shows_the_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=404)

    async def scenario() -> None:
        async with _server(refuse) as url, _courier() as courier:
            ended = asyncio.Event()
            webhooks = Webhooks(courier.deliver, ended=lambda delivery: ended.set())
            await webhooks.use([Webhook(url=url)])
            webhooks.read(0, _notice(0))
            await ended.wait()
            await _settle()
            await webhooks.stop()

    asyncio.run(scenario())
    assert "127.0.0.1 did not receive" in caplog.text
    assert PATH not in caplog.text


def test_this_machine_is_a_webhook_only_by_name() -> None:
    async def handler(request: web.Request) -> web.Response:
        raise AssertionError("a webhook reached loopback, which only providers may by default")

    async def scenario() -> list[DeliveryResult]:
        results = []
        async with _server(handler) as url:
            for hosts in ("loopback", "known,loopback", "hooks.example"):
                async with _courier(hosts=hosts) as courier:
                    results.append(await courier.deliver(_notice(), Webhook(url=url)))
        return results

    assert {each.delivery for each in asyncio.run(scenario())} == {Delivery.REFUSED}


def test_no_name_of_another_host_leads_a_webhook_to_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reached: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.Response()

    async def scenario() -> DeliveryResult:
        async with _server(handler) as url:
            port = urlsplit(url).port
            found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
            async with _courier(hosts="http://hooks.example.org") as courier:
                webhook = Webhook(url=f"http://hooks.example.org:{port}/x")
                return await courier.deliver(_notice(), webhook)

    assert asyncio.run(scenario()).delivery is Delivery.FAILED
    assert reached == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("FREE_API_KEY", "FREE_API_KEY may not be sent to 127.0.0.1"),
        ("OTHER_API_KEY", "OTHER_API_KEY may not be sent to 127.0.0.1"),
        ("HOME", "HOME may not be read"),
    ],
)
def test_a_key_is_sent_only_to_its_bound_host(name: str, why: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        raise AssertionError("a key left for a host that it is not bound to")

    result, _ = _deliver(handler, api_key_env=name)
    assert result.delivery is Delivery.REFUSED
    assert result.why.startswith(why)


def test_an_invalid_url_is_refused_and_the_next_notice_follows() -> None:
    async def scenario() -> DeliveryResult:
        async with _courier() as courier:
            return await courier.deliver(_notice(), Webhook(url="https://[::1"))

    assert asyncio.run(scenario()).delivery is Delivery.REFUSED
