"""Trees of commits: made once, and refused by name if they are not what was committed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.bench.trees import (
    DirtyWorktreeError,
    SetupFailedError,
    UnknownCommitError,
    commit_tree,
)

_AUTHOR = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


def _git(repository: Path, *command: str) -> str:
    done = subprocess.run(
        ["git", *command],
        cwd=repository,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **_AUTHOR},
    )
    return done.stdout.strip()


def _commit(repository: Path, makefile: str) -> str:
    (repository / "Makefile").write_text(makefile)
    (repository / ".gitignore").write_text(".sluice/\nmade\n")
    _git(repository, "add", ".")
    _git(repository, "commit", "--quiet", "--message", "state")
    return _git(repository, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    _git(tmp_path, "init", "--quiet")
    return tmp_path


def test_a_commit_gets_a_tree_of_its_own_that_is_used_again(repository: Path) -> None:
    digest = _commit(repository, "setup:\n\t@echo x >> made\n")
    _commit(repository, "setup:\n\t@false\n")
    first = commit_tree(digest[:8], repository)
    again = commit_tree(digest, repository)
    assert first == again
    assert first.name == digest[:9]
    assert (first.root / "made").read_text() == "x\nx\n"
    assert first.python == first.root / ".venv" / "bin" / "python"


@pytest.mark.parametrize("name", ["ffffffff", "no-such-branch", "", "--all", "HEAD:Makefile"])
def test_an_unknown_commit_is_named(repository: Path, name: str) -> None:
    _commit(repository, "setup:\n")
    with pytest.raises(UnknownCommitError, match="is no commit"):
        commit_tree(name, repository)


@pytest.mark.parametrize("change", ["edit", "add", "move"])
def test_a_changed_worktree_is_refused(repository: Path, change: str) -> None:
    digest = _commit(repository, "setup:\n\t@true\n")
    root = commit_tree(digest, repository).root
    if change == "edit":
        (root / "Makefile").write_text("setup:\n\t@echo other\n")
    elif change == "add":
        (root / "new.py").write_text("")
    else:
        _commit(repository, "setup:\n\t@echo later\n")
        _git(root, "checkout", "--quiet", "--detach", _git(repository, "rev-parse", "HEAD"))
    with pytest.raises(DirtyWorktreeError, match="remove that folder"):
        commit_tree(digest, repository)


def test_a_removed_worktree_is_made_again(repository: Path) -> None:
    digest = _commit(repository, "setup:\n\t@true\n")
    root = commit_tree(digest, repository).root
    subprocess.run(["rm", "-rf", str(root)], check=True)
    assert (commit_tree(digest, repository).root / "Makefile").is_file()


def test_a_failed_setup_is_named_with_its_last_lines(repository: Path) -> None:
    digest = _commit(repository, "setup:\n\t@echo no such package >&2; exit 3\n")
    with pytest.raises(SetupFailedError, match="no such package"):
        commit_tree(digest, repository)
