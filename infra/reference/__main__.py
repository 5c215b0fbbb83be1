"""`make docs`: writes the generated pages of docs/ and the dashboards of infra/deploy/grafana."""

from __future__ import annotations

from pathlib import Path

from infra.dashboards.grafana import dashboard_json
from infra.dashboards.panels import DASHBOARDS
from infra.reference.pages import PAGES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GRAFANA = ROOT / "infra" / "deploy" / "grafana" / "dashboards"


def main() -> None:
    """Write every page and dashboard."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page())
    for dashboard in DASHBOARDS:
        (GRAFANA / f"{dashboard.uid}.json").write_text(dashboard_json(dashboard))


if __name__ == "__main__":
    main()
