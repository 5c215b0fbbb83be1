"""A process's page of metrics, read as Prometheus would."""

from __future__ import annotations

import re
import urllib.request


def scrape(url: str, metric: str) -> dict[str, float]:
    """A metric's values on the page of the process at this address, by label set."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = re.findall(rf"^{metric}{{(.*)}} (\S+)$", text, re.MULTILINE)
    return {labels: float(value) for labels, value in found}
