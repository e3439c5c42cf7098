"""Run contenders in turn and compare the medians of their rounds with a reference."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from tests.load.processes import PinnedServer, Stopwatch

Act = Callable[[], Awaitable[Any]]


@dataclass(frozen=True)
class Scale:
    """Duration and size of a run. `quick` gives rough figures, `tiny` only tests the benchmark."""

    name: str
    rounds: int
    seconds: float  # of a contender in a round
    deliveries: int  # of a fan-out in a round
    readers: tuple[int, int, int]
    few_messages: int
    many_messages: int
    idle_sockets: int
    idle_seconds: float
    returning: int


SCALES = {
    scale.name: scale
    for scale in (
        Scale("full", 5, 3, 100_000, (500, 200, 1000), 1000, 1_000_000, 10_000, 60, 2000),
        Scale("quick", 3, 1, 30_000, (500, 200, 1000), 1000, 50_000, 1000, 10, 300),
        Scale("tiny", 1, 0.3, 300, (12, 6, 18), 60, 120, 24, 0.5, 12),
    )
}


@dataclass(frozen=True)
class Goal:
    """A figure and the value that it should reach."""

    name: str
    value: float
    wanted: float
    is_ceiling: bool = False
    if_missed: str = ""  # why, in a few words

    @property
    def is_met(self) -> bool:
        return self.value <= self.wanted if self.is_ceiling else self.value >= self.wanted


@dataclass
class Line:
    """One line of the table; figures that do not apply are omitted."""

    workload: str
    case: str
    rate: float = 0  # per second
    p50_ms: float = 0
    p99_ms: float = 0
    cpu_us: float = 0  # of the server, per operation
    of_bare: float = 0  # the rate, relative to the reference
    times_cpu: float = 0  # relative to the reference
    client_share: float = 0  # share of its core that the client used
    is_complete: bool = True  # no acknowledged or sent message is missing
    facts: dict[str, str] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {name: _rounded(value) for name, value in asdict(self).items() if value}

    def want(self, name: str, value: float, wanted: float, **kwargs: Any) -> Self:
        self.goals.append(Goal(name, round(value, 3), wanted, **kwargs))
        return self


def _rounded(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


@dataclass(frozen=True)
class Sample:
    """The result of one contender in one round."""

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    client_share: float


def sample(latencies: Sequence[float], watch: Stopwatch) -> Sample:
    seconds, cpu, share = watch.read()
    ordered = sorted(latencies)
    count = len(ordered)
    return Sample(
        rate=count / seconds,
        p50_ms=ordered[count // 2] * 1000,
        p99_ms=ordered[min(count - 1, count * 99 // 100)] * 1000,
        cpu_us=cpu / count * 1e6,
        client_share=share,
    )


def median(samples: Sequence[Sample]) -> Sample:
    columns = zip(*(tuple(asdict(one).values()) for one in samples), strict=True)
    return Sample(*map(statistics.median, columns))


class Contender:
    """An operation that several clients repeat concurrently."""

    def __init__(self, name: str, servers: list[PinnedServer], acts: Sequence[Act]) -> None:
        self.name = name
        self.servers = servers
        self.acts = acts
        self.count = 0  # of all operations

    async def run(self, seconds: float) -> Sample:
        latencies: list[float] = []
        watch = Stopwatch(self.servers)
        deadline = time.monotonic() + seconds
        await asyncio.gather(*(self._repeat(act, deadline, latencies) for act in self.acts))
        self.count += len(latencies)
        return sample(latencies, watch)

    async def _repeat(self, act: Act, deadline: float, latencies: list[float]) -> None:
        start = time.monotonic()
        while start < deadline:
            await act()
            end = time.monotonic()
            latencies.append(end - start)
            start = end


async def in_rounds(
    scale: Scale, contenders: Sequence[Contender], *, label: str
) -> dict[str, Sample]:
    """Return each contender's median. They take turns, so that other load affects all of them."""
    for contender in contenders:  # users meet warm caches too
        await contender.run(scale.seconds / 3)
    samples: dict[str, list[Sample]] = {contender.name: [] for contender in contenders}
    for turn in range(scale.rounds):
        print_progress(f"{label}: round {turn + 1} of {scale.rounds}")
        for contender in contenders if turn % 2 == 0 else reversed(contenders):
            samples[contender.name].append(await contender.run(scale.seconds))
    return {name: median(each) for name, each in samples.items()}


def line_beside(workload: str, case: str, ours: Sample, bare: Sample) -> Line:
    return Line(
        workload,
        case,
        rate=ours.rate,
        p50_ms=ours.p50_ms,
        p99_ms=ours.p99_ms,
        cpu_us=ours.cpu_us,
        of_bare=ours.rate / bare.rate,
        times_cpu=ours.cpu_us / bare.cpu_us if bare.cpu_us else 0,
        client_share=ours.client_share,
    )


def three_figures(value: float) -> str:
    """Format a number with three significant digits, or return "" for zero."""
    if not value:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def print_progress(news: str) -> None:
    print(f"· {news}", file=sys.stderr, flush=True)
