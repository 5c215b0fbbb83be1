"""The differences of two registry versions."""

from __future__ import annotations

from infra.registry_diff import differences


def _words(before: object, after: object) -> list[str]:
    return [each.in_words() for each in differences(before, after)]


def test_equal_documents_do_not_differ() -> None:
    assert _words({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}) == []


def test_changed_added_and_removed_paths_are_distinguished() -> None:
    before = {"policy": {"classifier": "rules", "hops": 3}}
    after = {"policy": {"classifier": "learned", "quality": "best"}}

    assert _words(before, after) == [
        "~ policy.classifier: rules -> learned",
        "- policy.hops: 3",
        "+ policy.quality: best",
    ]


def test_list_items_are_matched_by_name_not_position() -> None:
    one, two = {"name": "one", "weight": 1}, {"name": "two", "weight": 1}

    assert _words({"i": [one, two]}, {"i": [two, {**one, "weight": 5}]}) == [
        "~ i.one.weight: 1 -> 5"
    ]


def test_a_false_value_is_not_an_absent_one() -> None:
    assert _words({"a": None}, {"a": 0}) == ["~ a: null -> 0"]
