"""Provider calls of this process that are started in the journal and not booked yet."""

from __future__ import annotations

from dataclasses import dataclass

from streams.journal.partition_journal import BegunCall


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCall:
    """A call and the partition number of its journal; `None` where only the producer knows it."""

    call: BegunCall
    partition: int | None


class OpenCalls:
    """What this process must book, however the handling of the message ends."""

    def __init__(self) -> None:
        self._open: dict[str, OpenCall] = {}

    def begin(self, call: BegunCall, partition: int | None) -> None:
        """A call's `started` record was handed over."""
        self._open[call.call_id] = OpenCall(call=call, partition=partition)

    def booked(self, call_id: str) -> OpenCall | None:
        """A call's cost event was handed over, or will be now; `None` if it was before."""
        return self._open.pop(call_id, None)

    def all(self) -> tuple[OpenCall, ...]:
        """Every call that is not booked."""
        return tuple(self._open.values())
