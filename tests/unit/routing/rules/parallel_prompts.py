"""The same prompts in ten languages, written for these tests, with the tier they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "zh", "ja", "hi", "ar")


def _read() -> dict[str, tuple[str, Mapping[str, str]]]:
    lines = Path(__file__).with_suffix(".jsonl").read_bytes().splitlines()
    rows = [orjson.loads(line) for line in lines]
    return {row["name"]: (row["tier"], row["prompts"]) for row in rows}


PARALLEL = _read()
"""By name: where it belongs, and the prompt by language."""
