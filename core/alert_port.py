"""The port through which a worker raises alerts. `AlertLog` publishes them."""

from __future__ import annotations

from typing import Protocol

from schemas.alert_names import AlertName


class Alerts(Protocol):
    """Raises alerts for operators."""

    async def fire(self, rule: AlertName, subject: str, message: str) -> None:
        """Raise an alert, once for each rule and subject while it lasts."""
        ...
