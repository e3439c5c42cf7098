"""Where requests and sockets come in."""

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
    django.setup(set_prefix=False)  # loads the apps; consumers may be imported only after it
except EnvironmentProblem as problem:
    sys.exit(str(problem))  # whichever server imports this

from chatflow.charset import SpeakUtf8
from chatflow.entrance import Entrance, RequestId
from chatflow.handler import Handler
from chatflow.hub import keep_with
from chatflow.postgres import people_wait
from chatflow.realtime import publish_from_here
from chatflow.sockets import refuse
from messaging.consumers import ApiConsumer, PageConsumer
from messaging.keeper import ConversationKeeper

sockets = URLRouter(
    [
        path("ws", ApiConsumer.as_asgi()),
        path("ws/page", PageConsumer.as_asgi()),
        re_path("", refuse),  # type: ignore[arg-type]
    ]
)
http = Entrance(SpeakUtf8(Handler()))
router = RequestId(ProtocolTypeRouter({"http": http, "websocket": sockets}))

keep_with(ConversationKeeper())
people_wait()


async def application(scope: Any, receive: Any, send: Any) -> None:
    publish_from_here()  # not at start-up, of which daphne tells nobody
    await router(scope, receive, send)
