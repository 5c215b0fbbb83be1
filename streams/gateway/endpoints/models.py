"""`GET /v1/models`: the models that a request may name, in the form of the client's dialect."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from schemas.request import AUTO_MODEL
from streams.gateway.context import GatewayContext
from streams.gateway.errors import GatewayCode, HttpError
from streams.registry.api_keys import ApiKey
from streams.routing.snapshot import RegistrySnapshot

ANTHROPIC_VERSION = "anthropic-version"
"""A request with this header speaks Anthropic's dialect."""

_OWNER = "sluice"
_CREATED = 0


class Models:
    """Serves the list, and single models."""

    def __init__(self, context: GatewayContext) -> None:
        self._context = context

    async def serve(self, request: Request) -> Response:
        """Answer a request."""
        context = self._context
        caller = context.caller(request.headers)
        names = permitted_names(caller.key, context.snapshot)
        is_anthropic = ANTHROPIC_VERSION in request.headers
        describe = _anthropic_model if is_anthropic else _openai_model
        wanted = request.path_params.get("model")
        if wanted is not None:
            if not self._may_name(wanted, names):
                raise HttpError(
                    404, GatewayCode.UNKNOWN_MODEL, "The model does not exist", param="model"
                )
            return _json(describe(wanted, context.snapshot))
        found = [describe(name, context.snapshot) for name in names]
        if not is_anthropic:
            return _json({"object": "list", "data": found})
        return _json(
            {
                "data": found,
                "has_more": False,
                "first_id": names[0] if names else None,
                "last_id": names[-1] if names else None,
            }
        )

    def _may_name(self, wanted: str, names: tuple[str, ...]) -> bool:
        """Return whether a request may use this name, itself or as an alias."""
        snapshot = self._context.snapshot
        if wanted in names or wanted in snapshot.models or wanted in snapshot.tiers:
            return wanted in names
        return self._context.settings.alias_of(wanted) in names


def permitted_names(key: ApiKey, snapshot: RegistrySnapshot) -> tuple[str, ...]:
    """Return the names that requests with this key may use: `auto`, tiers, models."""
    tiers = {name: model.tier for name, model in snapshot.models.items()}
    names = (AUTO_MODEL, *snapshot.tiers, *sorted(tiers))
    if key.models is None:
        return names
    return tuple(name for name in names if not key.models.isdisjoint({name, tiers.get(name, name)}))


def _openai_model(name: str, _: RegistrySnapshot) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": _OWNER}


def _anthropic_model(name: str, snapshot: RegistrySnapshot) -> dict[str, Any]:
    """Return a model; tiers and aliases have no limits of their own."""
    created = datetime.fromtimestamp(_CREATED, UTC).isoformat().replace("+00:00", "Z")
    entry = snapshot.models.get(name)
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": created,
        "capabilities": None,
        "lifecycle": "active",
        "line": None,
        "deprecated_at": None,
        "retires_at": None,
        "max_input_tokens": entry.context_window if entry else None,
        "max_tokens": entry.max_output if entry else None,
    }


def _json(document: Any) -> Response:
    return Response(orjson.dumps(document), media_type="application/json")
