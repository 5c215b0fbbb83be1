"""`sluice registry validate`, `apply` and `rollback`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infra.cli.output.errors import FoundProblemsError
from infra.cli.output.registry import outline, outline_in_words, show_checked, show_current
from infra.cli.output.screen import notes, print_json, say
from infra.cli.registry.access import (
    checked_kafka,
    checked_librdkafka,
    lacks_keys,
    load_file,
    named_version,
    raise_rejections,
    read_registry,
    registry_keys,
    version_of,
    wait_for_workers,
)
from infra.cli.registry.options import ARTIFACTS, AS_JSON, BY, FILE, NO_WAIT
from schemas.errors import RegistryError

if TYPE_CHECKING:
    from infra.workers.checking import Checked
    from streams.registry.history import Pointer, RegistryHistory
    from streams.registry.version import RegistryVersion


@click.command("validate")
@FILE
@ARTIFACTS
@AS_JSON
def validate(file: Path, *, artifacts: tuple[Path, ...], as_json: bool) -> None:
    """Check FILE without publishing it; errors name the path and the line.

    Exits 1 if it is invalid. Kafka is read only for an artifact that is not found elsewhere.
    """
    from streams.registry.document.problems import problems_of

    try:
        version = load_file(file, artifacts)
    except RegistryError as error:
        if as_json:
            problems = [each.as_document() for each in problems_of(error)]
            print_json({"version": None, "valid": False, "problems": problems})
        raise
    if as_json:
        print_json({"version": version.hash, "valid": True, "problems": [], **outline(version)})
        return
    say(f"{file} is valid: version {version.hash}, {outline_in_words(version)}")


@click.command("apply")
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

    history = read_registry()
    version = load_file(file, artifacts, history)
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
            print_json({"current": version_of(before), "findings": findings})
        raise FoundProblemsError(
            f"{version.hash} was not applied: {len(checked.refused)} of the findings make a "
            "model unusable. Correct the file or the workers' settings, or apply it with --force"
        )
    way_back = before.applied() if before else ()
    asyncio.run(
        publish_version(checked_kafka(), version, by=by, before=way_back, keys=registry_keys())
    )
    _show_current(version.hash, before, history, checked, no_wait=no_wait, as_json=as_json)


@click.command("rollback")
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

    history = read_registry()
    current = history.current
    wanted = version or _previous(history)
    history.version(wanted)
    way_back = current.taken_back(wanted) if current else ()
    asyncio.run(move_pointer(checked_kafka(), wanted, by=by, before=way_back, keys=registry_keys()))
    _show_current(wanted, current, history, None, no_wait=no_wait, as_json=as_json)


def _checked(version: RegistryVersion, *, probe: bool) -> Checked:
    from infra.workers.checking import checked

    with notes.status("checking the workers"):
        kafka, librdkafka = checked_kafka(), checked_librdkafka()
        return asyncio.run(checked(kafka, librdkafka, version.snapshot, with_probe=probe))


def _previous(history: RegistryHistory) -> str:
    current = named_version(history, None)
    way_back = history.current.before if history.current else ()
    if not way_back:
        raise RegistryError(
            f"there is no version before {current}; `sluice registry show --all` lists those that "
            "were current, and `sluice registry rollback VERSION` takes one of them"
        )
    return way_back[-1]


def _show_current(
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
    use = None if no_wait else wait_for_workers(version)
    show_current(
        version,
        version_of(before),
        use,
        checked,
        applied=checked is not None,
        as_json=as_json,
        is_refused=lacks_keys(history),
    )
    raise_rejections(use)
