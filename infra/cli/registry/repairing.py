"""`sluice registry repair` and `sign`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from infra.cli.output.errors import FoundProblemsError
from infra.cli.output.registry import show_repair, show_signing
from infra.cli.output.screen import confirmed, counted
from infra.cli.registry.access import (
    checked_kafka,
    checked_librdkafka,
    raise_rejections,
    read_registry,
    registry_keys,
    wait_for_workers,
)
from infra.cli.registry.options import AS_JSON, BY, NO_WAIT
from schemas.errors import ConfigurationError, RegistryError

if TYPE_CHECKING:
    from streams.registry.history import RegistryRecord


@click.command("repair")
@click.option("--check", is_flag=True, help="Only report problems; exits 1 if there are any.")
@BY
@NO_WAIT
@AS_JSON
def repair(*, check: bool, by: str, no_wait: bool, as_json: bool) -> None:
    """Repair a broken registry topic.

    Unusable records, records without a signature by a key of SLUICE_REGISTRY_KEY (if set), and
    versions and artifacts that do not match their key are removed by tombstones, or rewritten if an
    earlier valid record of the same key exists. A pointer without a usable target moves to the
    newest usable version that was current. Nothing is written if the topic is in order, or if no
    signed version is usable.
    """
    from streams.registry.publishing import publish_repair
    from streams.registry.repair import repair_of

    keys = registry_keys()
    found = repair_of(read_registry())
    is_hopeless = found.is_lost and keys is not None
    if not check and found.problems and not is_hopeless:
        asyncio.run(publish_repair(checked_kafka(), found, by=by, keys=keys))
    version = None if found.pointer is None else found.pointer[0]
    use = None if check or no_wait or version is None else wait_for_workers(version)
    show_repair(found, use, mended=not check and not is_hopeless, as_json=as_json)
    if is_hopeless:
        raise RegistryError(
            "no version that is signed by the keys of SLUICE_REGISTRY_KEY is usable, so nothing "
            "was removed; sign the version that you trust (sluice registry sign VERSION), or "
            "publish one: sluice registry apply FILE"
        )
    if found.is_lost:
        raise RegistryError(
            "no version on the registry topic is usable; publish one: sluice registry apply FILE"
        )
    if check and found.problems:
        raise FoundProblemsError(
            f"broken: {counted(len(found.problems), 'key')} of the registry topic; repair with: "
            "sluice registry repair"
        )
    raise_rejections(use)


@click.command("sign")
@click.argument("version", required=False)
@click.option("--all", "every", is_flag=True, help="Sign all other versions and artifacts too.")
@click.option("--check", is_flag=True, help="Only list records to sign; exits 1 if there are any.")
@click.option("--yes", is_flag=True, help="Trust unsigned records without confirmation.")
@BY
@NO_WAIT
@AS_JSON
def sign(
    version: str | None,
    *,
    every: bool,
    check: bool,
    yes: bool,
    by: str,
    no_wait: bool,
    as_json: bool,
) -> None:
    """Sign records on the topic with the first key of SLUICE_REGISTRY_KEY.

    Signs VERSION (default: the current one), its artifacts, the pointer to it, and all records
    signed by another key of SLUICE_REGISTRY_KEY. This enables signatures for a topic without any:
    check the version first (sluice registry show), because it is trusted from then on. During key
    rotation it moves all signatures to the new key, so that the old one can be removed.
    """
    from streams.registry.publishing import publish_signed
    from streams.registry.registry_topic import read_records
    from streams.registry.signing import signing_plan

    keys = registry_keys()
    if keys is None:
        raise ConfigurationError(
            "SLUICE_REGISTRY_KEY is not set; create a key (openssl rand -base64 32), set it for "
            "this command, then to all workers and sinks"
        )
    librdkafka = checked_librdkafka()

    async def read() -> list[RegistryRecord]:
        return [record async for record in read_records(librdkafka)]

    plan = signing_plan(asyncio.run(read()), keys, version, every=every)
    if (
        plan.trusted
        and not (yes or check)
        and not confirmed(f"Trust {', '.join(plan.trusted)}, which no key has signed?")
    ):
        raise FoundProblemsError("nothing was signed")
    if not check and not plan.is_empty:
        asyncio.run(publish_signed(checked_kafka(), plan, by=by, keys=keys))
    use = None if check or no_wait or plan.pointer is None else wait_for_workers(plan.version)
    show_signing(plan, use, signed=not check, as_json=as_json)
    if check and not plan.is_empty:
        raise FoundProblemsError("records lack the first key; run sluice registry sign")
    raise_rejections(use)
