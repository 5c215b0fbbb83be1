"""How often a projection's interval contains the true value, on recorded answers (`BENCH_DATA`).

Five policies and fifty random ones, over several draws of the shadow calls of two live registries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from infra.cli.output.screen import notes
from streams.offline.evaluation.bands import Interval
from streams.offline.replay.cases import Step
from streams.offline.replay.estimates.comparison import between
from streams.offline.replay.estimates.estimation import Estimated
from streams.offline.replay.estimates.table import CaseTable
from streams.routing.snapshot import RegistrySnapshot
from tests.bench.figures import Figure
from tests.bench.prompts import recorded_file
from tests.rig.known_traffic import (
    FIVE,
    Prompt,
    Traffic,
    random_policy,
    recorded_prompts,
    registry,
)

LIVE = {
    "most on the strong": "classifier: rules\n  boundaries: [0.2, 0.46]",
    "spread": "classifier: rules\n  boundaries: [0.5, 0.999]",
}
REGISTRIES, SEEDS = 50, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Shares 0..1 of the random registries whose interval contains the true value, a seed each; of
    the seeds that rank the five policies right by cost and by quality; and of pairs of the five by
    quality (`sluice replay diff`): intervals that exclude zero, those of them in the right order,
    differences within their interval.
    """

    cost: tuple[float, ...]
    quality: tuple[float, ...]
    ranked_cost: float
    ranked_quality: float
    told_apart: float
    rightly: float
    difference: float


def measure_truth(seeds: int = SEEDS) -> list[Figure]:
    """Coverage and ranking for each live registry; nothing without recorded answers."""
    file = recorded_file()
    if file is None:
        notes.print("replay-truth needs recorded answers: BENCH_DATA=DIR")
        return []
    prompts = recorded_prompts(file)
    found = []
    for name, policy in LIVE.items():
        held = hold(prompts, registry(policy), range(seeds))
        found += [
            _figure(f"{what}, live: {name}", value, goal)
            for what, value, goal in (
                ("cost in its interval", float(np.mean(held.cost)), 90.0),
                ("quality in its interval", float(np.mean(held.quality)), 90.0),
                ("seeds with 90 % of costs in it", _reached(held.cost), None),
                ("seeds with 90 % of qualities in it", _reached(held.quality), None),
                ("five ranked right by cost", held.ranked_cost, None),
                ("five ranked right by quality", held.ranked_quality, None),
                ("pairs of the five told apart by quality", held.told_apart, None),
                ("of those, in the right order", held.rightly, 95.0),
                ("difference of a pair in its interval", held.difference, 90.0),
            )
        ]
    return found


def hold(prompts: Sequence[Prompt], live: RegistrySnapshot, seeds: Sequence[int]) -> Held:
    """Project drawn registries and the five, for every seed of the shadow draws."""
    drawn = [
        registry(policy, shadow=False, prices=prices)
        for policy, prices in map(random_policy, range(REGISTRIES))
    ]
    five = [registry(policy, shadow=False) for policy in FIVE.values()]
    base = Traffic(prompts, live, 0)
    ways = {each.version: base.ways(each) for each in (*drawn, *five)}
    truth = {each.version: base.true_means(each, ways[each.version]) for each in (*drawn, *five)}
    costs, qualities, by_cost, by_quality = [], [], [], []
    pairs: list[Pair] = []
    for seed in seeds:
        traffic = Traffic(prompts, live, seed)
        known = {
            each.version: traffic.estimated(each, ways[each.version]) for each in (*drawn, *five)
        }
        found = {version: projection for version, (projection, _, _) in known.items()}
        names = [each.version for each in drawn]
        costs.append(np.mean([_holds(found[n].cost.mean, truth[n][0]) for n in names]))
        qualities.append(np.mean([_holds(found[n].quality.mean, truth[n][1]) for n in names]))
        names = [each.version for each in five]
        by_cost.append(_ranked([found[n].cost.mean for n in names], [truth[n][0] for n in names]))
        by_quality.append(
            _ranked([found[n].quality.mean for n in names], [truth[n][1] for n in names])
        )
        pairs += _pairs({name: known[name][1:] for name in names}, ways, truth)
    return Held(
        cost=tuple(map(float, costs)),
        quality=tuple(map(float, qualities)),
        ranked_cost=float(np.mean(by_cost)),
        ranked_quality=float(np.mean(by_quality)),
        told_apart=share(pair.apart for pair in pairs),
        rightly=share(pair.right for pair in pairs if pair.apart),
        difference=share(pair.held for pair in pairs),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """How much better the second of two policies is: the 95 % interval, and the true difference."""

    low: float
    high: float
    truth: float

    @property
    def apart(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0

    @property
    def right(self) -> bool:
        """Whether the sign of the interval is the true one."""
        return (self.low > 0) == (self.truth > 0)

    @property
    def held(self) -> bool:
        """Whether the interval contains the true difference."""
        return self.low - 1e-9 <= self.truth <= self.high + 1e-9


def _pairs(
    five: Mapping[str, tuple[Estimated, CaseTable]],
    ways: Mapping[str, Sequence[tuple[Step, ...]]],
    truth: Mapping[str, tuple[float, float]],
) -> Iterator[Pair]:
    for one, two in combinations(five, 2):
        (first, table), (second, other) = five[one], five[two]
        stated = between(
            (first.quality, table), (second.quality, other), (ways[one], ways[two]), "score"
        )
        if stated is not None:
            yield Pair(low=stated["low"], high=stated["high"], truth=truth[two][1] - truth[one][1])


def _holds(mean: Interval | None, truth: float) -> bool:
    return mean is not None and mean.low - 1e-9 <= truth <= mean.high + 1e-9


def _ranked(means: Sequence[Interval | None], truth: Sequence[float]) -> bool:
    order = np.argsort([-1.0 if mean is None else mean.value for mean in means])
    return bool((order == np.argsort(truth)).all())


def share(found: Iterable[bool]) -> float:
    """How many of these are so, 0..1."""
    return float(np.mean(list(found)))


def _reached(shares: Sequence[float]) -> float:
    return share(each >= 0.9 for each in shares)


def _figure(name: str, value: float, goal: float | None) -> Figure:
    return Figure(group="replay truth", name=name, value=100 * value, unit="%", at_least=goal)
