"""Output of `sluice registry`: versions, moves of the pointer and checks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core.untrusted_text import one_line
from infra.cli.output.screen import counted, notes, print_json, print_table, say

if TYPE_CHECKING:
    from infra.workers.checking import Checked
    from infra.workers.registry_use import RegistryUse
    from streams.registry.history import RegistryHistory
    from streams.registry.repair import Repair
    from streams.registry.signing import SigningPlan
    from streams.registry.version import RegistryVersion


def show_moves(history: RegistryHistory, *, as_json: bool) -> None:
    """Print every move of the pointer on the topic, oldest first."""
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
    print_table(("version", "since (UTC)", "by", "current"), rows)
    way_back = () if history.current is None else history.current.before
    if way_back:
        notes.print(f"rollback returns to {', then '.join(reversed(way_back))}", style="dim")


def show_checked(checked: Checked) -> None:
    """Print the findings of the check on stderr."""
    if not checked.workers:
        notes.print(
            "no worker has published its status; checked against the settings of this machine",
            style="yellow",
        )
    for each in checked.probed:
        if not each.error:
            cost = "cost unknown" if each.cost_nano is None else f"${each.cost_nano / 1e9:.6f}"
            notes.print(f"{each.model} at {each.instance} answers: {each.took_ms:.0f} ms, {cost}")
    for finding in checked.findings:
        refused = finding in checked.refused
        notes.print(
            f"{'refused' if refused else 'warning'}: {finding.in_words()}",
            style="red" if refused else "yellow",
            markup=False,
        )


def show_current(
    version: str,
    before: str | None,
    use: RegistryUse | None,
    checked: Checked | None,
    *,
    applied: bool,
    as_json: bool,
    is_refused: bool = False,
) -> None:
    """Print the current version and the workers that use it. `applied` is false for a rollback;
    `is_refused` means that it is unsigned while others are signed.
    """
    if as_json:
        document: dict[str, Any] = {
            "current": version,
            "before": before,
            "used_by": list(use.used_by) if use else [],
            "refused_by": dict(use.refused) if use else {},
            "silent": list(use.silent) if use else [],
        }
        if checked is not None:
            document["findings"] = [each.as_document() for each in checked.findings]
        print_json(document)
        return
    if before == version:
        say(f"{version} is already current")
        return
    used = f"; used by {', '.join(use.used_by)}" if use and use.used_by else ""
    say(f"{version} is current, previously {before or 'none'}{used}")
    if use and use.silent:
        notes.print(f"{', '.join(use.silent)} did not confirm its use within 10 s", style="yellow")
    if is_refused:
        notes.print(
            f"workers with a key reject it, and so does a rollback without one: sign it "
            f"(SLUICE_REGISTRY_KEY=... sluice registry sign {version}), or set "
            "SLUICE_REGISTRY_KEY and do it again",
            style="yellow",
        )
    elif before is not None:
        back = "sluice registry rollback" if applied else f"sluice registry rollback {before}"
        notes.print(f"to undo: {back}", style="dim")


def show_repair(found: Repair, use: RegistryUse | None, *, mended: bool, as_json: bool) -> None:
    """Print the problems, and the repairs if it was `mended`."""
    version = None if found.pointer is None else found.pointer[0]
    rows = [(_key_shown(key), problem) for key, problem in found.problems.items()]
    if as_json:
        print_json(
            {
                "problems": [{"key": key, "problem": problem} for key, problem in rows],
                "mended": mended and bool(rows) and not found.is_lost,
                "taken_out": [_key_shown(key) for key in found.tombstones],
                "restored": [_key_shown(key) for key, _ in found.restored],
                "current": version,
                "used_by": list(use.used_by) if use else [],
            }
        )
        return
    if not rows:
        say("the registry topic is in order")
        return
    print_table(("key", "problem"), rows)
    if mended:
        taken_out = counted(len(found.tombstones), "record")
        say(f"{taken_out} removed, {len(found.restored)} rewritten")
    if mended and version is not None:
        say(f"{version} is current")


def show_signing(
    plan: SigningPlan, use: RegistryUse | None, *, signed: bool, as_json: bool
) -> None:
    """Print the signed records, or those to sign if not `signed`."""
    keys = [_key_shown(key) for key, _ in plan.records]
    if as_json:
        print_json(
            {
                "version": plan.version,
                "records": keys,
                "pointer": plan.pointer is not None,
                "trusted": list(plan.trusted),
                "left_unsigned": plan.left,
                "signed": signed and not plan.is_empty,
                "used_by": list(use.used_by) if use else [],
            }
        )
        return
    if plan.is_empty:
        say(f"{plan.version} is current, and all is signed by the first key")
    else:
        done = "signed" if signed else "to be signed"
        pointer = f" and the pointer to {plan.version}" if plan.pointer else ""
        used = f"; used by {', '.join(use.used_by)}" if use and use.used_by else ""
        say(f"{done}: {counted(len(keys), 'record')} (versions, artifacts){pointer}{used}")
    if plan.left:
        notes.print(
            f"not signed: {counted(plan.left, 'record')} (versions, artifacts); readers with the "
            "key reject unsigned records. Sign all: --all, or remove them: sluice registry "
            "repair",
            style="yellow",
        )


def _key_shown(key: bytes) -> str:
    return one_line(key.decode(errors="backslashreplace"))[:80]


def outline(version: RegistryVersion) -> dict[str, Any]:
    """Return a summary of a version as JSON."""
    snapshot = version.snapshot
    return {
        "tiers": {
            tier: [model.name for model in snapshot.models_of(tier)] for tier in snapshot.tiers
        },
        "classifier": snapshot.policy.classifier,
        "artifact": None if snapshot.artifact is None else snapshot.artifact.hash,
        "baseline": snapshot.baseline,
    }


def outline_in_words(version: RegistryVersion) -> str:
    """Return a summary of a version as a line."""
    snapshot = version.snapshot
    tiers = "; ".join(
        f"{tier}: {', '.join(model.name for model in snapshot.models_of(tier))}"
        for tier in snapshot.tiers
    )
    return f"{tiers}; classifier {snapshot.policy.classifier}"
