"""`sluice eval --golden`: check of a policy on a golden set, for use in CI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from infra.cli.output.errors import FoundProblemsError
from infra.cli.output.screen import notes, print_json, print_table
from infra.devstack.artifact_source import artifact_source
from infra.devstack.registry import local_registry
from infra.policy_variants import with_classifier
from infra.reporting.golden_page import golden_page
from infra.reporting.markup import excerpt
from infra.reporting.page import write_report
from infra.settings import InfraSettings
from infra.workload.golden import GoldenPrompt, golden_file, read_golden
from schemas.request import read_request
from streams.offline.evaluation.bounds import share_interval, threshold_by_bound
from streams.offline.training.examine import Choice
from streams.registry.artifacts import HASH, load_artifact
from streams.registry.version import load_registry, parse_registry
from streams.routing.assessment import CLASSIFIER_NAMES, boundaries_of
from streams.routing.decision import DecisionContext, RoutingRequest, decide
from streams.routing.snapshot import RegistrySnapshot

SHIPPED = "shipped"
_NOW = DecisionContext(now=0, time_left_ms=600_000)
_LOCAL = "http://127.0.0.1:8089"


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """A golden prompt: expected tier, actual tier with reasons, and score 0..1 (`None`: static)."""

    prompt: GoldenPrompt
    belongs: str
    went: str
    score: float | None
    reasons: tuple[str, ...]


def examine_golden(
    golden: str,
    *,
    classifier: str | None,
    registry: Path | None,
    artifacts: Sequence[Path] = (),
    at_most: float,
    report: Path | None,
    as_json: bool,
) -> None:
    """Route every golden prompt, print the result, and write a page on request.

    Raises:
        FoundProblemsError: more than `at_most` of the last tier's prompts went to the first.
        GoldenSetError: the file is unusable.
        RegistryError: the registry does not validate.
        ReportError: the page could not be written.
    """
    snapshot = _snapshot(registry, classifier, artifacts)
    path = golden_file() if golden == SHIPPED else Path(golden)
    routed = [_route(each, snapshot) for each in read_golden(path, tiers=snapshot.tiers)]
    document = findings(routed, snapshot, at_most)
    if report is not None:
        figures = golden_figures(document, path.name, snapshot, routed)
        notes.print(f"wrote {write_report(report, golden_page(figures), figures)}")
    if as_json:
        print_json(document)
    else:
        rows = [
            (f"expected {tier}", *went.values()) for tier, went in document["confusion"].items()
        ]
        print_table(("", *(f"went to {tier}" for tier in snapshot.tiers)), rows)
        notes.print(
            f"{document['complex_to_first']:.1%} of the {snapshot.tiers[-1]} prompts went to "
            f"{snapshot.tiers[0]} (95 %: {document['low']:.1%} to {document['high']:.1%}); "
            f"{document['exact']:.1%} of all went to the expected tier"
        )
    if document["complex_to_first"] > at_most:
        raise FoundProblemsError(
            f"{document['complex_to_first']:.1%} of the {snapshot.tiers[-1]} prompts went to the "
            f"first tier; the limit is {at_most:.1%}"
        )


def findings(routed: list[Routed], snapshot: RegistrySnapshot, at_most: float) -> dict[str, Any]:
    """Return the confusion matrix, the share of the last tier's prompts on the first with its
    interval, and the boundary that meets a bound.
    """
    tiers = snapshot.tiers
    confusion = {
        tier: {
            other: sum(each.belongs == tier and each.went == other for each in routed)
            for other in tiers
        }
        for tier in tiers
    }
    hard = sum(confusion[tiers[-1]].values())
    wrong = confusion[tiers[-1]][tiers[0]]
    low, high = share_interval(wrong, hard)
    scored = [each for each in routed if each.score is not None]
    bounded = threshold_by_bound(
        np.array([each.score for each in scored]),
        np.array([each.belongs == tiers[-1] for each in scored]),
        at_most=at_most,
    )
    promises = np.isfinite(bounded.threshold)
    return {
        "classifier": snapshot.policy.classifier,
        "n": len(routed),
        "confusion": confusion,
        "exact": sum(each.belongs == each.went for each in routed) / len(routed),
        "complex_to_first": wrong / hard if hard else 0.0,
        "low": low,
        "high": high,
        "first_tier_share": sum(each.went == tiers[0] for each in routed) / len(routed),
        "by_bound": {
            "at_most": at_most,
            "confidence": 0.95,
            "boundary": bounded.threshold if promises else None,
            "complex_to_first": bounded.complex_share,
            "stays_on_first": bounded.stays,
        },
    }


def golden_figures(
    document: Mapping[str, Any], source: str, snapshot: RegistrySnapshot, routed: Sequence[Routed]
) -> dict[str, Any]:
    """Return the figures of the page: the findings, the scores by tier, and misrouted prompts with
    reasons.
    """
    tiers = snapshot.tiers
    return {
        "kind": "golden",
        "source": source,
        "tiers": list(tiers),
        "boundaries": list(boundaries_of(None, snapshot)),
        "findings": document,
        "scores": {
            tier: [each.score for each in routed if each.belongs == tier and each.score is not None]
            for tier in tiers
        },
        "misclassified": [
            {
                "id": each.prompt.id,
                "category": each.prompt.category,
                "prompt": excerpt(each.prompt.text),
                "belongs": each.belongs,
                "went": each.went,
                "score": each.score,
                "reasons": list(each.reasons),
            }
            for each in sorted(routed, key=lambda each: _distance(each, tiers), reverse=True)
            if each.belongs != each.went
        ],
    }


def _distance(routed: Routed, tiers: Sequence[str]) -> tuple[int, int]:
    """Return the distance between expected and actual tier; too low a tier sorts before
    too high.
    """
    steps = tiers.index(routed.belongs) - tiers.index(routed.went)
    return abs(steps), steps


def _snapshot(
    registry: Path | None, classifier: str | None, files: Sequence[Path]
) -> RegistrySnapshot:
    """Return the examined policy: a file's or the local one, optionally with another classifier."""
    chosen = None if classifier is None else Choice.of(classifier)
    if chosen is not None and chosen.name not in CLASSIFIER_NAMES:
        raise click.BadParameter(f"one of {', '.join(CLASSIFIER_NAMES)}", param_hint="--classifier")
    named = None if chosen is None else chosen.artifact
    digest, own = (None, ()) if named is None else _artifact(named)
    artifacts = artifact_source(InfraSettings(), (*files, *own))
    version = (
        parse_registry(local_registry(_LOCAL), artifacts=artifacts)
        if registry is None
        else load_registry(registry, artifacts)
    )
    if chosen is not None:
        version = with_classifier(version, chosen.name, digest, artifacts)
    return version.snapshot


def _artifact(named: Path) -> tuple[str, tuple[Path, ...]]:
    """Return the hash of an artifact given by file or hash, and its file if any."""
    if HASH.fullmatch(str(named)):
        return str(named), ()
    return load_artifact(named).hash, (named,)


def _route(prompt: GoldenPrompt, snapshot: RegistrySnapshot) -> Routed:
    # The check concerns the policy, so a caller's pin is ignored.
    original = RoutingRequest.of(read_request(dict(prompt.request)), "golden")
    subject = replace(original, model=None, tier=None)
    decision = decide(subject, snapshot, _NOW)
    return Routed(
        prompt=prompt,
        belongs=prompt.tier,
        went=decision.tier,
        score=decision.score,
        reasons=decision.reasons,
    )
