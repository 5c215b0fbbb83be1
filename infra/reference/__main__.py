"""`make docs`: writes the generated pages into docs/."""

from __future__ import annotations

from pathlib import Path

from infra.reference.pages import PAGES

DOCS = Path(__file__).parents[2] / "docs"


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page())


if __name__ == "__main__":
    main()
