"""Starts deploy/bare-metal: nginx in front of two ChatFlow processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from tests.resilience.servers import PROJECT, Server, Variables, environment

TIMEOUT_SECONDS = 120  # the first start hashes and compresses the static files


class BareMetal(Server):
    """nginx and its processes, used like one server."""

    def __init__(self, directory: Path, variables: Variables) -> None:
        super().__init__(variables | {"DATA_DIR": str(directory)})
        self.directory = directory

    def launch(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [PROJECT / "deploy/bare-metal", self.directory],
                env=environment(self.variables | {"PYTHON": sys.executable}),
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def start(self) -> Self:
        self.process = self.launch()
        try:
            deadline = time.monotonic() + TIMEOUT_SECONDS
            while not self.is_up():
                assert time.monotonic() < deadline, self.output()
                time.sleep(0.1)
        except BaseException:
            self.stop()
            raise
        return self

    def answers(self) -> bool:
        return "ChatFlow is on" in self.output()

    def kill(self) -> int:
        """Stop instead, because the children of a killed script would continue."""
        return self.stop()

    def log_of(self, name: str) -> str:
        return (self.directory / f"log/{name}.log").read_text()

    def signal_process(self, name: str, number: signal.Signals) -> None:
        os.kill(self.pid_of(name), number)

    def pid_of(self, name: str) -> int:
        return int((self.directory / f"run/{name}.pid").read_text())
