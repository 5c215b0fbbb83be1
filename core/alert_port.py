"""The port through which every part of a worker raises an alert. `AlertLog` publishes them."""

from __future__ import annotations

from typing import Protocol

from schemas.alert_names import AlertName


class Alerts(Protocol):
    """Tells operators."""

    async def fire(self, rule: AlertName, subject: str, message: str) -> None:
        """Raise an alert, once for each rule and subject while it lasts."""
        ...
