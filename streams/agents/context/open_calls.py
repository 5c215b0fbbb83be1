"""Provider calls of this process that are started in the journal and not recorded yet."""

from __future__ import annotations

from dataclasses import dataclass

from streams.journal.admission import BegunCall


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCall:
    """A call and the partition number of its journal; `None` if only the producer knows it."""

    call: BegunCall
    partition: int | None


class OpenCalls:
    """Calls that this process must record, whatever the result of handling the message."""

    def __init__(self) -> None:
        self._open: dict[str, OpenCall] = {}

    def begin(self, call: BegunCall, partition: int | None) -> None:
        """Add a call whose `started` record is published."""
        self._open[call.call_id] = OpenCall(call=call, partition=partition)

    def booked(self, call_id: str) -> OpenCall | None:
        """Remove a call whose cost event is published; return `None` if it was removed before."""
        return self._open.pop(call_id, None)

    def all(self) -> tuple[OpenCall, ...]:
        """Return every call that is not recorded."""
        return tuple(self._open.values())
