"""The picture: how far each goal was reached, on a scale where 1 is the goal, light and dark."""

from __future__ import annotations

from typing import Any

from django.template import Context, Engine

from tests.load.measuring import Goal, three_figures

TEMPLATE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{ width }} {{ height }}" role="img"
 aria-labelledby="title" font-family="system-ui, sans-serif" font-size="13">
<title id="title">How far each goal of the benchmark was reached</title>
<style>
 svg { background: #fff } text { fill: #1f2328 } .quiet { fill: #59636e }
 .quiet { paint-order: stroke; stroke: #fff; stroke-width: 4px }
 .goal { stroke: #1f2328 } .met { fill: #1a7f5a } .missed { fill: #bf5b04 }
 @media (prefers-color-scheme: dark) {
  svg { background: #0d1117 } text { fill: #e6edf3 } .quiet { fill: #9198a1; stroke: #0d1117 }
  .goal { stroke: #e6edf3 } .met { fill: #3fb984 } .missed { fill: #e8903a }
 }
</style>
<rect width="100%" height="100%" fill="none"/>
{% for group in groups %}
<text x="16" y="{{ group.y }}" font-weight="600" font-size="15">{{ group.engine }}</text>
<line class="goal" x1="{{ goal_x }}" x2="{{ goal_x }}"
 y1="{{ group.top }}" y2="{{ group.bottom }}" stroke-dasharray="3 3"/>
{% for bar in group.bars %}
<text x="{{ left|add:"-12" }}" y="{{ bar.y }}" text-anchor="end">{{ bar.name }}</text>
<rect class="{{ bar.kind }}" x="{{ left }}" y="{{ bar.top }}"
 width="{{ bar.width }}" height="14" rx="3"/>
<text class="quiet" x="{{ bar.end }}" y="{{ bar.y }}">{{ bar.figure }}</text>
{% endfor %}
{% endfor %}
<text class="quiet" x="{{ goal_x }}" y="{{ caption_y }}" text-anchor="middle">the goal</text>
</svg>
"""
WIDTH, LEFT, GOAL_WIDTH = 1100, 440, 180
MOST = 2.0  # goals; what is further is cut there, and its figure says how far it went
ROW, HEAD = 24, 40


def draw(results: dict[str, Any]) -> str:
    y, groups = 8, []
    for engine, measured in results["engines"].items():
        groups.append(_group(engine, measured["lines"], y))
        y = groups[-1]["bottom"] + 12
    context = {
        "groups": groups,
        "width": WIDTH,
        "height": y + 24,
        "left": LEFT,
        "goal_x": LEFT + GOAL_WIDTH,
        "caption_y": y + 8,
    }
    return Engine().from_string(TEMPLATE).render(Context(context))


def _group(engine: str, lines: list[dict[str, Any]], y: int) -> dict[str, Any]:
    goals = [(line, Goal(**goal)) for line in lines for goal in line.get("goals", [])]
    bars = [_bar(line, goal, y + HEAD + row * ROW) for row, (line, goal) in enumerate(goals)]
    bottom = y + HEAD + len(bars) * ROW
    return {"engine": engine, "y": y + 20, "top": y + HEAD - 8, "bottom": bottom, "bars": bars}


def _bar(line: dict[str, Any], goal: Goal, top: int) -> dict[str, Any]:
    reached = goal.wanted / goal.value if goal.is_ceiling else goal.value / goal.wanted
    width = round(min(reached, MOST) * GOAL_WIDTH)
    return {
        "name": f"{line['workload']}: {line['case']}",
        "kind": "met" if goal.is_met else "missed",
        "top": top - 11,
        "y": top,
        "width": width,
        "end": LEFT + width + 8,
        "figure": f"{goal.name}: {three_figures(goal.value)} of {three_figures(goal.wanted)}",
    }
