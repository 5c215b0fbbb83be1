"""The page of a golden set: confusion matrix, possible boundary, misrouted prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from infra.reporting.histogram import histogram
from infra.reporting.markup import Markup, right_or_wrong, section, table
from infra.reporting.page import page
from infra.reporting.words import between, percent

Document = Mapping[str, Any]


def golden_page(document: Document) -> str:
    """Return the page, from `golden_figures` of `infra.cli.offline.golden_eval` alone."""
    findings = document["findings"]
    return page(
        f"{findings['classifier']} on the golden set",
        f"{findings['n']:,} prompts of {document['source']}, routed without model calls",
        (
            section("Result", *_verdict(document)),
            section("Confusion matrix", _confusion(document)),
            section("Possible boundary", *_boundary(document)),
            section("Misrouted prompts", *_astray(document)),
        ),
        "Intervals of shares hold with 95 % (Clopper and Pearson, Biometrika 1934). The same "
        "numbers are in figures.json beside this page.",
    )


def _verdict(document: Document) -> list[str]:
    findings, tiers = document["findings"], document["tiers"]
    limit = findings["by_bound"]["at_most"]
    low, high = findings["low"], findings["high"]
    share = findings["complex_to_first"]
    result = (
        f"{percent(share)} of the {tiers[-1]} prompts went to {tiers[0]} "
        f"({between((low, high), percent)}); the limit is {percent(limit)}."
    )
    if share > limit:
        verdict = "This is above the limit: the policy fails the check."
    elif high > limit:
        verdict = (
            "The check passes on these prompts. They are too few for a guarantee: the "
            "interval reaches above the limit."
        )
    else:
        verdict = "The check passes, and the whole interval is below the limit."
    return [
        result,
        verdict,
        f"{percent(findings['exact'])} of all prompts went to the expected tier, "
        f"{percent(findings['first_tier_share'])} went to {tiers[0]}.",
    ]


def _confusion(document: Document) -> Markup:
    tiers, confusion = document["tiers"], document["findings"]["confusion"]

    def row(tier: str) -> Sequence[str]:
        went = confusion[tier]
        whole = sum(went.values())
        return (
            f"expected {tier}",
            *(
                right_or_wrong(
                    f"{went[other]:,} ({percent(went[other] / whole if whole else None)})",
                    right=other == tier,
                    wrong=(tier, other) == (tiers[-1], tiers[0]),
                )
                for other in tiers
            ),
            f"{whole:,}",
        )

    heads = ("", *(f"went to {tier}" for tier in tiers), "all")
    return table(heads, [row(tier) for tier in tiers])


def _boundary(document: Document) -> list[str]:
    found, tiers = document["findings"]["by_bound"], document["tiers"]
    if not any(document["scores"].values()):
        return ["Every prompt was routed by a static rule: there are no scores for a boundary."]
    limits = {"the policy's boundaries": document["boundaries"]}
    promise = (
        f"at most {percent(found['at_most'])} of the {tiers[-1]} requests on {tiers[0]}, with "
        f"{percent(found['confidence'])} confidence"
    )
    if found["boundary"] is None:
        text = f"No boundary meets the limit ({promise}): the prompts are too few, or too similar."
    else:
        text = (
            f"A first boundary of {found['boundary']:.3f} meets the limit: "
            f"{promise}. On these prompts it is {percent(found['complex_to_first'])} of them, and "
            f"{percent(found['stays_on_first'])} of all prompts stay on {tiers[0]}. The boundary "
            "was chosen on the prompts that it is measured on, so check it on others."
        )
        limits["the boundary for the limit"] = [found["boundary"]]
    chart = histogram(
        {f"expected {tier}": document["scores"][tier] for tier in tiers},
        x_label="score (0 easy, 1 hard)",
        y_label="prompts",
        title="Distribution of scores",
        limits=limits,
    )
    return [text, chart]


def _astray(document: Document) -> list[str]:
    rows = document["misclassified"]
    if not rows:
        return ["None: every prompt went to the expected tier."]
    return [
        f"{len(rows):,} prompts, sorted by the distance to the expected tier, too low first.",
        table(
            ("prompt", "expected", "went to", "score", "reasons of the classifier"),
            [
                (
                    each["prompt"],
                    each["belongs"],
                    each["went"],
                    "-" if each["score"] is None else f"{each['score']:.3f}",
                    "; ".join(each["reasons"]),
                )
                for each in rows
            ],
            words=(0, 1, 2, 4),
            kind="examples",
        ),
    ]
