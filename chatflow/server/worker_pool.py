"""The threads in which requests run, used by the handler: three fixed pools, chosen by path.

Without them every request would run in a thread of its own. Threads that compete for the
interpreter make each other slower, and every new thread opens a connection to the database. Django
offers nothing in their place; a WSGI server has such a pool built in, but no sockets.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
PROBES = ("/healthz", "/readyz", "/metrics")
# Requests that hash a password or decode a picture, which takes from 0.2 to 60 seconds.
SLOW_PATHS = re.compile(
    r"/(auth/)?(login|register)"
    r"|/auth/password-reset/confirm|/password-reset/new"
    r"|/users/me(/(avatar|export|password))?"
    r"|/settings/(avatar|delete|export|password|profile)"
    r"|/conversations/[^/]+/attachments"
)


class WorkerPool:
    """A fixed number of threads that run one function after the other, in the order of arrival."""

    def __init__(self, name: str, *, size: int) -> None:
        self._executor = ThreadPoolExecutor(size, thread_name_prefix=name)

    async def run(
        self,
        function: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Call the function in a thread, with a copy of the current context variables.

        A function that has begun runs to its end even when the caller is cancelled.
        """
        call = partial(copy_context().run, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)


requests = WorkerPool("request", size=8)
# These mostly wait for other processes and for C code, so they do not slow down the others.
slow_requests = WorkerPool("slow-request", size=8)
probes = WorkerPool("probe", size=1)  # so that they are answered while all others wait


def is_slow(method: str, path: str) -> bool:
    return method not in SAFE_METHODS and SLOW_PATHS.fullmatch(path) is not None


def pool_for(method: str, path: str) -> WorkerPool:
    if path in PROBES:
        return probes
    return slow_requests if is_slow(method, path) else requests
