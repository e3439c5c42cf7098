"""What people look at: the list, a page of history, a chat as a page, a search.

On a site with a thousand messages and on one with a million, in turn.
"""

from __future__ import annotations

from contextlib import ExitStack

from tests.load.http_client import Connection
from tests.load.measuring import Act, Contender, Line, Sample, Scale, in_rounds, line_beside, tell
from tests.load.posts import references_of
from tests.load.site import Account, Ground, Site, names_of

READERS = 16
CONVERSATIONS = 40
MOST_GROWTH = 1.3
SHORTEST_ANSWER = 300  # bytes; with anything found it is longer
GOALS = {"conversation list": 0.35, "history page": 0.35, "chat page": 0.2, "search": 0.3}


async def measure(ground: Ground, scale: Scale) -> list[Line]:
    with ExitStack() as stack:
        few = Shelf(stack.enter_context(ground.site()), scale.few_messages)
        many = Shelf(stack.enter_context(ground.site()), scale.many_messages)
        view, _echo = await references_of(ground)
        contenders = [view, *await few.contenders(), *await many.contenders()]
        medians = await in_rounds(scale, contenders, label="reads")
    bare = medians[view.name]
    lines = [line_beside("reads", "reference: bare Django view, 16 clients", bare, bare)]
    for what, goal in GOALS.items():
        small, large = (_line(shelf, what, medians, bare) for shelf in (few, many))
        small.want("of a bare view", small.of_bare, goal)
        growth = large.cpu_us / (small.cpu_us or 1)
        large.want(f"CPU, of that with {few.count:,}", growth, MOST_GROWTH, is_ceiling=True)
        lines += [small, large]
    return lines


def _line(shelf: Shelf, what: str, medians: dict[str, Sample], bare: Sample) -> Line:
    title = shelf.title(what)
    return line_beside("reads", title, medians[title], bare)


class Shelf:
    """Somebody's conversations: half of the messages are in one, the others share the rest."""

    def __init__(self, site: Site, count: int) -> None:
        self.site = site
        self.count = count
        tell(f"reads: {count:,} messages in {CONVERSATIONS} conversations")
        names = names_of(site.fill("people", count=3))
        self.groups = site.fill("groups", members=[names] * CONVERSATIONS)
        each = count // 2 // (CONVERSATIONS - 1)
        site.fill("messages", conversations=self.groups[1:], each=each)
        site.fill("messages", conversations=self.groups[:1], each=count // 2)
        site.fill("build_index")
        self.reader: Account = site.fill("accounts", names=names[:1])[0]

    def title(self, what: str) -> str:
        return f"{what}, {self.count:,} messages"

    async def contenders(self) -> list[Contender]:
        token = {"Authorization": f"Bearer {self.reader['token']}"}
        session = {"Cookie": f"sessionid={self.reader['session']}"}
        first = self.groups[0]
        return [
            await self._contender("conversation list", "/conversations?limit=40", token),
            await self._contender("history page", f"/conversations/{first}/messages", token),
            await self._contender("chat page", f"/chats/{first}", session),
            await self._contender("search", "/messages?q=garden+tick", token),
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
