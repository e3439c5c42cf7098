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

from tests.load import fanout, idle, posts, reads, report, returning
from tests.load.machine import this_machine
from tests.load.measuring import SCALES, Line, Scale, tell
from tests.load.processes import keep_off_the_servers_core, raise_limit_of_open_files
from tests.load.site import engine, ground
from tests.truth.servers import PROJECT

WORKLOADS = {
    "posts": posts.measure,
    "fanout": fanout.measure,
    "reads": reads.measure,
    "idle": idle.measure,
    "returning": returning.measure,
}
ORDER = ["reference", *WORKLOADS]
RESULTS = PROJECT / "docs" / "benchmark.json"
OPEN_FILES = 24_000


def main() -> None:
    wanted = _wanted()
    django.setup()  # the picture is a template of Django's
    logging.getLogger("picows").setLevel(logging.WARNING)  # two lines a socket otherwise
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
        help=f"keep them in {RESULTS.relative_to(PROJECT)} and write the report anew",
    )
    parser.add_argument("--report", action="store_true", help="only write the report anew")
    wanted = parser.parse_args()
    if unknown := set(wanted.only) - WORKLOADS.keys():
        parser.error(f"no workload is called {', '.join(unknown)}")
    return wanted


async def _measured(names: list[str], scale: Scale, out: Path | None) -> list[Line]:
    """Kept one by one, so that a run that is cut off loses only what it was about."""
    lines: list[Line] = []
    with ground() as prepared:
        for name in names:
            tell(f"{name} on {engine()}")
            measured = await WORKLOADS[name](prepared, scale)
            if out:
                _keep(measured, scale, out)
            lines += measured
    return lines


def _keep(lines: list[Line], scale: Scale, path: Path) -> None:
    """In place of what was measured on this engine before; other workloads' lines stay."""
    results = _read(path)
    mine = results["engines"].setdefault(engine(), {"lines": []})
    replaced = {line.workload for line in lines}
    kept = [line for line in mine["lines"] if line["workload"] not in replaced]
    mine["lines"] = sorted(
        kept + [line.as_json() for line in lines], key=lambda line: ORDER.index(line["workload"])
    )
    mine["scale"], mine["machine"] = scale.name, this_machine()
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    if path == RESULTS:
        report.write(results, path.parent)


def _read(path: Path) -> dict:
    return json.loads(path.read_text()) if path.exists() else {"engines": {}}


if __name__ == "__main__":
    main()
