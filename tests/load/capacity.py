"""Compute what a number of people online needs, from the benchmark's figures and a load model.

`python -m tests.load.capacity` prints the tables that docs/scaling.md quotes; `--write` puts them
there. The figures are those of PostgreSQL and Redis in docs/benchmark.json.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from tests.load.site import ENGINES
from tests.resilience.servers import PROJECT

RESULTS = PROJECT / "docs" / "benchmark.json"
PAGE = PROJECT / "docs" / "scaling.md"
START, END = "<!-- capacity -->", "<!-- end -->"

PEOPLE = 10_000
PEOPLE_IN_REACH = 5  # members of a conversation who are online, besides the sender
MOST_OF_A_CORE = 0.6  # beyond this share, waiting times grow quickly
SIZES = (10_000, 100_000, 1_000_000)


@dataclass(frozen=True)
class Activity:
    """Something that everybody who is online does. The benchmark `day` measures it alone."""

    name: str
    seconds: float  # between two of one person
    database: str = ""  # the case of the workload "database"; empty if it needs none
    events: float = 0  # published through Redis

    def per_second(self, people: int) -> float:
        return people / self.seconds

    def in_database(self, fact: str, people: int) -> float:
        """Return so much of it per second, such as statements, or microseconds of processor."""
        if not self.database:
            return 0
        per_operation = line("database", self.database)["facts"][fact].replace(",", "")
        return float(per_operation) * self.per_second(people)


SEND, READ, KEEP_OPEN = "send a message", "report it as read", "keep a socket open for a second"
MESSAGE = 120  # seconds between two messages of a person
ACTIVITIES = (
    Activity(SEND, MESSAGE, SEND, events=1),
    Activity(READ, MESSAGE / PEOPLE_IN_REACH, "receipt, all members of a group", events=1),
    Activity("open a chat as a whole page", 360, "chat page"),
    Activity("open a chat in the page", 360, "chat page"),
    Activity("load older messages", 600, "history page"),
    Activity("load the list", 600, "conversation list"),
    Activity("search", 3600, "search for messages"),
    Activity("reconnect and catch up", 1800, "conversation list"),
    Activity(KEEP_OPEN, 1),
)


@cache
def lines() -> list[dict]:
    lines: list[dict] = json.loads(RESULTS.read_text())["engines"][ENGINES[True]]["lines"]
    return lines


def line(workload: str, case: str) -> dict:
    return next(each for each in lines() if (each["workload"], each["case"]) == (workload, case))


def measured_costs() -> dict[str, float]:
    """Return the microseconds of processor that each activity takes."""
    return {each["case"]: each["cpu_us"] for each in lines() if each["workload"] == "activities"}


def socket_bytes(people: int) -> float:
    (goal,) = _opened()["goals"]
    return goal["value"] * 1024 * people


def _opened() -> dict:
    return next(each for each in lines() if each["case"].endswith("sockets are opened"))


def cores(people: int, costs: Mapping[str, float]) -> float:
    return sum(each.per_second(people) * costs[each.name] for each in ACTIVITIES) / 1e6


def processes(people: int) -> int:
    return math.ceil(cores(people, measured_costs()) / MOST_OF_A_CORE)


def in_database(fact: str, people: int) -> float:
    return sum(each.in_database(fact, people) for each in ACTIVITIES)


def events(people: int) -> float:
    return sum(each.events * each.per_second(people) for each in ACTIVITIES)


def tables() -> str:
    """Return both tables as Markdown."""
    return "\n\n".join("\n".join(rows) for rows in (_activities(), _sizes()))


def _activities() -> Iterator[str]:
    yield f"| what {PEOPLE:,} people do | a second | ms of processor | cores |"
    yield "| --- | ---: | ---: | ---: |"
    for each in ACTIVITIES:
        cost, rate = measured_costs()[each.name], each.per_second(PEOPLE)
        yield f"| {each.name} | {_rounded(rate)} | {cost / 1000:.2f} | {rate * cost / 1e6:.2f} |"
    yield f"| **together** | | | **{cores(PEOPLE, measured_costs()):.1f}** |"


def _sizes() -> Iterator[str]:
    yield (
        "| people online | cores | processes | socket memory | PostgreSQL cores | commits"
        " | statements | events |"
    )
    yield "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for people in SIZES:
        memory = f"{socket_bytes(people) / 1e9:.1f} GB"
        database_cores = in_database("PostgreSQL CPU µs", people) / 1e6
        counts = (
            in_database("commits", people),
            in_database("statements", people),
            events(people),
        )
        web = (f"{cores(people, measured_costs()):.1f}", str(processes(people)), memory)
        figures = (*web, f"{database_cores:.1f}", *map(_rounded, counts))
        yield f"| {people:,} | {' | '.join(figures)} |"


def _rounded(number: float) -> str:
    return f"{number:,.1f}" if number < 100 else f"{float(f'{number:.2g}'):,.0f}"


def write() -> None:
    before, _, rest = PAGE.read_text().partition(START)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{START}\n\n{tables()}\n\n{END}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/scaling.md")
    if parser.parse_args().write:
        write()
    else:
        print(tables())


if __name__ == "__main__":
    main()
