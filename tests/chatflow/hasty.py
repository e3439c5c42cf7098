"""The application of tiny in a server with short deadlines, because the real ones take minutes."""

from __future__ import annotations

from chatflow.server import connections, flow_control
from tests.chatflow.tiny import application

connections.HEAD_SECONDS = 1
connections.BODY_SECONDS = 1
connections.MOST_OF_ADDRESS = 5
flow_control.STALLED_SECONDS = 2

for module in (flow_control, connections):
    module.SLOWEST_BYTES_PER_SECOND = 1024 * 1024

__all__ = ["application"]
