"""Measure reads: the list, a page of history, a chat as a page, and a search.

On a site with a thousand messages and on one with a million, in turn.
"""

from __future__ import annotations

from contextlib import ExitStack

from tests.load.http_client import Connection
from tests.load.measuring import (
    Act,
    Contender,
    Line,
    Sample,
    Scale,
    in_rounds,
    line_beside,
    print_progress,
)
from tests.load.posts import references_of
from tests.load.site import Account, Ground, Site, names_of

READERS = 16
CONVERSATIONS = 40
MOST_GROWTH = 1.3
SHORTEST_ANSWER = 300  # bytes; a response with results is longer
GOALS = {"conversation list": 7, "history page": 7, "chat page": 20}  # bare views of CPU
IF_MISSED = "Django's ORM and templates"


async def measure(ground: Ground, scale: Scale) -> list[Line]:
    with ExitStack() as stack:
        few = Shelf(stack.enter_context(ground.site()), scale.few_messages)
        many = Shelf(stack.enter_context(ground.site()), scale.many_messages)
        view, _echo = await references_of(ground)
        contenders = [view, *await few.contenders(), *await many.contenders()]
        medians = await in_rounds(scale, contenders, label="reads")
    bare = medians[view.name]
    lines = [line_beside("reads", "reference: bare Django view, 16 clients", bare, bare)]
    for what in few.paths():
        small, large = (_line(shelf, what, medians, bare) for shelf in (few, many))
        if goal := GOALS.get(what):
            small.want("× CPU", small.times_cpu, goal, is_ceiling=True, if_missed=IF_MISSED)
        growth = large.cpu_us / (small.cpu_us or 1)
        large.want(f"CPU, of that with {few.count:,}", growth, MOST_GROWTH, is_ceiling=True)
        lines += [small, large]
    return lines


def _line(shelf: Shelf, what: str, medians: dict[str, Sample], bare: Sample) -> Line:
    title = shelf.title(what)
    return line_beside("reads", title, medians[title], bare)


class Shelf:
    """The conversations of a user: one has half of the messages, the others share the rest."""

    def __init__(self, site: Site, count: int) -> None:
        self.site = site
        self.count = count
        print_progress(f"reads: {count:,} messages in {CONVERSATIONS} conversations")
        names = names_of(site.fill("people", count=3))
        self.groups = site.fill("groups", members=[names] * CONVERSATIONS)
        each = count // 2 // (CONVERSATIONS - 1)
        site.fill("messages", conversations=self.groups[1:], each=each)
        site.fill("messages", conversations=self.groups[:1], each=count // 2)
        site.fill("build_index")
        self.reader: Account = site.fill("accounts", names=names[:1])[0]

    def title(self, what: str) -> str:
        return f"{what}, {self.count:,} messages"

    def paths(self) -> dict[str, tuple[str, dict[str, str]]]:
        """Return the path and the headers of each read."""
        token = {"Authorization": f"Bearer {self.reader['token']}"}
        session = {"Cookie": f"sessionid={self.reader['session']}"}
        htmx = session | {"HX-Request": "true", "HX-Target": "pane"}
        first = self.groups[0]
        return {
            "conversation list": ("/conversations?limit=40", token),
            "history page": (f"/conversations/{first}/messages", token),
            "chat page": (f"/chats/{first}", session),
            "chat pane": (f"/chats/{first}", htmx),
            "search": ("/messages?q=garden+tick", token),
        }

    async def contenders(self) -> list[Contender]:
        return [
            await self._contender(what, path, headers)
            for what, (path, headers) in self.paths().items()
        ]

    async def _contender(self, what: str, path: str, headers: dict[str, str]) -> Contender:
        host = self.site.server.address
        connections = [await Connection.to(host, **headers) for _ in range(READERS)]
        acts = [_reading(connection, path) for connection in connections]
        return Contender(self.title(what), [self.site.server], acts)


def _reading(connection: Connection, path: str) -> Act:
    async def read() -> None:
        status, answer = await connection.get(path)
        assert status == 200, answer[:500]
        assert len(answer) > SHORTEST_ANSWER, "there is nothing on this page"

    return read
