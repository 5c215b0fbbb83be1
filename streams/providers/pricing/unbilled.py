"""Cost of a call without reported usage."""

from __future__ import annotations

from streams.providers.port import ProviderError

UNBILLED = "unbilled"
"""Price source of calls that were not sent, or that the provider refused: they cost nothing."""

_LOWEST_ERROR_STATUS = 400


def cost_without_usage(error: ProviderError | None) -> tuple[int | None, str | None]:
    """Return cost, nano-USD, and price source of a call with unknown usage.

    A call that was not sent, or that the provider refused, costs nothing. For any other both are
    `None`.
    """
    if error is None:
        return None, None
    refused = (error.status or 0) >= _LOWEST_ERROR_STATUS
    return (0, UNBILLED) if refused or not error.sent else (None, None)
