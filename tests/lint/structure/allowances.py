"""Lists of known faults that may only shrink.

A list is a text file: on each line a name, a tab, and the greatest allowed value. `#` starts a
comment. A fault that is not in the list fails the check, as does one whose value is above the
list's. An entry that is not a fault any more fails as well, so it can't hide a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def read_allowances(path: Path) -> dict[str, int]:
    """The entries of a list. Raises ValueError for a line that is none, OSError."""
    found: dict[str, int] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        entry = line.partition("#")[0].strip()
        if not entry:
            continue
        name, _, greatest = entry.partition("\t")
        if name in found:
            raise ValueError(f"{path.name}:{number}: {name} is listed twice; remove one entry")
        if not greatest.isdecimal():
            raise ValueError(f"{path.name}:{number}: write the name, a tab, and a number")
        found[name] = int(greatest)
    return found


def written(faults: Mapping[str, int]) -> str:
    """The list that allows exactly these faults."""
    return "".join(f"{name}\t{value}\n" for name, value in sorted(faults.items()))


def problems(
    faults: Mapping[str, int], allowed: Mapping[str, int], *, what: str, list_name: str
) -> list[str]:
    """What differs from the list: new faults, greater ones, and entries without a fault."""
    found = []
    for name, value in sorted(faults.items()):
        if name not in allowed:
            found.append(f"{what}: {name} ({value})")
        elif value > allowed[name]:
            found.append(f"{what}: {name} ({value}, allowed are {allowed[name]})")
    found += [
        f"{list_name} allows what is not there any more: {name}; remove the entry"
        for name in sorted(allowed)
        if name not in faults
    ]
    return found
