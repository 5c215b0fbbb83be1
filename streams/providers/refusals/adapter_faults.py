"""Faults of an adapter: an unexpected error becomes a `ProviderError` of its own class.

It is independent of the provider's health and opens no circuit. The operator receives the alert
`adapter_fault`; the log has the traceback.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from streams.providers.port import ErrorClass, ProviderError

log = logging.getLogger(__name__)


@contextmanager
def faults_named(doing: str, *, sent: bool, status: int | None = None) -> Iterator[None]:
    """Run a part of an adapter; `sent` is whether the call has left this process.

    Raises:
        ProviderError: ADAPTER_FAULT for any error that is not a `ProviderError` already; an unsent
            call
            costs nothing.
    """
    try:
        yield
    except ProviderError as error:
        error.sent = error.sent and sent
        raise
    except Exception as error:
        log.exception("the adapter failed while %s", doing)
        raise adapter_fault(error, doing, sent=sent, status=status) from error


def adapter_fault(
    error: BaseException, doing: str, *, sent: bool, status: int | None = None
) -> ProviderError:
    """Return the error of a failed adapter; it names the type of the error and quotes nothing."""
    return ProviderError(
        ErrorClass.ADAPTER_FAULT,
        f"the adapter failed with {type(error).__name__} while {doing}; see the log for the "
        "traceback",
        status=status,
        sent=sent,
    )
