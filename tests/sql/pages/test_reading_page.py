"""The queries in the documentation run as written."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.client import Client

from tests.rig.doc_blocks import blocks

QUERIES = [
    query.strip()
    for block in blocks("sql")
    if block.reason is None
    for query in block.text.replace("sluice.", "").split(";\n")
    if query.strip()
]


def test_the_pages_have_queries() -> None:
    assert len(QUERIES) >= 4


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.splitlines()[0][3:40])
def test_a_query_of_the_page_runs(tables: Client, query: str) -> None:
    tables.query(query)
