"""Pin the benchmark's processes to cores and measure their processor time."""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from pathlib import Path

from tests.resilience.servers import Server

TICKS = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


class PinnedServer(Server):
    """A server on its own core; several servers share the cores that there are."""

    module = "chatflow.settings"
    cores = CORES[:1]

    def launch(self):
        process = super().launch()
        if len(CORES) > 1:  # before it starts threads, which inherit the affinity
            with suppress(ProcessLookupError):
                os.sched_setaffinity(process.pid, self.cores)
        return process

    @property
    def cpu_seconds(self) -> float:
        """Return the processor time of all its threads, user and system."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def cpu_seconds_of_tree(pid: int) -> float:
    """Return the processor time of a process and its children, those that have ended included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    spent = sum(map(int, fields[11:15])) / TICKS  # own and of ended children, user and system
    for child in children:
        with suppress(FileNotFoundError):  # it has just ended
            spent += cpu_seconds_of_tree(int(child))
    return spent


class UnpinnedServer(PinnedServer):
    """One of several servers, which together with the clients need more cores than there are."""

    cores = CORES


def keep_off_the_servers_core() -> None:
    if len(CORES) > 1:
        os.sched_setaffinity(0, CORES[1:])


def raise_limit_of_open_files(most: int) -> int:
    """Raise the limit of open files, which servers inherit, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)


class Stopwatch:
    """Measure seconds, the servers' processor time and the client's share since its creation."""

    def __init__(self, servers: list[PinnedServer]) -> None:
        self._servers = servers
        self._start = time.monotonic()
        self._own = time.process_time()
        self._cpu = self._spent()

    def _spent(self) -> float:
        return sum(server.cpu_seconds for server in self._servers)

    def read(self) -> tuple[float, float, float]:
        seconds = time.monotonic() - self._start
        return seconds, self._spent() - self._cpu, (time.process_time() - self._own) / seconds
