"""`make bench`: figures beside their goals, as a table and in `results/bench.json`.

Each is a ratio to something measured in the same run, or also given in steps of the calibration
loop. `python -m tests.bench compare|growth|page` are separate commands.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable

from infra.cli.output.screen import notes
from schemas.errors import SluiceError
from tests.bench import compare, growth, page
from tests.bench.calibration import calibrate
from tests.bench.decisions import measure_decisions
from tests.bench.figures import Figure, keep, show
from tests.bench.gateways.beside_others import QUICK_BESIDE, measure_beside_others
from tests.bench.gateways.speed import QUICK_GATEWAY, GatewaySize, measure_gateway
from tests.bench.hot_reload import measure_hot_reload
from tests.bench.judgement.trained import measure_gate, measure_learned
from tests.bench.judgement.untrained import measure_untrained
from tests.bench.limits import measure_limits
from tests.bench.prompts import data_folder
from tests.bench.replay_proof import measure_proof
from tests.bench.replay_speed import measure_replay
from tests.bench.replay_truth import measure_truth
from tests.bench.sink_rate import SinkSize, measure_sink
from tests.bench.worker_probe import QUICK, Size
from tests.bench.worker_speed import measure_worker

COMMANDS = {"compare": compare.main, "growth": growth.main, "page": page.main}
GATEWAYS = "gateways"
"""A part that is measured only when it is named: it needs gateways of others."""
PARTS = ("decisions", "hot", "limits", "worker", "gateway", "sink", "replay", "truth")
ON_RECORDED = {"judgement": measure_untrained, "learned": measure_learned, "gate": measure_gate}
"""Parts that need `BENCH_DATA`; run if it is given, or by name."""

QUICK_SINK = SinkSize(requests=75_000, seconds=15.0)


def main() -> int:
    """Run what is named, or all."""
    if sys.argv[1:] and sys.argv[1] in COMMANDS:
        return COMMANDS[sys.argv[1]](sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--quick", action="store_true", help="small sizes, for a first look")
    parser.add_argument(
        "parts",
        nargs="*",
        default=[],
        help=f"{', '.join((*PARTS, *ON_RECORDED))}; all unless named; "
        "and gateways, which needs `make bench-gateways`",
    )
    chosen = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    step_us = calibrate()
    notes.print(f"one step of the calibration loop took {step_us:.3g} us of CPU")
    wanted = chosen.parts or [*PARTS, *(ON_RECORDED if data_folder() else ())]
    figures: list[Figure] = []
    try:
        for part in wanted:
            notes.print(f"measuring: {part}")
            figures += _measure(part, quick=chosen.quick)
    except SluiceError as error:
        notes.print(f"error: {error}", markup=False)
        return 1
    show(figures, step_us)
    data = "recorded prompts" if data_folder() else "our sample workload"
    keep(figures, step_us, data=data)
    return 0


def _measure(part: str, *, quick: bool) -> list[Figure]:
    if part in ON_RECORDED:
        folder = data_folder()
        if folder is None:
            raise SystemExit(f"{part} needs recorded sets: BENCH_DATA=DIR")
        return ON_RECORDED[part](folder)
    measures: dict[str, Callable[[], list[Figure]]] = {
        "decisions": measure_decisions,
        "hot": measure_hot_reload,
        "limits": measure_limits,
        "worker": lambda: measure_worker(QUICK if quick else Size()),
        "gateway": lambda: measure_gateway(QUICK_GATEWAY if quick else GatewaySize()),
        GATEWAYS: lambda: measure_beside_others(QUICK_BESIDE if quick else GatewaySize()),
        "sink": lambda: measure_sink(QUICK_SINK if quick else SinkSize()),
        "replay": measure_replay,
        "truth": lambda: [*measure_truth(), *measure_proof()],
    }
    if part not in measures:
        raise SystemExit(f"nothing to measure is called {part}")
    return measures[part]()


if __name__ == "__main__":
    sys.exit(main())
