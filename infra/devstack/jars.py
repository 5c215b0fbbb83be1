"""Kafka's jars: downloaded once by jgo from Maven Central, kept for later starts.

Every start verifies each jar by its pinned SHA-256 (`kafka_jars.sha256`), in a tenth of a second. A
jar that differs, or that is not pinned, is not run. `python -m infra.devstack.jars` prints the list
for another version of Kafka.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from schemas.errors import LocalStackError

KAFKA_ARTIFACT = "org.apache.kafka:kafka_2.13:4.4.0"
_LIST = "kafka-4.4.0.classpath"
_PINNED = "kafka_jars.sha256"
_SHOWN = 300

_ALTERNATIVES = (
    "Alternatives: use your own services with SLUICE_KAFKA_BOOTSTRAP_SERVERS and "
    "SLUICE_CLICKHOUSE_URL, or start them with docker compose (docker-compose.yml)."
)


def cache_folder() -> Path:
    """Cache of the list of jars."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "sluice"


def kafka_classpath(cache: Path | None = None, pinned: Mapping[str, str] | None = None) -> str:
    """Return the classpath of a Kafka broker; without network from the second call on. `pinned` are
    the hashes by file name.

    Raises:
        LocalStackError: the jars are not cached and cannot be downloaded, or one differs from its
            pin; the message says what to do.
    """
    jars = _jars(cache or cache_folder())
    _check(jars, pinned_hashes() if pinned is None else pinned)
    return os.pathsep.join(jars)


def pinned_hashes() -> dict[str, str]:
    """Return the SHA-256 of each of Kafka's jars, by file name."""
    text = resources.files("infra.devstack").joinpath(_PINNED).read_text()
    return {name: digest for digest, name in map(str.split, text.splitlines())}


def _jars(cache: Path) -> list[str]:
    remembered = cache / _LIST
    if remembered.is_file():
        jars = remembered.read_text().splitlines()
        if jars and all(Path(jar).is_file() for jar in jars):
            return jars
    jars = _fetch()
    remembered.parent.mkdir(parents=True, exist_ok=True)
    remembered.write_text("\n".join(jars))
    return jars


def _check(jars: Sequence[str], pinned: Mapping[str, str]) -> None:
    for jar in map(Path, jars):
        if pinned.get(jar.name) != _sha256(jar):
            what = "has a hash that differs from" if jar.name in pinned else "is not among"
            raise LocalStackError(
                f"{jar.resolve()} {what} the pinned jars of {KAFKA_ARTIFACT}, so Kafka is not "
                "started. The download may be corrupt: remove the file, and start again. If the "
                f"hash still differs, do not run it.\n{_ALTERNATIVES}"
            )
    missing = sorted(set(pinned) - {Path(jar).name for jar in jars})
    if missing:
        raise LocalStackError(f"jars of {KAFKA_ARTIFACT} are missing: {', '.join(missing)}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch() -> list[str]:
    try:
        import jgo  # noqa: PLC0415 - importing it costs a second, only the first start needs it
    except ImportError as error:
        raise LocalStackError(
            f"cannot download Kafka's jars: the extra `local` is not installed ({error.name} is "
            f"missing); pip install 'sluice[local]'.\n{_ALTERNATIVES}"
        ) from error

    try:
        environment = jgo.build(KAFKA_ARTIFACT)
    except Exception as error:
        cause = (str(error).splitlines() or [""])[0][:_SHOWN]
        raise LocalStackError(
            f"cannot download Kafka's jars ({KAFKA_ARTIFACT}) from Maven Central: "
            f"{type(error).__name__}: {cause}\n{_ALTERNATIVES}"
        ) from error
    folders = (environment.jars_dir, environment.modules_dir)
    found = [str(jar) for folder in folders if folder for jar in sorted(Path(folder).glob("*.jar"))]
    if not found:
        raise LocalStackError(f"{KAFKA_ARTIFACT} resolved to no jars. {_ALTERNATIVES}")
    return found


if __name__ == "__main__":
    for path in sorted(map(Path, _jars(cache_folder())), key=lambda each: each.name):
        print(f"{_sha256(path)}  {path.name}")
