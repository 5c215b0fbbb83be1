"""`--report` as its users run it: a page and the numbers behind it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from infra.cli.main import sluice
from infra.cli.output.errors import report_faults
from infra.reporting.judged_page import judged_page
from tests.unit.offline.training.world import labels

PAIR = ("--weak", "small", "--strong", "large")
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labels of which every prompt would like to run."""
    path = tmp_path_factory.mktemp("labels") / "labels.jsonl"
    lines = []
    for row in labels(80).rows:
        answers = {
            model: {"score": value, "text": row.texts[model]} for model, value in row.scores.items()
        }
        lines.append(orjson.dumps({"prompt": f"{EVIL} {row.prompt} " * 20, "answers": answers}))
    path.write_bytes(b"\n".join(lines))
    return path


def _report(folder: Path, *arguments: str) -> tuple[str, dict[str, Any]]:
    assert report_faults(sluice, ["eval", *arguments, "--report", str(folder)]) == 0
    return (folder / "index.html").read_text(), json.loads((folder / "figures.json").read_bytes())


def test_a_classifier_gets_a_page_with_all_its_parts(data: Path, tmp_path: Path) -> None:
    html, figures = _report(tmp_path, "--data", str(data), *PAIR, "--classifier", "rules")

    assert EVIL not in html
    assert "&lt;script&gt;" in html
    headings = ("Routing gain", "Quality and cost", "Operating points", "Largest routing errors")
    assert all(f"<h2>{each}</h2>" in html for each in headings)
    assert set(figures["curves"]) == {"shares", "examined", "length", "random", "oracle"}
    assert [each["gap"] for each in figures["operating_points"]] == [0.25, 0.5, 0.8, 0.95]
    assert sum(each["rows"] for each in figures["reliability"]) == figures["figures"]["n"] == 80
    assert all(
        len(each["prompt"]) <= 300
        for kind in ("kept_cheap", "sent_in_vain")
        for each in figures["misjudged"][kind]
    )


def test_the_curves_end_at_all_weak_and_all_strong(data: Path, tmp_path: Path) -> None:
    _, figures = _report(tmp_path, "--data", str(data), *PAIR, "--classifier", "rules")

    for name in ("examined", "length", "random", "oracle"):
        quality = figures["curves"][name]["quality"]
        assert quality[0] == pytest.approx(figures["figures"]["weak"], abs=1e-5)
        assert quality[-1] == pytest.approx(figures["figures"]["strong"], abs=1e-5)
    best = figures["curves"]["oracle"]["quality"]
    assert all(a >= b - 1e-6 for a, b in zip(best, figures["curves"]["examined"]["quality"],
                                             strict=True))  # fmt: skip


@pytest.mark.parametrize("name", ["length", "random"])
def test_a_classifier_is_not_compared_with_itself_and_may_have_no_probability(
    data: Path, tmp_path: Path, name: str
) -> None:
    html, figures = _report(tmp_path, "--data", str(data), *PAIR, "--classifier", name)

    assert name not in figures["curves"]
    assert name not in figures["more_than"]
    assert figures["reliability"] is None
    assert "predicts no probability" in html


def test_what_has_no_list_price_has_no_cost(data: Path, tmp_path: Path) -> None:
    html, figures = _report(tmp_path, "--data", str(data), *PAIR, "--classifier", "rules")

    assert figures["curves"]["examined"]["cost"] is None
    assert {each["cost"] for each in figures["operating_points"]} == {None}
    assert "No cost curve" in html


@pytest.fixture(scope="module")
def priced(data: Path) -> Path:
    """The same labels under models with a list price."""
    path = data.with_name("priced.jsonl")
    path.write_bytes(
        data.read_bytes().replace(b'"small"', b'"gpt-4o-mini"').replace(b'"large"', b'"gpt-4o"')
    )
    return path


def test_a_cascade_pays_the_weak_call_every_time(priced: Path, tmp_path: Path) -> None:
    pair = ("--weak", "gpt-4o-mini", "--strong", "gpt-4o", "--classifier", "rules")
    html, figures = _report(tmp_path, "--data", str(priced), *pair, "--cascade", "article")
    each, costs = figures["figures"]["cost"], figures["curves"]["examined"]["cost"]

    assert costs[0] == pytest.approx(each["weak"], rel=1e-4)
    assert costs[-1] == pytest.approx(each["weak"] + each["strong"], rel=1e-4)
    assert figures["curves"]["length"]["cost"][-1] == pytest.approx(each["strong"], rel=1e-4)
    assert "always pays the weak call" in html
    assert html.count('role="img"') == 3


def test_the_page_depends_on_its_numbers_only(priced: Path, tmp_path: Path) -> None:
    pair = ("--weak", "gpt-4o-mini", "--strong", "gpt-4o", "--classifier", "rules")
    html, figures = _report(tmp_path, "--data", str(priced), *pair)

    assert judged_page(figures) == html


def test_a_golden_set_gets_its_page(tmp_path: Path) -> None:
    path = tmp_path / "golden.jsonl"
    lines: list[dict[str, Any]] = [
        {"tier": "simple", "prompt": "What is the capital of France?"},
        {"tier": "complex", "prompt": f"Hi {EVIL}"},
    ]
    path.write_bytes(b"\n".join(orjson.dumps(line) for line in lines))
    golden = ("--golden", str(path), "--classifier", "rules", "--at-most", "1")
    html, figures = _report(tmp_path / "page", *golden)

    assert EVIL not in html
    assert "expected complex" in html
    (astray,) = figures["misclassified"]
    assert astray["belongs"] == "complex" != astray["went"]
    assert astray["reasons"]
    assert all(reason in html for reason in astray["reasons"])


def test_the_page_of_a_golden_set_is_written_even_where_the_check_fails(tmp_path: Path) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_bytes(b'{"tier": "complex", "prompt": "Hi"}')
    command = ["eval", "--golden", str(path), "--classifier", "rules", "--report", str(tmp_path)]

    assert report_faults(sluice, command) == 1
    assert "above the limit" in (tmp_path / "index.html").read_text()
