"""The codecs of the agents, with lookup of unknown schema ids."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from core.schema_registry import KnownSchemas
from schemas.encoding.codec import Codec, UnknownSchemaError
from schemas.errors import SchemaRegistryAwayError

log = logging.getLogger(__name__)

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 5.0


class Codecs:
    """One codec for each value that the agents read or write; `known` with a schema registry."""

    def __init__(
        self,
        known: KnownSchemas | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._known = known
        self._sleep = sleep
        self.request = Codec("Request", known)
        self.tier_message = Codec("TierMessage", known)
        self.reply = Codec("Reply", known)
        self.cost = Codec("CostEvent", known)
        self.quality = Codec("QualityEvent", known)
        self.outcome = Codec("OutcomeEvent", known)
        self.feedback = Codec("Feedback", known)

    @property
    def known(self) -> KnownSchemas | None:
        """Return the schemas of the schema registry, if one is set."""
        return self._known

    async def decode(self, codec: Codec, value: bytes) -> dict[str, Any]:
        """Decode a value with `codec`, fetching an unknown schema id.

        While the schema registry is down the message waits, because its bytes may be valid.

        Raises:
            UndecodableError: the bytes do not contain a record.
        """
        while True:
            try:
                return codec.decode(value)
            except UnknownSchemaError as error:
                if not await self._learnt(error.schema_id):
                    raise

    async def _learnt(self, schema_id: int) -> bool:
        if self._known is None:
            return False
        for delay in _delays():
            try:
                return await self._known.learn(schema_id)
            except SchemaRegistryAwayError as error:
                log.warning("cannot read schema id %d, its messages wait: %s", schema_id, error)
                await self._sleep(delay)
        return False


def _delays() -> Iterator[float]:
    delay = _FIRST_DELAY_S
    while True:
        yield delay
        delay = min(delay * 2, _LONGEST_DELAY_S)
