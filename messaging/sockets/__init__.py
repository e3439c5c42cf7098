"""WebSockets: `/ws` for programs, `/ws/page` for the page. Only `chatflow.asgi` imports it.

Start with `consumers.py`. The domain-independent half of a socket is `chatflow.live.sockets`.
"""
