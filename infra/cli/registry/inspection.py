"""`sluice registry show`, `diff` and `schema`."""

from __future__ import annotations

from pathlib import Path

import click

from infra.cli.output.registry import show_moves
from infra.cli.output.screen import notes, print_json, say
from infra.cli.registry.access import content_of, named_version, read_registry
from infra.cli.registry.options import ARTIFACTS, AS_JSON


@click.command("show")
@click.argument("version", required=False)
@click.option("--all", "every", is_flag=True, help="List every move of the pointer instead.")
@AS_JSON
def show(version: str | None, *, every: bool, as_json: bool) -> None:
    """Print the current registry, or VERSION, as YAML for `apply`."""
    history = read_registry()
    if every:
        show_moves(history, as_json=as_json)
        return
    content = content_of(history, named_version(history, version), ())
    if as_json:
        print_json(content)
        return
    import yaml

    say(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100), nl=False)


@click.command("diff")
@click.argument("before")
@click.argument("after", required=False)
@ARTIFACTS
@AS_JSON
def diff(before: str, after: str | None, *, artifacts: tuple[Path, ...], as_json: bool) -> None:
    """Show the differences from BEFORE to AFTER (versions or files; AFTER: default current)."""
    from infra.registry_diff import differences

    history = read_registry()
    found = differences(
        content_of(history, before, artifacts),
        content_of(history, named_version(history, after), artifacts),
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


@click.command("schema")
def schema() -> None:
    """Print the JSON Schema of registry files, for editors."""
    from streams.registry.document.document import json_schema

    print_json(json_schema())
