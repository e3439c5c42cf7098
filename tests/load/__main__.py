"""`make bench`: measures ChatFlow on this machine and writes it down.

Without DATABASE_URL and REDIS_URL, on the embedded engine; with both, on those. Each engine's
figures are kept in the same file, so that two runs make one report.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from pathlib import Path

import django

from tests.load import (
    behind_nginx,
    database,
    day,
    fanout,
    first_visit,
    idle,
    posts,
    reads,
    report,
    returning,
)
from tests.load.machine import this_machine
from tests.load.measuring import SCALES, Line, Scale, print_progress
from tests.load.processes import keep_off_the_servers_core, raise_limit_of_open_files
from tests.load.site import Ground, engine, ground
from tests.resilience.servers import PROJECT


async def _measure_calls(ground: Ground, scale: Scale) -> list[Line]:
    from tests.load import calls  # imports models, which need django.setup() first

    return await calls.measure(ground, scale)


WORKLOADS = {
    "calls": _measure_calls,
    "posts": posts.measure,
    "fanout": fanout.measure,
    "reads": reads.measure,
    "idle": idle.measure,
    "returning": returning.measure,
    "database": database.measure,
    "processes": behind_nginx.measure,
    "day": day.measure,
    "first-visit": first_visit.measure,
}
ORDER = ["reference", *WORKLOADS, "activities"]
RESULTS = PROJECT / "docs" / "benchmark.json"
OPEN_FILES = 24_000


def main() -> None:
    wanted = _wanted()
    django.setup()  # the chart is a Django template
    logging.getLogger("picows").setLevel(logging.WARNING)  # otherwise two lines per socket
    if wanted.report:
        report.write(_read(RESULTS), RESULTS.parent)
        return
    keep_off_the_servers_core()
    raise_limit_of_open_files(OPEN_FILES)
    scale = SCALES["tiny" if wanted.tiny else "quick" if wanted.quick else "full"]
    lines = asyncio.run(_measured(wanted.only, scale, wanted.out))
    print(report.as_text(lines))
    if not all(line.is_complete for line in lines):
        sys.exit("Something was lost: see the table.")


def _wanted() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=list(WORKLOADS),
        metavar="posts,fanout",
        help=f"some of {', '.join(WORKLOADS)}",
    )
    parser.add_argument("--quick", action="store_true", help="in three minutes, for a first look")
    parser.add_argument("--tiny", action="store_true", help="that it works at all")
    parser.add_argument("--out", type=Path, help="keep the figures in this file")
    parser.add_argument(
        "--official",
        dest="out",
        action="store_const",
        const=RESULTS,
        help=f"keep them in {RESULTS.relative_to(PROJECT)} and write the report again",
    )
    parser.add_argument("--report", action="store_true", help="only write the report again")
    wanted = parser.parse_args()
    if unknown := set(wanted.only) - WORKLOADS.keys():
        parser.error(f"no workload is called {', '.join(unknown)}")
    return wanted


async def _measured(names: list[str], scale: Scale, out: Path | None) -> list[Line]:
    """Save after each workload, so that an interrupted run loses only the current one."""
    lines: list[Line] = []
    with ground() as prepared:
        for name in names:
            print_progress(f"{name} on {engine()}")
            measured = await WORKLOADS[name](prepared, scale)
            if out:
                _keep(measured, scale, out)
            lines += measured
    return lines


def _keep(lines: list[Line], scale: Scale, path: Path) -> None:
    """Replace earlier results of this workload and engine, and keep all others."""
    results = _read(path)
    mine = results["engines"].setdefault(engine(), {"lines": [], "scales": {}})
    replaced = {line.workload for line in lines}
    kept = [line for line in mine["lines"] if line["workload"] not in replaced]
    mine["lines"] = sorted(
        kept + [line.as_json() for line in lines], key=lambda line: ORDER.index(line["workload"])
    )
    mine["scales"] |= dict.fromkeys(replaced, scale.name)
    mine["machine"] = this_machine()
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    if path == RESULTS:
        report.write(results, path.parent)


def _read(path: Path) -> dict:
    return json.loads(path.read_text()) if path.exists() else {"engines": {}}


if __name__ == "__main__":
    main()
