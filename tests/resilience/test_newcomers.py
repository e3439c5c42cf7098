"""Messages from before a member joined do not reach them, also not through another process."""

from __future__ import annotations

import json
import uuid

import pytest

from tests.resilience.live_clients import LiveClient
from tests.resilience.people import Json, Person
from tests.resilience.servers import until

pytestmark = pytest.mark.services


async def reply(person: Person, conversation: str, body: str, to: Json) -> Json:
    message = {"id": str(uuid.uuid4()), "body": body, "reply_to": to["id"]}
    return await person.ask("POST", f"/conversations/{conversation}/messages", message)


@pytest.mark.parametrize("subprotocol", ["chatflow.v1", "chatflow.v1.batch"])
async def test_new_member_receives_every_version_but_no_older_message(
    on_postgres, serve, people, subprotocol
):
    hers, theirs = serve(on_postgres), serve(on_postgres)
    alice, carol = await people(hers, "alice", "carol")
    bob, mallory = await people(theirs, "bob", "mallory")
    group = await alice.start_group(bob, carol)
    where = f"/conversations/{group}"

    async with LiveClient(bob, subprotocol=subprotocol) as bobs, LiveClient(mallory) as mallorys:
        await alice.ask("DELETE", f"{where}/members/bob")
        older = await alice.say(group, "the narwhal is grey")
        await alice.ask("POST", f"{where}/members", {"members": ["bob", "mallory"]})
        welcome = await alice.say(group, "welcome")
        await until(lambda: bobs.has(welcome) and mallorys.has(welcome))
        bobs.gaps = mallorys.gaps = 0
        answer = await reply(carol, group, "grey indeed", older)
        await carol.ask("PUT", f"{where}/messages/{older['id']}/reactions/🐳")
        await alice.ask("PATCH", f"{where}/messages/{older['id']}", {"body": "a blue narwhal"})
        await alice.ask("DELETE", f"{where}/messages/{older['id']}")
        last = await alice.say(group, "that is all")
        await until(lambda: bobs.has(last) and mallorys.has(last))

    for client in (bobs, mallorys):
        assert "narwhal" not in json.dumps(client.messages)
        assert client.messages[answer["id"]]["reply_to"]["sender"] is None
        assert (client.gaps, client.versions[group]) == (0, last["version"])
        assert older["id"] not in client.messages
