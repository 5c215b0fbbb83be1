"""The structure checks find cycles, repeated class names and sizes in small generated trees."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint.structure.allowances import problems, read_allowances, written
from tests.lint.structure.checks import (
    SIZE_CHECKS,
    check_structure,
    circles_between_files,
    circles_between_packages,
    typing_circles,
)
from tests.lint.structure.definitions import repeated_class_names, signatures
from tests.lint.structure.figures import figures
from tests.lint.structure.source_tree import SourceTree, read_tree


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """A folder of empty lists: nothing is allowed."""
    folder = tmp_path / "lists"
    folder.mkdir()
    for check in SIZE_CHECKS:
        (folder / check.list_name).touch()
    return folder


def tree_of(root: Path, files: dict[str, str]) -> SourceTree:
    """A checkout with these files; each folder becomes a package."""
    for name, text in files.items():
        path = root / "checkout" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        folder = path.parent
        while folder != root / "checkout":
            (folder / "__init__.py").touch()
            folder = folder.parent
    return read_tree(root / "checkout")


def named(circles: list) -> list[str]:  # type: ignore[type-arg]
    return [str(circle) for circle in circles]


def test_two_files_that_import_each_other_are_a_cycle_with_its_import_lines(
    tmp_path: Path, lists: Path
) -> None:
    tree = tree_of(
        tmp_path, {"app/a.py": "from app.b import x\n", "app/b.py": "\nimport app.a\nx = 1\n"}
    )
    assert named(circles_between_files(tree)) == ["app.a -> app.b -> app.a"]
    assert check_structure(tree, lists) == [
        "circle: app.a -> app.b -> app.a",
        "    app/a.py:1: from app.b import x",
        "    app/b.py:2: import app.a",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    from app.a import x\n",
        "from . import a\n",
        "from .a import x\n",
        "try:\n    import app.a\nexcept ImportError:\n    pass\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass\nelse:\n    import app.a\n",
        "from app import a as other\n",
    ],
)
def test_an_import_closes_a_cycle_wherever_and_however_it_is_written(
    tmp_path: Path, text: str
) -> None:
    tree = tree_of(tmp_path, {"app/a.py": "import app.c\nx = 1\n", "app/c.py": "import app.b\n"})
    assert circles_between_files(tree) == []
    tree = tree_of(tmp_path, {"app/b.py": text})
    assert named(circles_between_files(tree)) == ["app.a -> app.c -> app.b -> app.a"]


@pytest.mark.parametrize("guard", ["TYPE_CHECKING", "typing.TYPE_CHECKING"])
def test_an_import_for_type_checkers_alone_is_reported_apart(
    tmp_path: Path, lists: Path, guard: str
) -> None:
    tree = tree_of(
        tmp_path,
        {
            "app/a.py": "import app.b\n",
            "app/b.py": f"import typing\nif {guard}:\n    import app.a\n",
        },
    )
    assert circles_between_files(tree) == []
    assert named(typing_circles(tree)) == ["app.a -> app.b -> app.a"]
    assert check_structure(tree, lists) == []


def test_packages_can_form_a_cycle_where_no_files_do(tmp_path: Path, lists: Path) -> None:
    tree = tree_of(
        tmp_path,
        {
            "app/left/one.py": "import app.right.one\n",
            "app/left/two.py": "",
            "app/right/one.py": "",
            "app/right/deep/two.py": "import app.left.two\n",
        },
    )
    assert circles_between_files(tree) == []
    assert named(circles_between_packages(tree)) == ["app.left -> app.right -> app.left"]
    assert check_structure(tree, lists) == [
        "circle: app.left -> app.right -> app.left",
        "    app/left/one.py:1: import app.right.one",
        "    app/right/deep/two.py:1: import app.left.two",
    ]


def test_packages_inside_a_package_are_compared_with_each_other(tmp_path: Path) -> None:
    tree = tree_of(
        tmp_path,
        {
            "app/inner/left/one.py": "import app.inner.right.one\n",
            "app/inner/left/two.py": "",
            "app/inner/right/one.py": "",
            "app/inner/right/two.py": "import app.inner.left.two\n",
        },
    )
    assert named(circles_between_packages(tree)) == [
        "app.inner.left -> app.inner.right -> app.inner.left"
    ]


def test_a_cycle_between_a_package_and_a_sibling_file_is_found(tmp_path: Path) -> None:
    tree = tree_of(
        tmp_path,
        {
            "app/left/one.py": "import app.beside\n",
            "app/left/two.py": "",
            "app/beside.py": "import app.left.two\n",
        },
    )
    assert named(circles_between_packages(tree)) == ["app.beside -> app.left -> app.beside"]


def test_a_package_that_imports_its_own_modules_is_no_cycle(tmp_path: Path) -> None:
    tree = tree_of(
        tmp_path,
        {
            "app/main.py": "import app.part.one\n",
            "app/part/one.py": "import app.part.base\n",
            "app/part/base.py": "",
        },
    )
    (tmp_path / "checkout/app/part/__init__.py").write_text("from app.part.one import x\n")
    tree = read_tree(tree.root)
    assert circles_between_packages(tree) == []


def test_a_class_name_that_is_defined_twice_is_found_with_its_places(
    tmp_path: Path, lists: Path
) -> None:
    tree = tree_of(
        tmp_path,
        {"app/a.py": "class Same:\n    class Inner: ...\n", "lib/b.py": "\nclass Same: ...\n"},
    )
    assert repeated_class_names(tree) == {"Same": ["app/a.py:1", "lib/b.py:2"]}
    assert check_structure(tree, lists) == [
        "this class name is defined more than once: Same in app/a.py:1, lib/b.py:2"
    ]


def test_tests_and_folders_that_are_no_package_are_left_out(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, {"app/a.py": "class A: ...\n", "tests/a.py": "class A: ...\n"})
    (tmp_path / "checkout/examples").mkdir()
    (tmp_path / "checkout/examples/a.py").write_text("class A: ...\n")
    assert repeated_class_names(read_tree(tree.root)) == {}


def test_a_long_file_and_a_large_folder_are_found(tmp_path: Path, lists: Path) -> None:
    files = {f"app/n{number}.py": "" for number in range(16)}
    tree = tree_of(tmp_path, files | {"app/n1.py": "#\n" * 301, "app/n2.py": "#\n" * 300})
    assert check_structure(tree, lists) == [
        "this file has more than 300 lines: app/n1.py (301)",
        "this folder holds more than 16 Python files: app/ (17)",
    ]


@pytest.mark.parametrize("check", SIZE_CHECKS, ids=lambda check: check.list_name)
def test_an_allowance_without_its_fault_is_refused(
    tmp_path: Path, lists: Path, check: object
) -> None:
    name = check.list_name  # type: ignore[attr-defined]
    (lists / name).write_text("app/gone.py\t400  # the reason\n")
    assert check_structure(tree_of(tmp_path, {"app/a.py": ""}), lists) == [
        f"{name} allows what is not there any more: app/gone.py; remove the entry"
    ]


def test_a_known_fault_is_allowed_up_to_its_value_and_not_beyond() -> None:
    def found(value: int) -> list[str]:
        return problems({"a.py": value}, {"a.py": 350}, what="long", list_name="long.txt")

    assert found(350) == found(310) == []
    assert found(351) == ["long: a.py (351, allowed are 350)"]


def test_a_written_list_allows_exactly_what_it_was_written_for(tmp_path: Path) -> None:
    faults = {"app/a.py": 301, "app/": 17}
    path = tmp_path / "list.txt"
    path.write_text(written(faults))
    assert read_allowances(path) == faults


def test_an_entry_that_is_listed_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("Same\t2\nSame\t3\n")
    with pytest.raises(ValueError, match=r"list\.txt:2: Same is listed twice"):
        read_allowances(path)


@pytest.mark.parametrize("line", ["app/a.py", "app/a.py 301", "app/a.py\tmany"])
def test_an_entry_without_its_number_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(f"{line}\n")
    with pytest.raises(ValueError, match=r"list\.txt:1: write the name, a tab, and a number"):
        read_allowances(path)


def test_parameters_are_counted_without_self_and_dependencies_by_name_or_type(
    tmp_path: Path,
) -> None:
    text = (
        "class A:\n"
        "    def f(self, a, /, b, *c, d: 'int', **e): ...\n"
        "def g(deps): ...\n"
        "async def h(ports: Dependencies | None, x): ...\n"
    )
    found = signatures(tree_of(tmp_path, {"app/a.py": text}))
    assert [(one.name, one.parameters, one.takes_dependencies) for one in found] == [
        ("g", 1, True),
        ("h", 2, True),
        ("f", 5, False),
    ]


def test_the_figures_count_files_and_lines_of_each_package_with_its_sql(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, {"app/part/a.py": "x = 1\ny = 2\n", "app/b.py": "z = 3\n"})
    (tmp_path / "checkout/app/part/q.sql").write_text("SELECT 1\n")
    lines = list(figures(tree))
    assert "| lines in all | 4 |" in lines
    assert "| app | 5 | 4 |" in lines
    assert "| app.part | 3 | 3 |" in lines
