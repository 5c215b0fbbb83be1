"""Ids of responses that can be read later: where the reply is in the log, and a code of the key.

An id holds the time of acceptance and the partition of the reply, so any gateway finds the answer
without an index. A MAC under the digest of the API key authenticates it: another key's id, or one
that was made up, is no id of this key.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

from schemas.identity import REQUEST_ID
from streams.gateway.dispatch.request_ids import RequestIdentity, derived_correlation

_PREFIX = "resp_"
_CODE_DIGITS = 24
_FORM = re.compile(
    rf"{_PREFIX}([0-9a-f]{{12}})([0-9a-f]{{4}})([0-9a-f]{{{_CODE_DIGITS}}})_({REQUEST_ID.pattern})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseId:
    """A response: its request, the partition of its reply, and when it was accepted (broker time,
    ms; 0 if it is not stored).
    """

    request_id: str
    partition: int
    accepted_at: int

    def text(self, key_digest: str) -> str:
        """Return the id for the owner of a key."""
        code = self._code(key_digest)
        return f"{_PREFIX}{self.accepted_at:012x}{self.partition:04x}{code}_{self.request_id}"

    @classmethod
    def read(cls, text: str, key_digest: str) -> ResponseId | None:
        """Return what an id says; `None` if it is none of this key's."""
        found = _FORM.fullmatch(text)
        if found is None:
            return None
        at, partition, code, request_id = found.groups()
        read = cls(request_id=request_id, partition=int(partition, 16), accepted_at=int(at, 16))
        return read if hmac.compare_digest(read._code(key_digest), code) else None

    def identity(self, key_digest: str) -> RequestIdentity:
        """Return the identity of its request."""
        return RequestIdentity(
            request_id=self.request_id,
            correlation=derived_correlation(key_digest, self.request_id),
            partition=self.partition,
        )

    def _code(self, key_digest: str) -> str:
        said = f"response\n{self.accepted_at}\n{self.partition}\n{self.request_id}"
        mac = hmac.new(key_digest.encode(), said.encode(), hashlib.sha256).hexdigest()
        return mac[:_CODE_DIGITS]
