"""Kafka's jars: fetched once by jgo from Maven Central, remembered for every later start."""

from __future__ import annotations

import os
from pathlib import Path

from schemas.errors import LocalStackError

KAFKA_ARTIFACT = "org.apache.kafka:kafka_2.13:4.4.0"
_LIST = "kafka-4.4.0.classpath"
_SHOWN = 300

_WAYS_ON = (
    "Two ways on: point Sluice at your own services with SLUICE_KAFKA_BOOTSTRAP_SERVERS and "
    "SLUICE_CLICKHOUSE_URL, or start them with docker compose (docker-compose.yml)."
)


def cache_folder() -> Path:
    """Where the list of jars is kept between starts."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "sluice"


def kafka_classpath(cache: Path | None = None) -> str:
    """The classpath of a Kafka broker; without network from the second call on.

    Raises:
        LocalStackError: the jars are not here and can't be fetched; the message says what failed
            and how to go on.
    """
    remembered = (cache or cache_folder()) / _LIST
    if remembered.is_file():
        jars = remembered.read_text().splitlines()
        if jars and all(Path(jar).is_file() for jar in jars):
            return os.pathsep.join(jars)
    jars = _fetch()
    remembered.parent.mkdir(parents=True, exist_ok=True)
    remembered.write_text("\n".join(jars))
    return os.pathsep.join(jars)


def _fetch() -> list[str]:
    try:
        import jgo  # noqa: PLC0415 - importing it costs a second, only the first start needs it
    except ImportError as error:
        raise LocalStackError(
            f"Kafka's jars can not be fetched, since the extra `local` is not installed "
            f"({error.name} is missing).\n{_WAYS_ON}"
        ) from error

    try:
        environment = jgo.build(KAFKA_ARTIFACT)
    except Exception as error:
        cause = (str(error).splitlines() or [""])[0][:_SHOWN]
        raise LocalStackError(
            f"Kafka's jars ({KAFKA_ARTIFACT}) could not be fetched from Maven Central: "
            f"{type(error).__name__}: {cause}\n{_WAYS_ON}"
        ) from error
    folders = (environment.jars_dir, environment.modules_dir)
    found = [str(jar) for folder in folders if folder for jar in sorted(Path(folder).glob("*.jar"))]
    if not found:
        raise LocalStackError(f"{KAFKA_ARTIFACT} resolved to no jars. {_WAYS_ON}")
    return found
