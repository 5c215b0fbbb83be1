"""Handling of broker connections that break during a write, on any event loop.

aiokafka expects an `OSError` from a closed transport; uvloop raises a `RuntimeError`. This ended
the task that updates a client's metadata, silently and permanently: a worker whose broker was
killed at the wrong moment stayed in its group but no longer read or committed.
"""

from __future__ import annotations

from typing import Any

from aiokafka import conn
from aiokafka.errors import KafkaConnectionError


def break_as_clients_expect() -> None:
    """Patch every client of this process to detect a broken connection; idempotent."""
    conn.AIOKafkaConnection = BreakingConnection


class BreakingConnection(conn.AIOKafkaConnection):  # type: ignore[misc]
    """A connection that reports a closed transport as a broken connection."""

    def send(self, request: Any, expect_response: bool = True) -> Any:
        """Send a request, like aiokafka's connection.

        Raises:
            KafkaConnectionError: there is no connection, or it broke.
        """
        try:
            return super().send(request, expect_response)
        except RuntimeError as error:
            raise self._broken(error) from error

    def _send_sasl_token(self, payload: bytes, expect_response: bool = True) -> Any:
        try:
            return super()._send_sasl_token(payload, expect_response)
        except RuntimeError as error:
            raise self._broken(error) from error

    def _broken(self, error: RuntimeError) -> KafkaConnectionError:
        self.close(reason=conn.CloseReason.CONNECTION_BROKEN)
        return KafkaConnectionError(f"Connection at {self.host}:{self.port} broken: {error}")
