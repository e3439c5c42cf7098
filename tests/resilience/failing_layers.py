"""Channel layers that fail, and the settings of servers that use them.

`FAILING_LAYER` names the class; all other settings are ChatFlow's own.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from typing import Any

from channels.layers import InMemoryChannelLayer

from chatflow.settings import *  # noqa: F403

FATAL_TEXT = "kill the process"
LONGEST_DELAY_SECONDS = 0.6  # longer than the hub waits for late events

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": f"tests.resilience.failing_layers.{os.environ.get('FAILING_LAYER')}",
        "CONFIG": {"capacity": 10_000, "group_expiry": 10**9},
    }
}


class UnreliableLayer(InMemoryChannelLayer):
    """Drops, doubles and delays events of conversations."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.late: set[asyncio.Task[None]] = set()
        self.chance = random.Random(1)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        fate = self.chance.random() if group.startswith("conversation.") else 1
        if fate < 0.15:
            return
        if fate < 0.3:
            await super().group_send(group, message)
        if fate < 0.6:
            task = asyncio.create_task(self.send_late(group, message))
            self.late.add(task)
            task.add_done_callback(self.late.discard)
        else:
            await super().group_send(group, message)

    async def send_late(self, group: str, message: dict[str, Any]) -> None:
        await asyncio.sleep(self.chance.uniform(0, LONGEST_DELAY_SECONDS))
        await super().group_send(group, message)


class FatalLayer(InMemoryChannelLayer):
    """Kills the process when it publishes FATAL_TEXT, which is stored by then."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if FATAL_TEXT in message.get("json", ""):
            os.kill(os.getpid(), signal.SIGKILL)
        await super().group_send(group, message)
