"""Compute what a number of people online needs, from the benchmark's figures and a load model.

`python -m tests.load.capacity` prints the tables that docs/scaling.md quotes; `--write` puts them
there. The figures are those of PostgreSQL and Redis in docs/benchmark.json.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
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
    """Something that everybody who is online does, and the lines of the benchmark that price it."""

    name: str
    seconds: float  # between two of one person
    workload: str
    case: str
    database: str = ""  # the case of the workload "database"; empty if it needs none
    times: float = 1  # how many of the measured operations it is
    events: float = 0  # published through Redis

    @property
    def cpu_seconds(self) -> float:
        return self.times * line(self.workload, self.case)["cpu_us"] / 1e6

    def per_second(self, people: int) -> float:
        return people / self.seconds

    def cores(self, people: int) -> float:
        return self.per_second(people) * self.cpu_seconds

    def in_database(self, fact: str, people: int) -> float:
        """Return so much of it per second, such as statements, or microseconds of processor."""
        if not self.database:
            return 0
        per_operation = line("database", self.database)["facts"][fact].replace(",", "")
        return float(per_operation) * self.per_second(people)


BATCHES = "500 readers, 4 writers, chatflow.v1.batch"
RECEIPTS = "receipts over the socket, one process"
READ = "receipt, all members of a group"
MESSAGE = 120  # seconds between two messages of a person
ACTIVITIES = (
    Activity(
        "send a message", MESSAGE, "posts", "over HTTP, one process", "send a message", events=1
    ),
    Activity(
        f"deliver it to {PEOPLE_IN_REACH} people and another device",
        MESSAGE,
        "fanout",
        BATCHES,
        times=PEOPLE_IN_REACH + 1,
    ),
    Activity(
        f"report it as read, each of the {PEOPLE_IN_REACH}",
        MESSAGE / PEOPLE_IN_REACH,
        "posts",
        RECEIPTS,
        READ,
        events=1,
    ),
    Activity("open a chat as a whole page", 360, "reads", "chat page", "chat page"),
    Activity("open a chat in the page", 360, "reads", "chat pane", "chat page"),
    Activity("load older messages", 600, "reads", "history page", "history page"),
    Activity("load the list", 600, "reads", "conversation list", "conversation list"),
    Activity("search", 3600, "reads", "search", "search for messages"),
    Activity("reconnect and catch up", 1800, "returning", "", "conversation list"),
)


@cache
def lines() -> list[dict]:
    lines: list[dict] = json.loads(RESULTS.read_text())["engines"][ENGINES[True]]["lines"]
    return lines


def line(workload: str, case: str) -> dict:
    """Return the last line whose case begins so: of a read, the one with most messages."""
    return [
        each for each in lines() if each["workload"] == workload and each["case"].startswith(case)
    ][-1]


def idle_cores(people: int) -> float:
    """Return what sockets cost on which nothing happens: heartbeats, presence, the recheck."""
    seconds_a_minute = float(line("idle", "nothing happens")["facts"]["processor"].split()[0])
    sockets = int(_opened()["case"].split()[0].replace(",", ""))
    return seconds_a_minute / 60 * people / sockets


def socket_bytes(people: int) -> float:
    (goal,) = _opened()["goals"]
    return goal["value"] * 1024 * people


def _opened() -> dict:
    return next(each for each in lines() if each["case"].endswith("sockets are opened"))


def cores(people: int) -> float:
    return sum(activity.cores(people) for activity in ACTIVITIES) + idle_cores(people)


def processes(people: int) -> int:
    return math.ceil(cores(people) / MOST_OF_A_CORE)


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
        yield _row(each.name, each.per_second(PEOPLE), each.cpu_seconds * 1000, each.cores(PEOPLE))
    yield f"| keep {PEOPLE:,} sockets open | | | {idle_cores(PEOPLE):.2f} |"
    yield f"| **together** | | | **{cores(PEOPLE):.1f}** |"


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
        web = (f"{cores(people):.1f}", str(processes(people)), memory)
        figures = (*web, f"{database_cores:.1f}", *map(_rounded, counts))
        yield f"| {people:,} | {' | '.join(figures)} |"


def _row(name: str, rate: float, milliseconds: float, share: float) -> str:
    return f"| {name} | {_rounded(rate)} | {milliseconds:.2f} | {share:.2f} |"


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
