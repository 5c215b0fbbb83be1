"""Price check: every model under a blocking budget needs a price, else its calls would be free."""

from __future__ import annotations

from streams.providers.pricing.price_list import PriceBook
from streams.registry.document.problems import InvalidRegistryError, Problem
from streams.routing.snapshot import RegistrySnapshot


def refuse_unpriced(snapshot: RegistrySnapshot, name: str, prices: PriceBook | None = None) -> None:
    """Check that every model under a downgrading or rejecting budget has a price today.

    Raises:
        RegistryError: some have none; the error names all of them.
    """
    binding = [budget for budget in snapshot.budgets if budget.binds]
    if not binding:
        return
    book = prices or PriceBook()
    problems = []
    for model in snapshot.models.values():
        concerned = [
            budget.meter.name
            for budget in binding
            if model.name in budget.meter.match.get("model", (model.name,))
        ]
        if concerned and book.quote(model) is None:
            problems.append(
                Problem(
                    path=f"models.{model.name}.price",
                    message=f"required, because its calls count against budgets.{concerned[0]}, "
                    f"and there is no list price; set models.{model.name}.price",
                )
            )
    if problems:
        raise InvalidRegistryError(name, problems)
