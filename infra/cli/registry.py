"""`sluice registry`: the models and the policy, checked, published, compared, taken back."""

from __future__ import annotations

import asyncio
import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infra.cli.screen import console, notes, print_json, print_table
from infra.settings import InfraSettings
from schemas.errors import RegistryError

if TYPE_CHECKING:
    from streams.registry.topic import Pointer, RegistryHistory
    from streams.registry.version import RegistryVersion

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
BY = click.option("--by", default=getpass.getuser, help="Who does it.  [your user name]")
NO_WAIT = click.option(
    "--no-wait", is_flag=True, help="Do not wait until the local pipeline's workers use it."
)
FILE = click.argument("file", type=click.Path(path_type=Path))


@click.group("registry")
def command() -> None:
    """Check, publish, compare and take back the registry: tiers, models, policy.

    Versions lie on the topic llm.registry.v1 under the hash of their content; workers take a new
    one up between two requests, without a restart.
    """


@command.command("validate")
@FILE
@AS_JSON
def validate(file: Path, *, as_json: bool) -> None:
    """Check FILE without publishing it; errors name the path."""
    from streams.registry.version import load_registry

    version = load_registry(file)
    if as_json:
        print_json({"version": version.hash, "valid": True, **_outline(version)})
        return
    click.echo(f"{file} is valid: version {version.hash}, {_in_words(version)}")


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of registry files, for editors."""
    from streams.registry.document import json_schema

    print_json(json_schema())


@command.command("apply")
@FILE
@BY
@NO_WAIT
@AS_JSON
def apply(file: Path, *, by: str, no_wait: bool, as_json: bool) -> None:
    """Publish FILE and make it current."""
    from streams.registry.topic import publish_version
    from streams.registry.version import load_registry

    version = load_registry(file)
    history = _history()
    before = history.current
    if before is not None and before.version == version.hash:
        _done(version.hash, before=before.version, waited=[], as_json=as_json)
        return
    _refuse_new_tiers(history, version)
    asyncio.run(publish_version(_kafka(), version, by=by))
    used_by = [] if no_wait else _until_used(version.hash)
    _done(version.hash, before=_version_of(before), waited=used_by, as_json=as_json)


@command.command("show")
@click.argument("version", required=False)
@click.option("--all", "every", is_flag=True, help="List every move of the pointer instead.")
@AS_JSON
def show(version: str | None, *, every: bool, as_json: bool) -> None:
    """Print the current registry, or VERSION, as YAML."""
    history = _history()
    if every:
        _list(history, as_json=as_json)
        return
    content = _document(history, _named(history, version))
    if as_json:
        print_json(content)
        return
    import yaml

    console.print(yaml.safe_dump(content, sort_keys=False, width=100), markup=False, end="")


@command.command("diff")
@click.argument("before")
@click.argument("after", required=False)
@AS_JSON
def diff(before: str, after: str | None, *, as_json: bool) -> None:
    """Say what differs from BEFORE to AFTER (a version or a file; AFTER: the current one)."""
    from infra.registry_diff import differences

    history = _history()
    found = differences(_document(history, before), _document(history, _named(history, after)))
    if as_json:
        print_json([each.as_document() for each in found])
        return
    for each in found:
        click.echo(each.in_words())
    if not found:
        notes.print("no difference")


@command.command("rollback")
@click.argument("version", required=False)
@BY
@NO_WAIT
@AS_JSON
def rollback(version: str | None, *, by: str, no_wait: bool, as_json: bool) -> None:
    """Make the version before the current one current again, or VERSION."""
    from streams.registry.topic import move_pointer

    history = _history()
    current = history.current
    wanted = version or _previous(history)
    history.version(wanted)
    asyncio.run(move_pointer(_kafka(), wanted, by=by))
    used_by = [] if no_wait else _until_used(wanted)
    _done(wanted, before=_version_of(current), waited=used_by, as_json=as_json)


def _version_of(pointer: Pointer | None) -> str | None:
    return None if pointer is None else pointer.version


def _kafka() -> dict[str, Any]:
    from infra.addresses import kafka_connection
    from schemas.kafka_knock import knock

    kafka = kafka_connection(InfraSettings())
    asyncio.run(knock(kafka))
    return kafka


def _history() -> RegistryHistory:
    from streams.registry.topic import read_history

    return asyncio.run(read_history(_kafka()))


def _named(history: RegistryHistory, version: str | None) -> str:
    if version is not None:
        return version
    if history.current is None:
        raise RegistryError("no version is current; publish one: sluice registry apply FILE")
    return history.current.version


def _previous(history: RegistryHistory) -> str:
    current = _named(history, None)
    earlier = [each.version for each in history.pointers if each.version != current]
    if not earlier:
        raise RegistryError(f"{current} is the only version that ever was current")
    return earlier[-1]


def _document(history: RegistryHistory, named: str) -> dict[str, Any]:
    """The content of a version on the topic, or of a file."""
    import orjson

    from streams.registry.version import load_registry

    path = Path(named)
    version = load_registry(path) if path.is_file() else history.version(named)
    content: dict[str, Any] = orjson.loads(version.content)
    return content


def _refuse_new_tiers(history: RegistryHistory, version: RegistryVersion) -> None:
    """A worker refuses tiers that it does not read; better said here than in its log."""
    if history.current is None:
        return
    before = history.version(history.current.version).landscape.tiers
    if before != version.landscape.tiers:
        notes.print(
            f"the tiers change from {', '.join(before)} to {', '.join(version.landscape.tiers)}: "
            "create their topics (SLUICE_TIERS=... sluice topics create) and restart the workers "
            "with the same SLUICE_TIERS; until then they keep the version before",
            style="yellow",
        )


def _until_used(version: str) -> list[str]:
    from infra.local.registry_use import wait_until_used

    with notes.status("waiting for the workers"):
        return wait_until_used(InfraSettings().home, version)


def _done(version: str, *, before: str | None, waited: list[str], as_json: bool) -> None:
    if as_json:
        print_json({"current": version, "before": before, "used_by": waited})
        return
    if before == version:
        click.echo(f"{version} is current already")
        return
    used = f"; used by {', '.join(waited)}" if waited else ""
    click.echo(f"{version} is current, before it {before or 'none'}{used}")
    if before is not None:
        notes.print("take it back with: sluice registry rollback", style="dim")


def _list(history: RegistryHistory, *, as_json: bool) -> None:
    from datetime import UTC, datetime

    rows = [
        (
            each.version,
            datetime.fromtimestamp(each.at / 1000, UTC).isoformat(timespec="seconds"),
            each.by,
            each is history.current,
        )
        for each in history.pointers
    ]
    if as_json:
        names = ("version", "at", "by", "current")
        print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    print_table(("version", "since", "by", "current"), rows)


def _outline(version: RegistryVersion) -> dict[str, Any]:
    landscape = version.landscape
    return {
        "tiers": {
            tier: [model.name for model in landscape.models_of(tier)] for tier in landscape.tiers
        },
        "classifier": landscape.policy.classifier,
        "baseline": landscape.baseline,
    }


def _in_words(version: RegistryVersion) -> str:
    landscape = version.landscape
    tiers = "; ".join(
        f"{tier}: {', '.join(model.name for model in landscape.models_of(tier))}"
        for tier in landscape.tiers
    )
    return f"{tiers}; classifier {landscape.policy.classifier}"
