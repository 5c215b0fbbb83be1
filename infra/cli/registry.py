"""`sluice registry`: validate, publish, compare and roll back models and policy."""

from __future__ import annotations

import asyncio
import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infra.cli.output.counting import counted
from infra.cli.output.errors import FoundProblemsError
from infra.cli.output.registry import (
    outline,
    outline_in_words,
    show_checked,
    show_current,
    show_moves,
    show_repair,
    show_signing,
)
from infra.cli.output.screen import confirmed, notes, print_json, say
from infra.settings import InfraSettings
from schemas.errors import ConfigurationError, RegistryError

if TYPE_CHECKING:
    from core.registry_signature import RegistryKeys
    from infra.workers.checking import Checked
    from infra.workers.registry_use import RegistryUse
    from streams.registry.history import Pointer, RegistryHistory, RegistryRecord
    from streams.registry.version import RegistryVersion

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
BY = click.option("--by", default=getpass.getuser, help="Author of the change.  [your user name]")
NO_WAIT = click.option("--no-wait", is_flag=True, help="Do not wait until the workers use it.")
FILE = click.argument("file", type=click.Path(path_type=Path))
ARTIFACTS = click.option(
    "--artifact",
    "artifacts",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A learned artifact of the file, or a folder of artifacts.  [SLUICE_ARTIFACTS]",
)


@click.group("registry")
def command() -> None:
    """Validate, publish, compare and roll back the registry: tiers, models, policy.

    Versions are on the topic llm.registry.v1 under the hash of their content. Workers switch to a
    new one between two requests, without a restart. A learned artifact of a file is searched in the
    package, in the files of --artifact, and on that topic.
    """


@command.command("validate")
@FILE
@ARTIFACTS
@AS_JSON
def validate(file: Path, *, artifacts: tuple[Path, ...], as_json: bool) -> None:
    """Check FILE without publishing it; errors name the path and the line.

    Exits 1 if it is invalid. Kafka is read only for an artifact that is not found elsewhere.
    """
    from streams.registry.document.problems import problems_of

    try:
        version = _loaded(file, artifacts)
    except RegistryError as error:
        if as_json:
            problems = [each.as_document() for each in problems_of(error)]
            print_json({"version": None, "valid": False, "problems": problems})
        raise
    if as_json:
        print_json({"version": version.hash, "valid": True, "problems": [], **outline(version)})
        return
    say(f"{file} is valid: version {version.hash}, {outline_in_words(version)}")


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of registry files, for editors."""
    from streams.registry.document.document import json_schema

    print_json(json_schema())


@command.command("apply")
@FILE
@ARTIFACTS
@click.option("--probe", is_flag=True, help="First call every instance once, from this machine.")
@click.option("--force", is_flag=True, help="Apply it even if workers cannot call a model.")
@BY
@NO_WAIT
@AS_JSON
def apply(
    file: Path,
    *,
    artifacts: tuple[Path, ...],
    probe: bool,
    force: bool,
    by: str,
    no_wait: bool,
    as_json: bool,
) -> None:
    """Publish FILE with its artifact, and make it current.

    First checks the workers: each model's provider is installed, its hosts and keys are allowed and
    set, its price is known. A model that no worker can call is rejected; --force applies it anyway.
    --probe uses the keys of this machine; its calls are recorded with purpose `probe`.
    """
    from streams.registry.publishing import publish_version

    history = _history()
    version = _loaded(file, artifacts, history)
    before = history.current
    if before is not None and before.version == version.hash and not probe:
        show_current(version.hash, before.version, None, None, applied=True, as_json=as_json)
        return
    checked = _checked(version, probe=probe)
    if not as_json:
        show_checked(checked)
    if checked.refused and not force:
        if as_json:
            findings = [each.as_document() for each in checked.findings]
            print_json({"current": _version_of(before), "findings": findings})
        raise FoundProblemsError(
            f"{version.hash} was not applied: {len(checked.refused)} of the findings make a "
            "model unusable. Correct the file or the workers' settings, or apply it with --force"
        )
    way_back = before.applied() if before else ()
    asyncio.run(publish_version(_kafka(), version, by=by, before=way_back, keys=_keys()))
    _tell_current(version.hash, before, history, checked, no_wait=no_wait, as_json=as_json)


@command.command("show")
@click.argument("version", required=False)
@click.option("--all", "every", is_flag=True, help="List every move of the pointer instead.")
@AS_JSON
def show(version: str | None, *, every: bool, as_json: bool) -> None:
    """Print the current registry, or VERSION, as YAML for `apply`."""
    history = _history()
    if every:
        show_moves(history, as_json=as_json)
        return
    content = _document(history, _named(history, version), ())
    if as_json:
        print_json(content)
        return
    import yaml

    say(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100), nl=False)


@command.command("diff")
@click.argument("before")
@click.argument("after", required=False)
@ARTIFACTS
@AS_JSON
def diff(before: str, after: str | None, *, artifacts: tuple[Path, ...], as_json: bool) -> None:
    """Show the differences from BEFORE to AFTER (versions or files; AFTER: default current)."""
    from infra.registry_diff import differences

    history = _history()
    found = differences(
        _document(history, before, artifacts),
        _document(history, _named(history, after), artifacts),
    )
    if as_json:
        print_json([each.as_document() for each in found])
        return
    if found:
        say(f"from {before} to {after or 'the current version'}:", err=True)
    for each in found:
        say(each.in_words())
    if not found:
        notes.print("no difference")


@command.command("rollback")
@click.argument("version", required=False)
@BY
@NO_WAIT
@AS_JSON
def rollback(version: str | None, *, by: str, no_wait: bool, as_json: bool) -> None:
    """Make the version before the current one current again, or VERSION.

    Each rollback goes one more step back. To undo a rollback, apply the file again, or give
    VERSION.
    """
    from streams.registry.publishing import move_pointer

    history = _history()
    current = history.current
    wanted = version or _previous(history)
    history.version(wanted)
    way_back = current.taken_back(wanted) if current else ()
    asyncio.run(move_pointer(_kafka(), wanted, by=by, before=way_back, keys=_keys()))
    _tell_current(wanted, current, history, None, no_wait=no_wait, as_json=as_json)


@command.command("repair")
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

    keys = _keys()
    found = repair_of(_history())
    is_hopeless = found.is_lost and keys is not None
    if not check and found.problems and not is_hopeless:
        asyncio.run(publish_repair(_kafka(), found, by=by, keys=keys))
    version = None if found.pointer is None else found.pointer[0]
    use = None if check or no_wait or version is None else _until_used(version)
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
    _refusals(use)


@command.command("sign")
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

    keys = _keys()
    if keys is None:
        raise ConfigurationError(
            "SLUICE_REGISTRY_KEY is not set; create a key (openssl rand -base64 32), set it for "
            "this command, then to all workers and sinks"
        )
    kafka = _kafka()

    async def read() -> list[RegistryRecord]:
        return [record async for record in read_records(kafka)]

    plan = signing_plan(asyncio.run(read()), keys, version, every=every)
    if (
        plan.trusted
        and not (yes or check)
        and not confirmed(f"Trust {', '.join(plan.trusted)}, which no key has signed?")
    ):
        raise FoundProblemsError("nothing was signed")
    if not check and not plan.is_empty:
        asyncio.run(publish_signed(kafka, plan, by=by, keys=keys))
    use = None if check or no_wait or plan.pointer is None else _until_used(plan.version)
    show_signing(plan, use, signed=not check, as_json=as_json)
    if check and not plan.is_empty:
        raise FoundProblemsError("records lack the first key; run sluice registry sign")
    _refusals(use)


def _version_of(pointer: Pointer | None) -> str | None:
    return None if pointer is None else pointer.version


def _keys() -> RegistryKeys | None:
    return InfraSettings().registry_keys


def _kafka() -> dict[str, Any]:
    from core.kafka.preflight import check_connection
    from infra.devstack.addresses import kafka_connection

    kafka = kafka_connection(InfraSettings())
    asyncio.run(check_connection(kafka))
    return kafka


def _history() -> RegistryHistory:
    from streams.registry.registry_topic import read_history

    keys = _keys()
    history = asyncio.run(read_history(_kafka(), keys=keys))
    if history.bad:
        notes.print(
            f"{counted(len(history.bad), 'record')} of the registry topic cannot be used; check "
            "and repair: sluice registry repair",
            style="yellow",
        )
    if history.refused and history.current is None:
        notes.print(
            "no pointer on the registry topic is signed by the keys of SLUICE_REGISTRY_KEY; sign "
            "the version that you trust: sluice registry sign VERSION",
            style="yellow",
        )
    if _lacks_keys(history):
        notes.print(
            "records of the registry topic are signed, and SLUICE_REGISTRY_KEY is not set here: "
            "nothing is verified, and workers with the key reject what this command writes",
            style="yellow",
        )
    return history


def _lacks_keys(history: RegistryHistory) -> bool:
    """Return whether workers with a key reject records written without one."""
    return history.keys is None and history.is_signed


def _loaded(
    file: Path, artifacts: tuple[Path, ...], history: RegistryHistory | None = None
) -> RegistryVersion:
    from infra.devstack.artifact_source import artifact_source
    from streams.registry.version import load_registry

    return load_registry(file, artifact_source(InfraSettings(), artifacts, history))


def _checked(version: RegistryVersion, *, probe: bool) -> Checked:
    from infra.workers.checking import checked

    with notes.status("checking the workers"):
        return asyncio.run(checked(_kafka(), version.snapshot, with_probe=probe))


def _named(history: RegistryHistory, version: str | None) -> str:
    if version is not None:
        return version
    if history.current is None:
        raise RegistryError("no version is current; publish one: sluice registry apply FILE")
    return history.current.version


def _previous(history: RegistryHistory) -> str:
    current = _named(history, None)
    way_back = history.current.before if history.current else ()
    if not way_back:
        raise RegistryError(
            f"there is no version before {current}; `sluice registry show --all` lists those that "
            "were current, and `sluice registry rollback VERSION` takes one of them"
        )
    return way_back[-1]


def _document(history: RegistryHistory, named: str, artifacts: tuple[Path, ...]) -> dict[str, Any]:
    """Return the content of a version on the topic, or of a file."""
    import orjson

    path = Path(named)
    version = _loaded(path, artifacts, history) if path.is_file() else history.version(named)
    content: dict[str, Any] = orjson.loads(version.content)
    return content


def _until_used(version: str) -> RegistryUse:
    from infra.workers.registry_use import until_used

    with notes.status("waiting for the workers"):
        return asyncio.run(until_used(_kafka(), version))


def _tell_current(
    version: str,
    before: Pointer | None,
    history: RegistryHistory,
    checked: Checked | None,
    *,
    no_wait: bool,
    as_json: bool,
) -> None:
    """Wait for the workers, show the current version, and fail if a worker keeps another one; a
    rollback makes no checks.
    """
    use = None if no_wait else _until_used(version)
    show_current(
        version,
        _version_of(before),
        use,
        checked,
        applied=checked is not None,
        as_json=as_json,
        is_refused=_lacks_keys(history),
    )
    _refusals(use)


def _refusals(use: RegistryUse | None) -> None:
    """Fail if a worker kept another version, with its reason."""
    if use is not None and use.refused:
        said = "; ".join(f"{worker}: {problem}" for worker, problem in use.refused.items())
        raise RegistryError(f"it is current, but was rejected by {said}")
