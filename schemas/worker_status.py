"""What a worker says about itself on `llm.workers.v1`: what it decides by, and what it may do.

Operators' commands read it: `sluice registry apply` asks before it publishes whether the workers
could serve a version, and afterwards whether they took it up. Names of keys are told, never keys.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import orjson

from schemas.errors import UndecodableError

EVERY_S = 30.0
"""A worker says it again after this time, and sooner when something of it changed."""

GONE_S = 100.0
"""A worker that said nothing for this long before the latest word on the topic counts as gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """One worker. `started_at` is broker time, ms, 0 where it is not known. `registry` is the
    version that it decides by; `refused` one that it did not take up, and `problem` why. `hosts`
    are patterns as `SLUICE_ALLOWED_HOSTS` has them, `key_patterns` as `SLUICE_ALLOWED_KEYS`; `keys`
    are the names of those that are allowed and set.
    """

    worker: str
    incarnation: str
    started_at: int = 0
    registry: str | None = None
    refused: str | None = None
    problem: str = ""
    tiers: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    key_patterns: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    code_version: str = ""

    def encode(self) -> bytes:
        """As a record's value."""
        return orjson.dumps(asdict(self))

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Out of a record's value; what a later version added is passed over.

        Raises:
            UndecodableError: it is no status.
        """
        try:
            raw: dict[str, Any] = orjson.loads(value)
            known: dict[str, Any] = {
                field.name: raw[field.name] for field in fields(cls) if field.name in raw
            }
            lists = {name: tuple(each) for name, each in known.items() if isinstance(each, list)}
            status = cls(**{**known, **lists})
        except (orjson.JSONDecodeError, TypeError, AttributeError):
            status = None
        if status is None or not status._is_sound():
            raise UndecodableError("a worker's status can't be read")
        return status

    def _is_sound(self) -> bool:
        texts = (self.worker, self.incarnation, self.problem, self.code_version)
        lists = (self.tiers, self.providers, self.hosts, self.key_patterns, self.keys)
        return (
            type(self.started_at) is int
            and all(isinstance(each, str) for each in texts)
            and all(isinstance(each, str | None) for each in (self.registry, self.refused))
            and all(isinstance(each, tuple) for each in lists)
            and all(isinstance(each, str) for names in lists for each in names)
        )
