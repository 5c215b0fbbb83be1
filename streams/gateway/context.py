"""What the endpoints of one gateway process share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.datastructures import Headers

from core.clock import Clock
from schemas.errors import RegistryError
from streams.client.request_publisher import RequestPublisher
from streams.gateway.dispatch.stored_responses import StoredResponses
from streams.gateway.dispatch.submission import Submissions
from streams.gateway.dispatch.waiting import WaitingRequests
from streams.gateway.errors import GatewayCode, HttpError
from streams.gateway.keys import AuthenticatedCaller, authenticate
from streams.gateway.limits import BodyBuffers, KeyLimits
from streams.gateway.metrics import GatewayMetrics
from streams.gateway.settings import GatewaySettings
from streams.registry.live import LiveRegistry
from streams.routing.snapshot import RegistrySnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayContext:
    """Settings, registry and log of a gateway. `now_s` is Unix time in seconds."""

    settings: GatewaySettings
    registry: LiveRegistry
    submissions: Submissions
    stored: StoredResponses
    waiting: WaitingRequests
    log: RequestPublisher
    clock: Clock
    now_s: Callable[[], float]
    metrics: GatewayMetrics = field(default_factory=GatewayMetrics)
    limits: KeyLimits = field(default_factory=KeyLimits)
    buffers: BodyBuffers = field(init=False)

    def __post_init__(self) -> None:
        """Bound the bodies by the settings."""
        object.__setattr__(self, "buffers", BodyBuffers(self.settings.gateway_max_buffered_bytes))

    def caller(self, headers: Headers) -> AuthenticatedCaller:
        """Return the caller of a request by its headers. Raises as `authenticate`."""
        return authenticate(
            headers.items(),
            self.registry.api_key,
            self.clock.now(),
            is_open=self.settings.gateway_open,
        )

    @property
    def snapshot(self) -> RegistrySnapshot:
        """Return the registry version in use.

        Raises:
            HttpError: 503; the registry is not read to its end yet.
        """
        try:
            return self.registry.snapshot
        except RegistryError:
            raise HttpError(
                503,
                GatewayCode.STARTING,
                "the gateway has not read the registry yet; retry. If it lasts, publish a version: "
                "sluice registry apply FILE",
                retryable=True,
            ) from None
