"""Draw the chart: the processor time of each operation, in that of a bare view, and its goal."""

from __future__ import annotations

from typing import Any

from django.template import Context, Engine

TEMPLATE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{ width }} {{ height }}" role="img"
 aria-labelledby="title" font-family="system-ui, sans-serif" font-size="13">
<title id="title">Processor time of each operation, compared with a bare Django view</title>
<style>
 svg { background: #fff } text { fill: #1f2328 } .quiet { fill: #59636e }
 .goal { stroke: #1f2328; stroke-width: 2 } .bar { fill: #1a7f5a } .reference { fill: #8c959f }
 @media (prefers-color-scheme: dark) {
  svg { background: #0d1117 } text { fill: #e6edf3 } .quiet { fill: #9198a1 }
  .goal { stroke: #e6edf3 } .bar { fill: #3fb984 } .reference { fill: #656c76 }
 }
</style>
{% for group in groups %}
<text x="16" y="{{ group.y }}" font-weight="600" font-size="15">{{ group.engine }}</text>
{% for bar in group.bars %}
<text x="{{ left|add:"-12" }}" y="{{ bar.y }}" text-anchor="end">{{ bar.name }}</text>
<rect class="{{ bar.kind }}" x="{{ left }}" y="{{ bar.top }}"
 width="{{ bar.width }}" height="14" rx="3"/>
{% if bar.goal_x %}<line class="goal" x1="{{ bar.goal_x }}" x2="{{ bar.goal_x }}"
 y1="{{ bar.top|add:"-2" }}" y2="{{ bar.top|add:"16" }}"/>{% endif %}
<text class="quiet" x="{{ bar.end }}" y="{{ bar.y }}">{{ bar.figure }}</text>
{% endfor %}
{% endfor %}
<text class="quiet" x="{{ left }}" y="{{ caption_y }}">
Processor time in bare views. A mark is a goal.</text>
</svg>
"""
WIDTH, LEFT, LONGEST = 1000, 380, 480
ROW, HEAD = 24, 40


def draw(results: dict[str, Any]) -> str:
    engines = results["engines"]
    longest = max((_times(line) for each in engines.values() for line in _lines(each)), default=1)
    y, groups = 8, []
    for engine, measured in engines.items():
        lines = _lines(measured)
        bars = [_bar(line, y + HEAD + row * ROW, longest) for row, line in enumerate(lines)]
        groups.append({"engine": engine, "y": y + 20, "bars": bars})
        y += HEAD + len(bars) * ROW + 12
    context = {
        "groups": groups,
        "width": WIDTH,
        "height": y + 24,
        "left": LEFT,
        "caption_y": y + 8,
    }
    return Engine().from_string(TEMPLATE).render(Context(context))


def _lines(measured: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what is compared with a bare view; a delivery is compared with a bare one."""
    return [line for line in measured["lines"] if _times(line) and line["workload"] != "fanout"]


def _times(line: dict[str, Any]) -> float:
    return float(line.get("times_cpu", 0))


def _bar(line: dict[str, Any], y: int, longest: float) -> dict[str, Any]:
    width = max(round(_times(line) / longest * LONGEST), 1)
    goal = next((each["wanted"] for each in line.get("goals", ()) if each["name"] == "× CPU"), 0)
    goal_x = LEFT + round(goal / longest * LONGEST) if goal else 0
    is_reference = line["workload"] == "reference" or line["case"].startswith("reference")
    return {
        "name": f"{line['workload']}: {line['case']}",
        "kind": "reference" if is_reference else "bar",
        "top": y - 11,
        "y": y,
        "width": width,
        "goal_x": goal_x,
        "end": max(LEFT + width, goal_x) + 8,
        "figure": f"{_times(line):.1f}" + (f" (goal {goal:g})" if goal else ""),
    }
