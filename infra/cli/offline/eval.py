"""`sluice eval`: measure a classifier or a cascade on labelled answers or on a golden set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from infra.cli.arguments.columns import columns_of
from infra.cli.arguments.operating_point import Aim, choice_of, in_words
from infra.cli.arguments.values import Number, OutFolder
from infra.cli.output.screen import notes, print_json, print_table

if TYPE_CHECKING:
    from infra.reporting.judged import JudgedClassifier
    from streams.offline.training.examine import Choice, Examination
    from streams.offline.training.labels import Labels

PATH = click.Path(path_type=Path)


@click.command("eval")
@click.option("--data", type=PATH, help="Labelled answers: JSON lines, plain or gzip.")
@click.option("--weak", help="The cheap model, by its name in the file.")
@click.option("--strong", help="The expensive model, by its name in the file.")
@click.option("--classifier", metavar="NAME[:ARTIFACT]", help="[learned; --golden: the policy's]")
@click.option("--cascade", metavar="NAME[:ARTIFACT]", help="Decide after the weak answer.")
@click.option("--folds", type=click.IntRange(2, 50), help="Fit `learned` without each fold.")
@click.option(
    "--folds-by", metavar="FIELD",
    help="Fit `learned` without each value of this field instead (leave groups out).",
)  # fmt: skip
@click.option(
    "--column", "columns", multiple=True, metavar="NAME=FIELD",
    help="Name of a field in the file: prompt, weight, score.MODEL or text.MODEL.",
)  # fmt: skip
@click.option("--labels", type=click.IntRange(20), help="Maximum labels of each fit.")
@click.option("--bar", type=Number(0, 1), default=0.5, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the resampling.")
@click.option("--golden", metavar="FILE", help="A golden set, or `shipped` for the included one.")
@click.option("--registry", type=PATH, help="Registry of --golden.  [the local one]")
@click.option(
    "--artifact", "artifacts", multiple=True, type=PATH,
    help="A learned artifact of the policy of --golden, or a folder of artifacts.",
)  # fmt: skip
@click.option(
    "--at-most", type=Number(0, 1), default=0.10, show_default=True,
    help="Share of complex prompts on the first tier above which --golden fails.",
)  # fmt: skip
@click.option(
    "--choose", type=Aim(), metavar="AIM=VALUE",
    help="Print the boundary, or threshold: bound=0.10, quality=0.9, cost=0.002 (USD per request).",
)  # fmt: skip
@click.option("--report", type=OutFolder(), metavar="DIR", help="Write a report page with charts.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(
    *,
    data: Path | None,
    weak: str | None,
    strong: str | None,
    classifier: str | None,
    cascade: str | None,
    folds: int | None,
    folds_by: str | None,
    columns: tuple[str, ...],
    labels: int | None,
    bar: float,
    seed: int,
    golden: str | None,
    registry: Path | None,
    artifacts: tuple[Path, ...],
    at_most: float,
    choose: tuple[str, float] | None,
    report: Path | None,
    as_json: bool,
) -> None:
    """Measure a classifier between a weak and a strong model, or on a golden set.

    --golden routes prompts by a registry's policy. --classifier sets another classifier; for your
    own artifact use --classifier learned:FILE (or learned:HASH, once it is published).

    Classifiers: rules, article-4, article-ex1, length, random, learned, hybrid; learned:default is
    the included artifact. Cascades: checks, article, learned. APGR is the area under the recovered
    share of the gap, over the share of strong calls: 0.5 is random choice (RouteLLM, arXiv
    2406.18665).

    --choose prints the registry setting for a goal: bound is the share of the rows that need the
    strong model and may stay on the weak one, with 95 % confidence; quality is the minimum mean
    score, with the same confidence; cost is the maximum cost. --report writes index.html, a
    self-contained page, and figures.json.
    """
    if (data is None) == (golden is None):
        raise click.UsageError("give one of --data and --golden")
    if golden is not None:
        from infra.cli.offline.golden_eval import examine_golden

        examine_golden(
            golden,
            classifier=classifier,
            registry=registry,
            artifacts=artifacts,
            at_most=at_most,
            report=report,
            as_json=as_json,
        )
        return
    if data is None or weak is None or strong is None:
        raise click.UsageError("--data needs --weak and --strong")
    from streams.offline.training.examine import Examination
    from streams.offline.training.labels import read_labels
    from streams.offline.training.preferences import CASCADE_NAMES, CLASSIFIER_NAMES

    if folds is not None and folds_by is not None:
        raise click.UsageError("give one of --folds and --folds-by")
    rows = read_labels(data, (weak, strong), columns_of(columns, folds_by))
    wanted = Examination(
        weak=weak,
        strong=strong,
        classifier=_choice(classifier or "learned", CLASSIFIER_NAMES, "--classifier"),
        cascade=None if cascade is None else _choice(cascade, CASCADE_NAMES, "--cascade"),
        folds=folds,
        by_groups=folds_by is not None,
        most_labels=labels,
        bar=bar,
        seed=seed,
    )
    judged = _judged(wanted, rows)
    if report is not None:
        _write(judged, data.name, report)
    document = {
        "classifier": wanted.classifier.name,
        "cascade": wanted.cascade.name if wanted.cascade else None,
        "folds": wanted.folds if folds_by is None else folds_by,
        **judged.measured.as_document(),
    }
    if choose is not None:
        document["choice"] = choice_of(judged, *choose)
    if as_json:
        print_json(document)
        return
    print_table(
        ("figure", "value"),
        [(name, value) for name, value in document.items() if not isinstance(value, dict)],
    )
    if choose is not None:
        notes.print(in_words(document["choice"]))


def _choice(text: str, known: tuple[str, ...], option: str) -> Choice:
    from streams.offline.training.examine import Choice

    chosen = Choice.of(text)
    if chosen.name not in known:
        raise click.BadParameter(f"one of {', '.join(known)}", param_hint=option)
    return chosen


def _judged(wanted: Examination, rows: Labels) -> JudgedClassifier:
    from infra.cli.output.progress import progress_bar
    from infra.reporting.judged import judge

    if wanted.folds is None:
        return judge(wanted, rows, lambda: None)
    with progress_bar("folds", wanted.folds) as advance:
        return judge(wanted, rows, advance)


def _write(judged: JudgedClassifier, source: str, folder: Path) -> None:
    from infra.reporting.judged import figures_of
    from infra.reporting.judged_page import judged_page
    from infra.reporting.page import write_report

    figures = figures_of(judged, source)
    notes.print(f"wrote {write_report(folder, judged_page(figures), figures)}")
