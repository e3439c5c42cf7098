"""The ASGI application: routes requests to Django and sockets to their consumers."""

from __future__ import annotations

import os
import sys
from typing import Any

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path, re_path

from chatflow.environment import EnvironmentProblem

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatflow.settings")
try:
    django.setup(set_prefix=False)  # consumers can be imported only after this
except EnvironmentProblem as problem:
    sys.exit(str(problem))  # a clear message under any server

from chatflow.db.postgres import enable_client_timeouts
from chatflow.live.hub import register_backend
from chatflow.live.publishing import bind_event_loop
from chatflow.live.sockets import refuse
from chatflow.operations.health import Readiness
from chatflow.server.admission import AdmissionControl, RequestId
from chatflow.server.bodies import BoundedBody
from chatflow.server.charset import SpeakUtf8
from chatflow.server.handler import Handler
from messaging.sockets.consumers import ApiConsumer, PageConsumer
from messaging.sockets.hub_backend import ConversationHubBackend

sockets = URLRouter(
    [
        path("ws", ApiConsumer.as_asgi()),
        path("ws/page", PageConsumer.as_asgi()),
        re_path("", refuse),  # type: ignore[arg-type]
    ]
)
http = AdmissionControl(SpeakUtf8(BoundedBody(Readiness(Handler()))))
router = RequestId(ProtocolTypeRouter({"http": http, "websocket": sockets}))

register_backend(ConversationHubBackend())
enable_client_timeouts()


async def application(scope: Any, receive: Any, send: Any) -> None:
    bind_event_loop()  # here, because daphne has no start-up event
    await router(scope, receive, send)
