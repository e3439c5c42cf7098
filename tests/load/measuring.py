"""What is measured and how: contenders in turn, the median of their rounds, beside a reference."""

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
    """How long and how large. The figures of `quick` are worth a look, those of `tiny` nothing."""

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
    """A figure beside what was to be reached."""

    name: str
    value: float
    wanted: float
    is_ceiling: bool = False
    unit: str = ""

    @property
    def is_met(self) -> bool:
        return self.value <= self.wanted if self.is_ceiling else self.value >= self.wanted


@dataclass
class Line:
    """One line of the table. A figure that makes no sense for it is left out."""

    workload: str
    case: str
    rate: float = 0  # a second
    p50_ms: float = 0
    p99_ms: float = 0
    cpu_us: float = 0  # of the server, for one
    of_bare: float = 0  # the rate, in rates of the reference
    times_cpu: float = 0  # in those of the reference
    client_share: float = 0  # of its core, that the client was busy
    is_complete: bool = True  # nothing that was acknowledged or sent is missing
    facts: dict[str, str] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {name: _rounded(value) for name, value in asdict(self).items() if value}

    def want(self, name: str, value: float, wanted: float, **how: Any) -> Self:
        self.goals.append(Goal(name, round(value, 3), wanted, **how))
        return self


def _rounded(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


@dataclass(frozen=True)
class Sample:
    """One contender in one round."""

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
    """Something that is done again and again by several at once: one act of each of them."""

    def __init__(self, name: str, servers: list[PinnedServer], acts: Sequence[Act]) -> None:
        self.name = name
        self.servers = servers
        self.acts = acts
        self.count = 0  # of all that was done

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
    """Each contender's median. They take turns, so that what the machine does besides hits all."""
    for contender in contenders:  # warm caches are what people meet
        await contender.run(scale.seconds / 3)
    samples: dict[str, list[Sample]] = {contender.name: [] for contender in contenders}
    for turn in range(scale.rounds):
        tell(f"{label}: round {turn + 1} of {scale.rounds}")
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
    """Three figures of it, with separators; nothing for nothing."""
    if not value:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def tell(news: str) -> None:
    print(f"· {news}", file=sys.stderr, flush=True)
