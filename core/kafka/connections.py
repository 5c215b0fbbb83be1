"""Connections to brokers that break while they are written to, on any event loop.

aiokafka expects an `OSError` from a transport that is closed; uvloop's raises a `RuntimeError`.
That ended the task that keeps a client's metadata, for good and without a word: a worker whose
broker was killed at the wrong moment stayed in its group and read and committed nothing any more.
"""

from __future__ import annotations

from typing import Any

from aiokafka import conn
from aiokafka.errors import KafkaConnectionError


def break_as_clients_expect() -> None:
    """Let every client of this process see a broken connection; doing it again changes nothing."""
    conn.AIOKafkaConnection = BreakingConnection


class BreakingConnection(conn.AIOKafkaConnection):  # type: ignore[misc]
    """A connection whose closed transport is a broken connection."""

    def send(self, request: Any, expect_response: bool = True) -> Any:
        """As aiokafka's.

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
