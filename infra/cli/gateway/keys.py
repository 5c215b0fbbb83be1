"""`sluice keys`: create, list and revoke API keys of the HTTP gateway."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from infra.cli.output.screen import notes, print_json, print_table, say
from infra.cli.registry.access import checked_kafka, read_registry, registry_keys
from schemas.errors import ConfigurationError
from schemas.identity import NAME
from streams.gateway.dialects.parsed_request import GRANTED_FIELDS

if TYPE_CHECKING:
    from streams.registry.api_keys import ApiKey

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

_UNITS = {"h": 3_600_000, "d": 86_400_000}
_LIFETIME = re.compile(r"([1-9][0-9]{0,4})([hd])")
_NO_LIMIT = "-"


@click.group("keys")
def command() -> None:
    """Create, list and revoke the API keys of the HTTP gateway.

    Keys are on the registry topic, as hashes: gateways follow it, and a change takes effect within
    2 seconds.
    """


@command.command("create")
@click.option(
    "--tenant", required=True, metavar="NAME", help="Tenant that requests are charged to."
)
@click.option("--name", default="", metavar="TEXT", help="Note on the key's purpose.")
@click.option("--expires", metavar="TIME", help="Lifetime, such as 12h or 90d.  [unlimited]")
@click.option(
    "--model", "models", multiple=True, metavar="NAME", help="Permit this model or tier.  [all]"
)
@click.option(
    "--feature", "features", multiple=True, metavar="NAME", help="Permit this feature.  [all]"
)
@click.option(
    "--field",
    "fields",
    multiple=True,
    type=click.Choice(GRANTED_FIELDS),
    help="Permit this request field of Sluice's own.",
)
@click.option(
    "--requests-per-minute", type=click.IntRange(1), metavar="N", help="Limit of each gateway."
)
@AS_JSON
def create(
    *,
    tenant: str,
    name: str,
    expires: str | None,
    models: tuple[str, ...],
    features: tuple[str, ...],
    fields: tuple[str, ...],
    requests_per_minute: int | None,
    as_json: bool,
) -> None:
    """Create a key and print it. It is shown only here: the topic holds its hash.

    Without --model, --feature and --expires the key is not restricted by them; `auto` counts as a
    model.
    """
    from streams.registry.api_keys import ApiKey, digest_of, key_id_of, new_key, record_key

    if not NAME.fullmatch(tenant):
        raise ConfigurationError(
            "--tenant: expected 1 to 64 letters, digits and the characters . _ : -"
        )
    now = round(time.time() * 1000)
    secret = new_key()
    digest = digest_of(secret)
    key = ApiKey(
        key_id=key_id_of(digest),
        tenant=tenant,
        name=name,
        created_at=now,
        expires_at=None if expires is None else now + _lifetime_ms(expires),
        models=frozenset(models) or None,
        features=frozenset(features) or None,
        fields=frozenset(fields),
        requests_per_minute=requests_per_minute,
    )
    asyncio.run(_put(record_key(digest), key.as_json()))
    if as_json:
        print_json({"key": secret, **_document(key)})
        return
    say(secret)
    notes.print(f"key {key.key_id} of tenant {tenant}; it is not shown again")


@command.command("list")
@AS_JSON
def show(*, as_json: bool) -> None:
    """List the keys: ids and rights, never the keys themselves."""
    keys = sorted(
        read_registry().api_keys.values(), key=lambda key: (key.tenant, key.created_at, key.key_id)
    )
    if as_json:
        print_json([_document(key) for key in keys])
        return
    if not keys:
        notes.print("there are no keys; create one: sluice keys create --tenant NAME")
        return
    rows = [
        (
            key.key_id,
            key.tenant,
            key.name or _NO_LIMIT,
            _day(key.created_at),
            _NO_LIMIT if key.expires_at is None else _day(key.expires_at),
            _listed(key.models),
            _NO_LIMIT if key.requests_per_minute is None else str(key.requests_per_minute),
        )
        for key in keys
    ]
    print_table(("key", "tenant", "name", "created", "expires", "models", "requests/min"), rows)


@command.command("revoke")
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """Revoke the key with this id, of `sluice keys list`. Open requests of it still complete.

    Exits 1 if there is no such key.
    """
    from streams.registry.api_keys import record_key

    found = [digest for digest, key in read_registry().api_keys.items() if key.key_id == key_id]
    if not found:
        raise ConfigurationError(f"there is no key {key_id}; see: sluice keys list")
    for digest in found:
        asyncio.run(_put(record_key(digest), None))
    say(f"key {key_id} is revoked; gateways refuse it within 2 seconds")


async def _put(key: bytes, value: bytes | None) -> None:
    from streams.registry.publishing import RegistryWriter
    from streams.registry.registry_topic import registry_log

    kafka, signing = await asyncio.to_thread(checked_kafka), registry_keys()
    async with registry_log(kafka) as log:
        await RegistryWriter(log, signing).put(key, value)


def _lifetime_ms(text: str) -> int:
    found = _LIFETIME.fullmatch(text)
    if found is None:
        raise ConfigurationError("--expires: expected a lifetime such as 12h or 90d")
    return int(found[1]) * _UNITS[found[2]]


def _document(key: ApiKey) -> dict[str, Any]:
    import orjson

    found: dict[str, Any] = orjson.loads(key.as_json())
    return found


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _listed(names: frozenset[str] | None) -> str:
    return "all" if names is None else ", ".join(sorted(names))
