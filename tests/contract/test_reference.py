"""The generated pages match the code."""

from __future__ import annotations

import pytest

from infra.reference.__main__ import DOCS
from infra.reference.pages import PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_not_stale(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "run `make docs` and commit the pages"
