"""The benchmark itself, tiny: each workload runs to its end and loses nothing. It measures nothing
here, because the suite shares its machine with itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.load.measuring import Goal, Line
from tests.load.report import as_text, write
from tests.truth.servers import PROJECT

pytest.importorskip("picows", reason="there is no picows for this system")

WORKLOADS = {"reference", "posts", "fanout", "reads", "idle", "returning"}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of the whole benchmark, on the engine of this run of the suite."""
    path = tmp_path_factory.mktemp("benchmark") / "results.json"
    command = [sys.executable, "-m", "tests.load", "--tiny", "--out", str(path)]
    bench = subprocess.run(
        command, cwd=PROJECT, env=os.environ, capture_output=True, text=True, timeout=600
    )
    assert bench.returncode == 0, bench.stdout + bench.stderr
    return json.loads(path.read_text())


@pytest.mark.parametrize("workload", sorted(WORKLOADS))
def test_each_workload_runs_and_loses_nothing(results: dict[str, Any], workload: str):
    (engine,) = results["engines"].values()
    lines = [line for line in engine["lines"] if line["workload"] == workload]

    assert lines
    assert all(line.get("is_complete") for line in lines)


def test_every_workload_is_in_the_report(results: dict[str, Any], tmp_path: Path):
    page = tmp_path / "benchmark.md"
    page.write_text(
        "Prose.\n\n<!-- figures --><!-- end -->\n\n<!-- machine --><!-- end -->\n\nMore."
    )

    write(results, tmp_path)

    assert page.read_text().startswith("Prose.\n\n<!-- figures -->\n\n### ")
    assert page.read_text().endswith("<!-- end -->\n\nMore.")
    assert all(f"| {workload}: " in page.read_text() for workload in WORKLOADS)
    assert "</svg>" in (tmp_path / "benchmark.svg").read_text()


def test_what_was_lost_is_said_aloud():
    line = Line("fanout", "500 readers", is_complete=False)

    assert "INCOMPLETE" in as_text([line])


def test_a_ceiling_is_met_from_below_and_a_goal_from_above():
    assert Goal("CPU", 2.0, 2.2, is_ceiling=True).is_met
    assert not Goal("CPU", 2.3, 2.2, is_ceiling=True).is_met
    assert Goal("rate", 2.3, 2.2).is_met
    assert not Goal("rate", 2.0, 2.2).is_met
