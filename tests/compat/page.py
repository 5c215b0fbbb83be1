"""`docs/compatibility.md`, from the results of a run."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tests.compat.client_runs import CELLS, Cell
from tests.compat.environment import NODE_PACKAGES, pinned_versions
from tests.compat.suites_of_others import SuiteResult

_MARKS = {"passed": "yes", "none": "none", "not run": "not run", "failed": "**no**"}

_HEAD = """# Compatibility

`make compat` runs suites and clients that others wrote against a local gateway: Kafka, one worker,
the simulator. It writes this page from the results; the versions are those of
`tests/compat/requirements.txt` and `tests/compat/clients/package.json`. Models answer with scripted
text, so the page says what the protocol carries, not what a model can do.

## Clients

`yes`: the cell ran and passed. A client that speaks both dialects has a line for each.

"""

_EXPLAINED = """
| cell | what runs |
|---|---|
| plain, stream | an answer with `model: auto`, whole and in parts |
| tools | a tool call, its result sent back, and the answer to it |
| parallel tools | two calls in one answer, plain and, where the client shows them, streamed |
| JSON schema | an answer by a JSON Schema |
| image | a picture in the request |
| error | an invalid request is the client's own error for status 400 |
| usage | tokens of a plain and a streamed answer |
| cancel | the client closes a stream after its first part; the next request is answered |
| retry | the first provider call outlasts the client's time-out; the client's retry is answered |
"""


def page(suites: Sequence[SuiteResult], cells: Sequence[Cell]) -> str:
    """Return the page as Markdown."""
    parts = [_HEAD, *_clients(cells), _EXPLAINED, *_reasons(cells), *_suites(suites), *_versions()]
    return "".join(parts)


def _clients(cells: Sequence[Cell]) -> list[str]:
    lines = [f"| client | {' | '.join(CELLS)} |\n", f"|---|{'---|' * len(CELLS)}\n"]
    for client in dict.fromkeys(cell.client for cell in cells):
        found = {cell.cell: _MARKS[cell.state] for cell in cells if cell.client == client}
        row = " | ".join(found.get(name, "not run") for name in CELLS)
        lines.append(f"| {client} | {row} |\n")
    return lines


def _reasons(cells: Sequence[Cell]) -> list[str]:
    other = [cell for cell in cells if cell.state != "passed"]
    if not other:
        return []
    lines = ["\nCells that are not `yes`:\n\n"]
    seen = dict.fromkeys((cell.client, cell.reason) for cell in other)
    for client, reason in seen:
        names = [cell.cell for cell in other if (cell.client, cell.reason) == (client, reason)]
        lines.append(f"- {client}: {', '.join(names)}: {_plain(reason)}\n")
    return lines


def _suites(suites: Sequence[SuiteResult]) -> list[str]:
    lines = [
        "\n## Suites\n\n| suite | passed | failed | skipped by itself | left out |\n",
        "|---|---|---|---|---|\n",
    ]
    for result in suites:
        counts = (result.passed, len(result.failures), result.skipped, result.left_out)
        lines.append(f"| {result.suite.name} | {' | '.join(map(str, counts))} |\n")
    lines.append("\nLeft out, by a pattern of the test's name:\n\n")
    for result in suites:
        lines += [
            f"- {result.suite.name}, `{pattern}`: {reason}\n"
            for pattern, reason in result.suite.left_out.items()
        ]
    for result in suites:
        lines += [
            f"- {result.suite.name}, failed: `{test}`: {_plain(reason)}\n"
            for test, reason in result.failures.items()
        ]
    return lines


def _versions() -> list[str]:
    node = json.loads(NODE_PACKAGES.read_text())["dependencies"]
    shown = ", ".join(f"{name} {version}" for name, version in pinned_versions().items())
    in_node = ", ".join(f"{name} {version}" for name, version in node.items())
    return [f"\n## Versions\n\nPython: {shown}.\n\nJavaScript: {in_node}.\n"]


def _plain(text: str) -> str:
    return " ".join(text.replace("`", "'").replace("|", "/").split())
