"""A worker's status on `llm.workers.v1`: its registry version and its capabilities.

Operator commands read it. `sluice registry apply` checks before publishing whether the workers can
serve a version, and afterwards whether they use it. The status has names of keys, never keys.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import orjson

from schemas.errors import UndecodableError

EVERY_S = 30.0
"""Interval of publication; a change is published earlier."""

GONE_S = 100.0
"""A worker counts as gone if its last status is older than this, relative to the latest status on
the topic.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """One worker. `started_at` is broker time in ms, 0 if unknown. `registry` is the version in
    use; `refused` is a rejected version and `problem` the reason. `hosts` are patterns of
    `SLUICE_ALLOWED_HOSTS`, `key_patterns` of `SLUICE_ALLOWED_KEYS`; `keys` are the names of allowed
    keys that are set.
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
        """Encode as a record's value."""
        return orjson.dumps(asdict(self))

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Decode a record's value; fields of later versions are ignored.

        Raises:
            UndecodableError: the bytes are not a status.
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
            raise UndecodableError("the worker status is unreadable")
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
