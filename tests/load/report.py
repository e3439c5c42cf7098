"""Write the report: a table for the terminal, and a section and a chart in docs/."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.load.measuring import Goal, Line, three_figures
from tests.load.picture import draw

COLUMNS = ("", "a second", "p50 ms", "p99 ms", "CPU µs", "× CPU", "client", "goals and remarks")

Results = dict[str, Any]


def as_text(lines: Sequence[Line]) -> str:
    """Return the table with aligned columns for a terminal."""
    rows = [COLUMNS, *(_row(line) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return "\n".join(_aligned(row, widths) for row in rows)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    name, *figures, goals = row
    cells = [name.ljust(widths[0])]
    cells += [cell.rjust(width) for cell, width in zip(figures, widths[1:-1], strict=True)]
    return "  ".join([*cells, goals]).rstrip()


def write(results: Results, folder: Path) -> None:
    """Replace the section between the markers in benchmark.md, and the chart."""
    page = folder / "benchmark.md"
    text = page.read_text()
    for name, build in PARTS.items():
        before, _, rest = text.partition(f"<!-- {name} -->")
        _, found, after = rest.partition("<!-- end -->")
        assert found, f"{page} has no place for the {name}"
        text = f"{before}<!-- {name} -->\n\n{build(results)}\n\n<!-- end -->{after}"
    page.write_text(text)
    (folder / "benchmark.svg").write_text(draw(results))


def _tables(results: Results) -> str:
    return "\n\n".join(
        f"### {engine}\n\n" + _markdown([COLUMNS, *map(_row, lines_of(results, engine))])
        for engine in results["engines"]
    )


def _machine(results: Results) -> str:
    engines = results["engines"]
    facts = {name for engine in engines.values() for name in engine["machine"]}
    order = [name for name in next(iter(engines.values()))["machine"] if name in facts]
    rows = [[name, *(engine["machine"][name] for engine in engines.values())] for name in order]
    rows.append(["Scale", *(_scales(engine["scales"]) for engine in engines.values())])
    return _markdown([["", *engines], *rows])


def _scales(scales: dict[str, str]) -> str:
    """Return “full”, or “full: idle, posts; quick: reads” if workloads ran at several scales."""
    groups: dict[str, list[str]] = {}
    for workload, scale in sorted(scales.items()):
        groups.setdefault(scale, []).append(workload)
    if len(groups) == 1:
        return next(iter(groups))
    return "; ".join(f"{scale}: {', '.join(groups[scale])}" for scale in sorted(groups))


PARTS = {"figures": _tables, "machine": _machine}


def lines_of(results: Results, engine: str) -> list[Line]:
    return [
        Line(**line | {"goals": [Goal(**goal) for goal in line.get("goals", [])]})
        for line in results["engines"][engine]["lines"]
    ]


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    lines = [head, ["---", *["---:"] * (len(head) - 2), "---"], *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(line: Line) -> list[str]:
    return [
        f"{line.workload}: {line.case}",
        three_figures(line.rate),
        three_figures(line.p50_ms),
        three_figures(line.p99_ms),
        three_figures(line.cpu_us),
        f"{line.times_cpu:.1f}" if line.times_cpu else "",
        f"{line.client_share:.0%}",
        "; ".join(_remarks(line)),
    ]


def _remarks(line: Line) -> Iterable[str]:
    if not line.is_complete:
        yield "INCOMPLETE"
    for goal in line.goals:
        bound = "≤" if goal.is_ceiling else "≥"
        mark = "✓" if goal.is_met else "✗"
        value, wanted = three_figures(goal.value), three_figures(goal.wanted)
        reason = "" if goal.is_met or not goal.if_missed else f": {goal.if_missed}"
        yield f"{mark} {goal.name} {value} ({bound} {wanted}){reason}"
    yield from (f"{name} {value}" for name, value in line.facts.items())
