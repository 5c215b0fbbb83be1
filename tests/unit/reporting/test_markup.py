"""Any text is escaped to text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.reporting.markup import Markup, excerpt, right_or_wrong, section, subheading, table
from infra.reporting.page import ReportError, page, write_report
from infra.reporting.words import between, percent, score, usd

EVIL = "<script>alert(1)</script>\"'&"


def test_script_is_escaped_everywhere() -> None:
    parts = (
        section(EVIL, EVIL, subheading(EVIL)),
        table((EVIL,), [(EVIL,), (right_or_wrong(EVIL, wrong=True),)]),
    )
    made = page(EVIL, EVIL, parts, EVIL)

    assert "<script" not in made
    assert made.count("&lt;script&gt;") == 10


def test_markup_is_not_escaped() -> None:
    assert "<b>x</b>" in table(("h",), [(Markup("<b>x</b>"),)])


def test_a_page_loads_nothing() -> None:
    made = page("t", "a", (section("s", "p"),), "f")

    assert not [word for word in ("http", "src=", "@import", "url(", "<link") if word in made]


@given(st.text(max_size=2_000))
def test_an_excerpt_is_one_line_of_bounded_length(text: str) -> None:
    found = excerpt(text)

    assert len(found) <= 300
    assert "\n" not in found


def test_a_truncated_excerpt_ends_in_an_ellipsis() -> None:
    assert excerpt("word " * 100).endswith("…")
    assert excerpt("a  b\nc") == "a b c"
    assert excerpt("x" + " " * 5_000 + "y").endswith("…")


def test_figures_in_words() -> None:
    shown = [percent(each).replace("\N{NO-BREAK SPACE}", " ") for each in (0, 0.0512, 0.5, 0.999)]
    assert [*shown, percent(None)] == [
        "0 %", "5.1 %", "50 %", "100 %", "-",
    ]  # fmt: skip
    assert (score(0.61234), score(None)) == ("0.612", "-")
    assert (usd(0.00187), usd(None)) == ("$0.00187", "-")
    assert between((0.1, None)) == "95 %: 0.100 to -"


def test_page_and_figures_are_written_to_a_new_folder(tmp_path: Path) -> None:
    made = write_report(tmp_path / "a" / "b", "<p>", {"n": 1})

    assert made.read_text() == "<p>"
    assert json.loads((made.parent / "figures.json").read_bytes()) == {"n": 1}


def test_a_path_that_is_no_folder_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ReportError, match="another folder"):
        write_report(tmp_path / "file", "", {})
