"""Terminal output of replays: moves as a matrix, figures with intervals and their evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from infra.cli.output.screen import notes, print_table, say
from streams.routing.decision import CODE_VERSION

REFUSED = "(refused)"
_THOUSAND_IN_USD = 1e-6
"""Converts nano-USD per request to USD per thousand requests."""


def show_run(document: Mapping[str, Any]) -> None:
    """Print a run: number of requests, tier moves, cost and quality."""
    tally = document["tally"]
    decided = document["requests"]
    for line in lost(document["gone"]):
        notes.print(line, style="yellow")
    if not decided:
        notes.print(f"run {document['run']}: no request of the range was replayed")
        _say_left_out(tally)
        return
    same, how = document["same"], document["how"]
    say(
        f"run {document['run']}, registry {document['registry']}: {decided:,} requests, "
        f"{same:,} start on the same tier ({same / decided:.1%})"
    )
    say("decisions: " + ", ".join(f"{count:,} {name}" for name, count in how.items()))
    _matrix("first tier", document["tier_moves"])
    _matrix("first model", document["model_moves"])
    _figures(document)
    _say_left_out(tally)
    if "executed" in document:
        _executed(document["executed"])
    notes.print(
        f"{tally['decided']:,} decided now in {document['seconds']:.1f} s, {tally['before']:,} "
        f"earlier. Next: sluice replay diff A B, sluice replay promote {document['run']}",
        style="dim",
    )


def lost(gone: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the deleted part of the log, a line per partition."""
    return [
        f"deleted from the log: {each['requests']:,} requests of {each['topic']}, partition "
        f"{each['partition']}, from {_time(each['first_at'])} to {_time(each['last_at'])}; they "
        "are not replayed"
        for each in gone
    ]


def _say_left_out(tally: Mapping[str, Any]) -> None:
    words = {
        "open": "have no outcome in ClickHouse: they are in progress, duplicates, or invalid",
        "undecided": "were rejected or ended before a decision",
        "unreadable": "are no longer readable as requests",
        "old": "have no recorded inputs",
    }
    for name, why in words.items():
        if tally[name]:
            notes.print(f"{tally[name]:,} requests {why}; they are not replayed", style="yellow")
    for version, count in tally["other_code"].items():
        notes.print(
            f"{count:,} requests were decided by code version {version}, the current one is "
            f"{CODE_VERSION}: the current code decides them, so a changed start may be due to the "
            "code",
            style="yellow",
        )


def _matrix(what: str, moves: Sequence[Mapping[str, Any]]) -> None:
    old = list(dict.fromkeys(each["from"] for each in moves))
    new = list(dict.fromkeys(each["to"] for each in moves))
    counts = {(each["from"], each["to"]): each["requests"] for each in moves}
    print_table(
        (f"{what}, was / would", *(name or REFUSED for name in new)),
        [
            (row or "(unknown)", *(f"{counts.get((row, column), 0):,}" for column in new))
            for row in old
        ],
    )


def _figures(document: Mapping[str, Any]) -> None:
    projected, was, change = document["projected"], document["was"], document["change"]
    rows = []
    for name, key, shown, words in _FIGURES:
        figure = projected[key]
        rows.append(
            (name, shown(was[key]), _interval(figure, shown), _interval(change[key], shown),
             verdict(change[key], *words), rests_on(figure["rests_on"]))
        )  # fmt: skip
    print_table(("figure", "was", "would be (95 %)", "change (95 %)", "that is", "rests on"), rows)
    say(f"would escalate to a second model: {projected['goes_on']:.1%}")
    for model, share in document["unscored_draws"].items():
        notes.print(
            f"{share:.0%} of {model}'s drawn answers have no score; treated as missing at random",
            style="yellow",
        )


def _executed(found: Mapping[str, Any]) -> None:
    """Print the result of executed model calls."""
    say(
        f"executed: {found['calls']:,} calls, {found['answered']:,} answers, "
        f"{found['spent_usd']:.6f} USD"
    )
    if found["not_asked_for_want_of_budget"]:
        notes.print(
            f"{found['not_asked_for_want_of_budget']:,} calls exceeded --max-usd", style="yellow"
        )
    for error, count in found["failed"].items():
        notes.print(f"{count:,} calls failed: {error}", style="yellow")
    if not found["has_judge"]:
        notes.print("the registry has no judge: the answers have no scores")
    elif found["gain"] is not None:
        bounds = "" if found["low"] is None else f" ({found['low']:+.3f} to {found['high']:+.3f})"
        say(
            f"judged: {found['score']:.3f}; on {found['compared']:,} requests with an earlier "
            f"score of {found['was_score']:.3f} on average, the change is "
            f"{found['gain']:+.3f}{bounds}"
        )


def rests_on(shares: Mapping[str, float]) -> str:
    """Return shares in words, the largest first."""
    found = sorted(((share, name) for name, share in shares.items() if share > 0), reverse=True)
    return ", ".join(f"{share:.1%} {name}" for share, name in found)


def verdict(change: Mapping[str, Any] | None, less: str, more: str) -> str:
    """Return in a word whether a change differs from none."""
    if change is None or change["mean"] is None:
        return "unknown"
    if change["low"] == change["high"] == 0:
        return "the same"
    if change["low"] <= 0 <= change["high"]:
        return "no difference seen"
    return less if change["high"] < 0 else more


def _interval(figure: Mapping[str, Any] | None, shown: Any) -> str:
    if figure is None or figure["mean"] is None:
        return "unknown"
    return f"{shown(figure['mean'])} ({shown(figure['low'])} to {shown(figure['high'])})"


def _usd(nano: float | None) -> str:
    return "unknown" if nano is None else f"{nano * _THOUSAND_IN_USD:,.4f}"


def _plain(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


_FIGURES = (
    ("USD per 1,000 requests", "cost_nano", _usd, ("cheaper", "dearer")),
    ("quality 0..1", "quality", _plain, ("worse", "better")),
)
"""Rows of the output: name, key, format, and the words for less and more."""


def show_runs(found: Sequence[Mapping[str, Any]]) -> None:
    """Print every run in a line."""
    if not found:
        notes.print("there is no replay yet; run: sluice replay run")
        return
    rows = []
    for run in found:
        summary, spec = run["summary"] or {}, run["spec"]["spec"]
        projected = summary.get("projected") or {}
        rows.append(
            (
                run["run_id"],
                _time(run["opened_at"]),
                spec["registry"],
                f"{run['decided']:,}",
                "done" if run["summary"] else "cut off",
                _interval(projected.get("cost_nano"), _usd),
                _interval(projected.get("quality"), _plain),
            )
        )
    print_table(
        ("run", "opened", "registry", "requests", "state", "USD per 1,000", "quality"), rows
    )


def show_difference(document: Mapping[str, Any]) -> None:
    """Print the differences of the second run."""
    first, second = document["first"], document["second"]
    say(
        f"{document['requests']:,} requests in both; {document['otherwise']:,} would go to "
        "other models"
    )
    _matrix(f"first tier, {first} / {second}", document["tier_moves"])
    rows = []
    for name, key, shown, words in _FIGURES:
        one, two = (each[key] for each in document["projected"])
        change = document["change"][key]
        rows.append(
            (name, _interval(one, shown), _interval(two, shown), _interval(change, shown),
             verdict(change, *words))
        )  # fmt: skip
    print_table(("figure", first, second, "change (95 %)", "that is"), rows)


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
