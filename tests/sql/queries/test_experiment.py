"""The comparison of arms, recomputed in plain Python: by user, with its intervals and verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from math import sqrt
from statistics import fmean

import pytest

from tests.sql.rig.asking import Row, RunQuery, history, quantile, same, time_of
from tests.sql.rig.lives import DAY, HOUR, MODELS, Life, draw_lives
from tests.sql.rig.log import T0

SINCE, UNTIL = T0 + 6 * HOUR, T0 + 9 * DAY
Z = 1.959963984540054
ARMS = ("control", "bold", "bold", "control", "shy")
BETTER_HIGHER = {"feedback", "judge", "confidence"}
UNITS = {"cost": "USD a request", "latency_p50": "ms", "latency_p95": "ms",
         "escalated": "share", "failed": "share"}  # fmt: skip
LEAST = {"requests": "5", "days": "2", "users": "3"}


def _lives() -> list[Life]:
    """Lives whose users stay in their arm; one arm has a single user, one experiment no control,
    and the arm that is first there ended early.
    """
    lives = draw_lives(360, seed=5)
    for life in lives:
        user = life.number % 23
        life.user_id = f"u{user}"
        life.experiment = "thresholds" if user % 4 else "models"
        life.arm = ARMS[user % 5] if user % 4 else ("plain", "zeal")[user % 8 // 4]
        if user == 22:
            life.experiment, life.arm = "thresholds", "lonely"
        elif life.number % 11 == 0 or (life.arm == "plain" and life.number > 200):
            life.experiment = life.arm = None
    return lives


LIVES = _lives()


@pytest.fixture(scope="module")
def run_query(clickhouse: str) -> Iterator[RunQuery]:
    """Runs a query on a database with the history."""
    with history(clickhouse, "arms_of_a_history", LIVES, since=SINCE, until=UNTIL) as put:
        yield put


def _mean_score(life: Life, signal: str) -> float | None:
    """The mean score of the sent answer."""
    sent = MODELS[life.answered_by.tier][0] if life.answered_by else None
    scores = [
        each.score
        for each in life.signals
        if each.signal == signal
        and each.score is not None
        and (each.model == sent if each.model else each.tier in {None, life.hops[-1].tier})
    ]
    return fmean(scores) if scores else None


VALUES: dict[str, Callable[[Life], float | None]] = {
    "feedback": lambda life: _mean_score(life, "feedback"),
    "judge": lambda life: _mean_score(life, "judge"),
    "confidence": lambda life: (
        life.answered_by.confidence if life.answered_by and life.status == "replied" else None
    ),
    "cost": lambda life: None if life.nano is None else life.nano / 1e9,
    "latency_p50": lambda life: life.latency_ms if life.status == "replied" else None,
    "latency_p95": lambda life: life.latency_ms if life.status == "replied" else None,
    "escalated": lambda life: float(len(life.hops) > 1),
    "failed": lambda life: float(life.status != "replied"),
}


def _by_user(lives: list[Life], value: Callable[[Life], float | None]) -> list[list[float]]:
    """Known values of each user with any."""
    users: dict[tuple[str, str], list[float]] = defaultdict(list)
    for life in lives:
        known = value(life)
        if known is not None:
            users[life.tenant, life.user_id].append(known)
    return list(users.values())


def _ratio(users: list[list[float]]) -> tuple[float | None, float | None]:
    """Mean of all values and its error, by the delta method over users."""
    parts = sum(map(len, users))
    if not parts:
        return None, None
    mean = sum(map(sum, users)) / parts
    if len(users) < 2:
        return mean, None
    squares = sum((sum(each) - mean * len(each)) ** 2 for each in users)
    return mean, sqrt(len(users) / (len(users) - 1) * squares) / parts


def _figure(lives: list[Life], measure: str) -> tuple[float | None, float | None, int]:
    users = _by_user(lives, VALUES[measure])
    if not measure.startswith("latency"):
        return *_ratio(users), len(users)
    level = 0.5 if measure == "latency_p50" else 0.95
    values = [value for each in users for value in each]
    if not values:
        return None, None, 0
    at = quantile(values, level)
    _, error = _ratio([[float(value <= at) for value in each] for each in users])
    if error is None:
        return at, None, len(users)
    low, high = (quantile(values, min(max(level + side * Z * error, 0), 1)) for side in (-1, 1))
    return at, (high - low) / (2 * Z), len(users)


def _expected(base_of: Callable[[str], str], least: dict[str, int]) -> list[Row]:
    arms: dict[tuple[str, str], list[Life]] = defaultdict(list)
    for life in LIVES:
        if life.experiment and life.arm and SINCE <= life.ended_at < UNTIL:
            arms[life.experiment, life.arm].append(life)
    rows = []
    for (experiment, arm), lives in arms.items():
        base = base_of(experiment)
        if arm == base or (experiment, base) not in arms:
            continue
        others = arms[experiment, base]
        for measure in VALUES:
            value, error, users = _figure(lives, measure)
            other, other_error, other_users = _figure(others, measure)
            row: Row = {
                "experiment": experiment, "arm": arm, "control": base, "measure": measure,
                "unit": UNITS.get(measure, "score"), "value": value, "control_value": other,
                "difference": None, "low": None, "high": None,
                "requests": len(lives), "control_requests": len(others),
                "users": users, "control_users": other_users,
                "days": min(_days(lives), _days(others)),
            }  # fmt: skip
            if value is not None and other is not None:
                row["difference"] = value - other
                if error is not None and other_error is not None:
                    reach = Z * sqrt(error**2 + other_error**2)
                    row["low"], row["high"] = value - other - reach, value - other + reach
            rows.append(row | {"verdict": _verdict(row, least)})
    return rows


def _days(lives: list[Life]) -> int:
    return len({time_of(life.ended_at).date() for life in lives})


def _verdict(row: Row, least: dict[str, int]) -> str:
    if row["difference"] is None:
        return "unknown"
    if (
        min(row["requests"], row["control_requests"]) < least["requests"]
        or row["days"] < least["days"]
        or min(row["users"], row["control_users"]) < least["users"]
        or row["low"] is None
    ):
        return "sample too small"
    if row["low"] <= 0 <= row["high"]:
        return "no difference seen"
    return "better" if (row["low"] > 0) == (row["measure"] in BETTER_HIGHER) else "worse"


def _default(experiment: str) -> str:
    return "control" if experiment == "thresholds" else "plain"


def _same(found: list[Row], expected: list[Row]) -> None:
    same(found, expected, "experiment", "arm", "measure", rel=1e-7)


def test_the_history_contains_the_hard_cases_of_comparing() -> None:
    rows = _expected(_default, {name: int(value) for name, value in LEAST.items()})
    lonely = [row for row in rows if row["arm"] == "lonely"]

    assert {row["users"] for row in lonely} <= {0, 1, 2}
    assert any(row["low"] is None and row["difference"] is not None for row in lonely)
    assert {row["verdict"] for row in rows} >= {"no difference seen", "sample too small"}
    assert any(life.nano is None for life in LIVES if life.arm)


def test_arms_are_compared_with_their_control_by_user(run_query: RunQuery) -> None:
    least = {name: int(value) for name, value in LEAST.items()}

    _same(run_query("experiment", **LEAST), _expected(_default, least))


def test_by_default_the_sample_is_too_small_below_the_numbers_of_the_article(
    run_query: RunQuery,
) -> None:
    found = run_query("experiment")

    _same(found, _expected(_default, {"requests": 1000, "days": 7, "users": 30}))
    assert {row["verdict"] for row in found} <= {"sample too small", "unknown"}


@pytest.mark.parametrize(
    ("name", "enough", "one_more"), [("days", "9", "10"), ("users", "3", "40")]
)
def test_each_limit_makes_a_sample_too_small(
    run_query: RunQuery, name: str, enough: str, one_more: str
) -> None:
    given = LEAST | {"experiment": "thresholds"}
    cost = [
        next(row for row in run_query("experiment", **given | {name: value}) if
             (row["arm"], row["measure"]) == ("bold", "cost"))
        for value in (enough, one_more)
    ]  # fmt: skip

    assert cost[0]["verdict"] != "sample too small"
    assert cost[1]["verdict"] == "sample too small"


def test_the_control_arm_and_the_experiment_are_parameters(run_query: RunQuery) -> None:
    least = {name: int(value) for name, value in LEAST.items()}

    _same(run_query("experiment", control="bold", **LEAST), _expected(lambda _: "bold", least))
    only = run_query("experiment", experiment="models")
    assert {row["experiment"] for row in only} == {"models"}


def test_worse_and_better_measures_are_named(clickhouse: str) -> None:
    """Two arms whose cost, time and confidence differ beyond chance, in both directions."""
    lives = [life for life in draw_lives(240, seed=8) if life.status == "replied"]
    for life in lives:
        user = life.number % 20
        dear = user % 2
        life.user_id, life.experiment, life.arm = f"u{user}", "x", ("a", "b")[dear]
        life.hops, life.others, life.signals = life.hops[-1:], [], []
        call = life.hops[0].calls[-1]
        life.hops[0].calls = [call]
        call.status, call.late_nano = "ok", None
        call.nano = 1_000_000 + life.number * 100 + dear * 500_000
        life.hops[0].confidence = 0.5 + 0.3 * dear + life.number % 7 / 100
        life.answered_by = life.hops[0]
        life.hops[0].ended_at = life.requested_at + 100 + life.number % 13 + dear * 60
    with history(clickhouse, "arms_that_differ", lives, since=SINCE, until=UNTIL) as put:
        verdicts = {row["measure"]: row["verdict"] for row in put("experiment", **LEAST)}

    assert verdicts == {
        "feedback": "unknown", "judge": "unknown", "confidence": "better", "cost": "worse",
        "latency_p50": "worse", "latency_p95": "worse", "escalated": "no difference seen",
        "failed": "no difference seen",
    }  # fmt: skip
