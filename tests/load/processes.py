"""Where the benchmark's processes run, and how much processor time they take."""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from pathlib import Path

from tests.truth.servers import Server

TICKS = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


class PinnedServer(Server):
    """On one core, which its clients keep out of; more of them share what there is."""

    module = "chatflow.settings"
    cores = CORES[:1]

    def launch(self):
        process = super().launch()
        if len(CORES) > 1:  # before it has threads, which are where their process was
            with suppress(ProcessLookupError):
                os.sched_setaffinity(process.pid, self.cores)
        return process

    @property
    def cpu_seconds(self) -> float:
        """Of all its threads, in and outside the kernel."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


class UnpinnedServer(PinnedServer):
    """One of several, which with their clients are more than there are cores."""

    cores = CORES


def keep_off_the_servers_core() -> None:
    if len(CORES) > 1:
        os.sched_setaffinity(0, CORES[1:])


def raise_limit_of_open_files(most: int) -> int:
    """What it is then; sockets are files, and servers inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)


class Stopwatch:
    """Counts from its making: seconds, the servers' processor time, and the client's share."""

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
