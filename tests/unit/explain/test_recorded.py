"""Recorded inputs of any shape are described or shown as recorded; none makes `explain` fail."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.explain.calls import causes_of
from infra.explain.decision import decided, hop_steps
from infra.explain.recorded import read_inputs
from infra.explain.timeline import _parts

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
ROW: dict[str, Any] = {
    "score": None, "reasons": [], "pinned_model": "", "artifact": "", "experiment": "",
    "registry_version": "", "classifier": "rules", "decided_tier": "simple",
}  # fmt: skip
KEYS = (
    "candidates", "excluded", "costs", "confidence", "parts", "faults", "chances", "why", "call",
    "verdict", "budgets", "model", "shadow", "look", "found", "probability", "at", "error",
    "opinion", "tier",
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=12,
)
HOPS = st.lists(
    st.fixed_dictionaries({"hop": ANY_JSON, "steps": st.lists(ANY_JSON, max_size=3)}), max_size=2
)
DOCUMENTS = ANY_JSON | st.fixed_dictionaries({"classify": ANY_JSON, "hops": HOPS | ANY_JSON})


def _shown(text: str) -> list[str]:
    inputs = read_inputs(text)
    causes_of(inputs.hops)
    entries = [decided(ROW, inputs.classify), *hop_steps(inputs.hops, {}, BEGUN)]
    return [*inputs.odd, *(f"{each.title} {each.details}" for each in entries)]


@given(DOCUMENTS)
def test_any_json_is_shown(document: Any) -> None:
    assert _shown(json.dumps(document))


@given(st.text(max_size=30))
def test_any_text_is_shown(text: str) -> None:
    assert _shown(text)


@pytest.mark.parametrize("levels", [100, 253, 254, 300, 900, 1_020, 3_000])
@pytest.mark.parametrize(
    "around",
    ["{}", '{{"classify": {}}}', '{{"hops": [{{"hop": 1, "steps": [{{"shadow": {}}}]}}]}}'],
)
def test_deeply_nested_json_is_shown(levels: int, around: str) -> None:
    assert _shown(around.format("[" * levels + "]" * levels))


@pytest.mark.parametrize("levels", [100, 253, 300, 900, 1_020, 3_000])
def test_deeply_nested_details_are_shown(levels: int) -> None:
    assert list(_parts(f'{{"a": {"[" * levels}{"]" * levels}}}'))


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("{", '"{"'),
        ("[1, 2]", "[1,2]"),
        ('{"hops": 7}', "7"),
        ('{"hops": [{"steps": ["odd"]}]}', '"odd"'),
        ('{"hops": [{"steps": [{"at": "noon"}]}]}', '{"at":"noon"}'),
        ('{"classify": ["odd"]}', '["odd"]'),
    ],
)
def test_records_of_another_shape_are_shown_as_recorded(stored: str, shown: str) -> None:
    assert read_inputs(stored).odd == (shown,)


def test_a_known_step_with_malformed_fields_is_shown_as_recorded() -> None:
    shown = _shown('{"hops": [{"hop": 1, "steps": [{"shadow": 5}]}]}')

    assert any("shadow=5" in each for each in shown)


def test_a_step_as_workers_record_it_is_known() -> None:
    steps = [{"shortlist": [], "at": 1_767_225_600_000}]
    found = read_inputs(orjson.dumps({"hops": [{"hop": 1, "steps": steps}]}).decode())
    assert found.odd == ()
    assert [step.document for step in found.hops[0].steps] == steps
