"""The smallest benchmark: each workload finishes and loses nothing; its figures mean nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.chromium import find_chromium
from tests.load.measuring import Goal, Line
from tests.load.report import as_text, write
from tests.resilience.conftest import require
from tests.resilience.servers import PROJECT

pytest.importorskip("picows", reason="there is no picows for this system")

WORKLOADS = {"reference", "calls", "posts", "fanout", "reads", "idle", "returning"}
if find_chromium():
    WORKLOADS.add("first-visit")


def test_every_workload_runs_loses_nothing_and_is_in_the_report(tmp_path: Path):
    """One test, so that parallel workers do not run the benchmark several times."""
    results = run_benchmark(tmp_path, WORKLOADS - {"reference"})

    (engine,) = results["engines"].values()
    assert {line["workload"] for line in engine["lines"]} == WORKLOADS
    assert [line for line in engine["lines"] if not line.get("is_complete")] == []

    page = tmp_path / "benchmark.md"
    page.write_text(
        "Prose.\n\n<!-- figures --><!-- end -->\n\n<!-- machine --><!-- end -->\n\nMore."
    )
    write(results, tmp_path)

    assert page.read_text().startswith("Prose.\n\n<!-- figures -->\n\n### ")
    assert page.read_text().endswith("<!-- end -->\n\nMore.")
    assert all(f"| {workload}: " in page.read_text() for workload in WORKLOADS)
    assert "</svg>" in (tmp_path / "benchmark.svg").read_text()


@pytest.mark.services
@pytest.mark.soak
def test_workloads_on_services_of_their_own_lose_nothing(tmp_path: Path):
    for program in ("initdb", "redis-server", "nginx"):
        require(program)

    (engine,) = run_benchmark(tmp_path, {"database", "processes", "day"})["engines"].values()

    assert {line["workload"] for line in engine["lines"]} == {
        "database",
        "processes",
        "activities",
        "day",
    }
    assert [line for line in engine["lines"] if not line.get("is_complete")] == []


def run_benchmark(folder: Path, workloads: set[str]) -> dict[str, Any]:
    """Return the results of these workloads on the engine of this test run."""
    path = folder / "results.json"
    # With its own DATA_DIR, because it creates a test database too.
    variables = os.environ | {"DATA_DIR": str(folder)}
    command = [sys.executable, "-m", "tests.load", "--tiny", "--out", str(path)]
    command += ["--only", ",".join(workloads)]
    bench = subprocess.run(
        command, cwd=PROJECT, env=variables, capture_output=True, text=True, timeout=1200
    )
    assert bench.returncode == 0, bench.stdout + bench.stderr
    return json.loads(path.read_text())


def test_incomplete_workload_is_marked_in_the_report():
    line = Line("fanout", "500 readers", is_complete=False)

    assert "INCOMPLETE" in as_text([line])


def test_a_ceiling_is_met_from_below_and_a_goal_from_above():
    assert Goal("CPU", 2.0, 2.2, is_ceiling=True).is_met
    assert not Goal("CPU", 2.3, 2.2, is_ceiling=True).is_met
    assert Goal("rate", 2.3, 2.2).is_met
    assert not Goal("rate", 2.0, 2.2).is_met
