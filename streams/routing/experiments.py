"""Assignment of requests to experiments and arms, by a keyed hash of the user.

Invariants: a user stays in an arm across workers, restarts and registry reloads. Experiments assign
users independently of each other. A growing arm or share only gains users. A request without a user
id has no arm. A request is in at most one experiment, the first by name that includes its user.
"""

from __future__ import annotations

from dataclasses import dataclass

from streams.routing.draws import draw, weighted_choice
from streams.routing.snapshot import Experiment, RegistrySnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmAssignment:
    """An arm, the probability (0..1) of being in it, the draw of the experiment, and the snapshot
    of the arm.
    """

    experiment: str
    arm: str
    probability: float
    draw: float
    snapshot: RegistrySnapshot


def assign(
    snapshot: RegistrySnapshot, *, tenant: str, user_id: str | None, feature: str | None
) -> ArmAssignment | None:
    """Return the arm of this user, or `None` if no experiment includes the request."""
    if user_id is None:
        return None
    for experiment in snapshot.experiments:
        if not _concerns(experiment, tenant, feature):
            continue
        user = f"experiment/{experiment.name}/{tenant}/{user_id}"
        drawn = draw(f"{user}/share")
        if drawn < experiment.share:
            return _chosen(experiment, user, drawn)
    return None


def _concerns(experiment: Experiment, tenant: str, feature: str | None) -> bool:
    return (not experiment.tenants or tenant in experiment.tenants) and (
        not experiment.features or feature in experiment.features
    )


def _chosen(experiment: Experiment, user: str, drawn: float) -> ArmAssignment:
    name = weighted_choice(user, [(arm.name, arm.weight) for arm in experiment.arms])
    arm = next(each for each in experiment.arms if each.name == name)
    whole = sum(each.weight for each in experiment.arms)
    return ArmAssignment(
        experiment=experiment.name,
        arm=arm.name,
        probability=round(experiment.share * arm.weight / whole, 6),
        draw=drawn,
        snapshot=arm.snapshot,
    )
