"""The page of an examined classifier: gain, cost and errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from infra.reporting.axes import Axis
from infra.reporting.line_chart import Band, ChartMark, Line, line_chart
from infra.reporting.markup import Markup, section, side_by_side, subheading, table
from infra.reporting.page import page
from infra.reporting.reliability_chart import Kept, reliability_chart
from infra.reporting.words import between, percent, score, usd

Document = Mapping[str, Any]

_NAMES = {"length": "prompt length", "random": "random", "oracle": "oracle (knows both scores)"}
_PER = 1_000
_AT_LIST_PRICE = (
    "Costs are mean list prices of today per request, by text length: hidden reasoning "
    "is not counted, and a router that sends longer prompts to the strong model costs more."
)


def judged_page(document: Document) -> str:
    """Return the page, from the document of `infra.reporting.judged` alone."""
    models = document["models"]
    title = f"{document['examined']}: {models['weak']} or {models['strong']}"
    return page(
        title,
        _about(document),
        (
            section("Routing gain", *_gains(document)),
            section("Quality and cost", *_curve_part(document)),
            section("Operating points", *_points_part(document)),
            section("Calibration", *_reliability_part(document)),
            section("Largest routing errors", *_examples_part(document)),
        ),
        "Intervals hold with 95 %, from resampled rows (bootstrap), or Clopper and Pearson for "
        "shares of a bin. The same numbers are in figures.json beside this page.",
    )


def _about(document: Document) -> str:
    folds, most = document["folds"], document["most_labels"]
    fitted = f", fitted without each of {folds} folds" if folds else ""
    labels = f" on at most {most:,} labels" if folds and most else ""
    return f"{document['figures']['n']:,} labelled requests of {document['source']}{fitted}{labels}"


def _gains(document: Document) -> list[str]:
    figures, models = document["figures"], document["models"]
    apgr, bounds = figures["apgr"], figures["intervals"]["apgr"]
    texts = [
        f"{models['weak']} alone scores {score(figures['weak'])}, {models['strong']} alone "
        f"{score(figures['strong'])}. Over all shares of strong calls, {document['examined']} "
        f"recovers {score(apgr)} of that gap on average ({between(bounds)}); random choice "
        f"recovers half of it.",
    ]
    texts += [_held_against(name, found) for name, found in document["more_than"].items()]
    auroc = figures["auroc"]
    if auroc is not None:
        texts.append(
            f"In {percent(auroc)} of all pairs of a good and a bad answer of {models['weak']}, the "
            f"bad one has the higher score for {models['strong']} (AUROC {score(auroc)}; random: "
            f"0.500). Good is a score of {document['bar']:g} or more."
        )
    return texts


def _held_against(name: str, found: Mapping[str, float]) -> str:
    value, bounds = found["value"], (found["low"], found["high"])
    against = _NAMES[name]
    if bounds[0] > 0:
        verdict = f"It is better than {against}"
    elif bounds[1] < 0:
        verdict = f"It is worse than {against}"
    else:
        verdict = f"These rows show no difference from {against}"
    return f"{verdict}: {value:+.3f} ({between(bounds)})."


def _curve_part(document: Document) -> list[str]:
    curves = document["curves"]
    if curves["examined"]["cost"] is None:
        parts: list[str] = [
            _chart(document, by_cost=False),
            "No cost curve: the price list does not have one of the two models by its "
            "name in the file.",
        ]
    else:
        both = (_chart(document, by_cost=by_cost) for by_cost in (False, True))
        parts = [side_by_side(*both)]
    rows = [(document["examined"], score(curves["examined"]["apgr"]))]
    rows += [(_NAMES[name], score(curves[name]["apgr"])) for name in _NAMES if name in curves]
    return [*parts, table(("router", "mean recovered share of the gap (APGR)"), rows)]


def _chart(document: Document, *, by_cost: bool) -> Markup:
    curves, figures, models = document["curves"], document["figures"], document["models"]
    shown = {"examined": document["examined"]} | {
        name: label for name, label in _NAMES.items() if name in curves
    }

    def points(name: str, what: str = "quality") -> list[tuple[float, float]]:
        places = curves[name]["cost"] if by_cost else curves["shares"]
        scale = _PER if by_cost else 1
        return [(at * scale, y) for at, y in zip(places, curves[name][what], strict=True)]

    ends = (0.0, 1.0)
    if by_cost:
        ends = (figures["cost"]["weak"] * _PER, figures["cost"]["strong"] * _PER)
    across = [x for name in shown for x, _ in points(name)] + list(ends)
    up = [y for name in shown for _, y in points(name)] + [
        *curves["examined"]["low"], *curves["examined"]["high"]
    ]  # fmt: skip
    x = (
        Axis.around("USD per 1,000 requests", min(across), max(across), _money)
        if by_cost
        else Axis(label="share of strong calls", low=0, high=1, show=percent)
    )
    cascade = document["cascade"] is not None
    paid = " The cascade always pays the weak call." if cascade else ""
    return line_chart(
        x,
        Axis.around("quality (mean score)", min(up), max(up), lambda value: f"{value:.2f}"),
        [Line(name=each, kind=name, points=points(name)) for name, each in reversed(shown.items())],
        bands=[
            Band(
                name="95 % band",
                kind="examined",
                lower=points("examined", "low"),
                upper=points("examined", "high"),
            )
        ],
        marks=[
            ChartMark(name=f"all {models['weak']}", kind="weak", at=(ends[0], figures["weak"])),
            ChartMark(
                name=f"all {models['strong']}", kind="strong", at=(ends[1], figures["strong"])
            ),
        ],
        title="Quality over cost" if by_cost else "Quality over the share of strong calls",
        caption=(_AT_LIST_PRICE + paid) if by_cost else "",
    )


def _points_part(document: Document) -> list[str]:
    def row(point: Mapping[str, Any]) -> Sequence[str]:
        share = point["strong_share"]
        return (
            percent(point["gap"]),
            score(point["quality"]),
            percent(share["value"]),
            f"{percent(share['low'])} to {percent(share['high'])}",
            usd(point["cost"]),
            percent(point["saved_share"]),
        )

    heads = (
        "of the gap",
        "quality",
        "strong calls",
        "95 %",
        "USD per request",
        "saved against all strong",
    )
    points = document["operating_points"]
    middle = next(each for each in points if each["gap"] == 0.80)
    text = (
        f"To recover 80 % of the gap, {percent(middle['strong_share']['value'])} of the requests "
        f"go to {document['models']['strong']}"
    )
    if middle["cost"] is None:
        text += "; the cost is unknown, because a price is missing."
    else:
        more_or_less = "less" if middle["saved_share"] >= 0 else "more"
        text += (
            f", at {usd(middle['cost'])} per request, {percent(abs(middle['saved_share']))} "
            f"{more_or_less} than sending all of them there."
        )
    return [text, table(heads, [row(point) for point in points], words=())]


def _reliability_part(document: Document) -> list[str]:
    bins = document["reliability"]
    if bins is None:
        return [
            f"{document['examined']} ranks requests, but predicts no probability of a good answer, "
            "so there is no calibration to show."
        ]
    ece = document["figures"]["ece"]
    weak = document["models"]["weak"]
    off = sum(
        each["rows"]
        for each in bins
        if not each["observed_bounds"][0] <= each["stated"] <= each["observed_bounds"][1]
    )
    chart = reliability_chart(
        [
            Kept(
                stated=each["stated"],
                observed=each["observed"],
                low=each["observed_bounds"][0],
                high=each["observed_bounds"][1],
                rows=each["rows"],
            )
            for each in bins
        ],
        x_label=f"predicted probability of a good answer by {weak}",
        y_label="share of good answers",
        title="Reliability",
        caption="Above the diagonal the weak model was better than predicted. Larger points "
        "have more requests.",
    )
    return [
        f"Predicted and observed probabilities differ by {score(ece)} on average (ECE). "
        f"{percent(off / document['figures']['n'])} of the requests are in bins whose predicted "
        "probability is outside the interval of the observation.",
        chart,
        table(
            ("predicted", "requests", "mean predicted", "observed", "95 %", "difference"),
            [
                (
                    f"{percent(each['low'])} to {percent(each['high'])}",
                    f"{each['rows']:,}",
                    percent(each["stated"]),
                    percent(each["observed"]),
                    " to ".join(percent(bound) for bound in each["observed_bounds"]),
                    percent(abs(each["stated"] - each["observed"])),
                )
                for each in bins
            ],
        ),
    ]


def _examples_part(document: Document) -> list[str]:
    weak, strong = document["models"]["weak"], document["models"]["strong"]
    kept, sent = document["misjudged"]["kept_cheap"], document["misjudged"]["sent_in_vain"]
    if not kept and not sent:
        return [
            f"None: {document['examined']} has no errors, or gives all requests the same score."
        ]
    return [
        f"Rank is the share of requests with a lower score for {strong}, by "
        f"{document['examined']}. Predicted is the probability of a good answer by {weak}.",
        subheading(f"Kept on the weak model, although {strong} was better"),
        _example_table(kept, weak, strong),
        subheading(f"Sent to the strong model, although {weak} was as good"),
        _example_table(sent, weak, strong),
    ]


def _example_table(rows: Sequence[Mapping[str, Any]], weak: str, strong: str) -> Markup:
    return table(
        ("prompt", "rank", "stated", weak, strong),
        [
            (
                each["prompt"],
                percent(each["rank"]),
                percent(each["stated"]),
                f"{each['weak_score']:g}",
                f"{each['strong_score']:g}",
            )
            for each in rows
        ],
        kind="examples",
    )


def _money(value: float) -> str:
    return f"${value:,.2f}" if value < 100 else f"${value:,.0f}"
