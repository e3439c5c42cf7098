"""Says something to somebody over ChatFlow, then prints the conversation, and misses nothing.

pip install websockets; python docs/client.py http://localhost:8000 alice PASSWORD bob "Hello"
"""

import asyncio
import json
import sys
import urllib.request
import uuid

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

BASE, LOGIN, PASSWORD, FRIEND, TEXT = sys.argv[1:]


def post(path, body, **headers):
    headers |= {"Content-Type": "application/json"}
    request = urllib.request.Request(BASE + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


async def frames(socket):
    """What the server says; after a silence it is asked for a sign of life, and else given up."""
    while True:
        try:
            frame = await asyncio.wait_for(socket.recv(), 25)
        except TimeoutError:
            await socket.send('{"type": "ping"}')
            frame = await asyncio.wait_for(socket.recv(), 10)
        yield json.loads(frame)


async def main():
    token = post("/auth/login", {"login": LOGIN, "password": PASSWORD})["access"]
    bearer = {"Authorization": f"Bearer {token}"}  # for 15 minutes; then /auth/refresh
    chat = post("/conversations", {"kind": "direct", "members": [FRIEND]}, **bearer)
    hello = {"type": "message.send", "conversation": chat["id"], "id": str(uuid.uuid4())}
    missed = {"type": "changes", "conversation": chat["id"], "ref": "missed"}
    seen = chat["version"]
    async for socket in connect(f"ws{BASE[4:]}/ws", additional_headers=bearer):
        try:  # the same id is the same message, however often a broken connection has it sent
            await socket.send(json.dumps(hello | {"body": TEXT}))
            await socket.send(json.dumps(missed | {"since": seen}))
            async for said in frames(socket):
                if said.get("conversation") == chat["id"] and said.get("version", 0) > seen + 1:
                    await socket.send(json.dumps(missed | {"since": seen}))  # there is a gap
                elif said.get("version", 0) > seen:
                    for message in said.get("messages", [said.get("message")]):
                        if message:  # a "version" frame is about a message that one may not see
                            name = message["sender"]["username"]
                            print(name, message["body"], sep=": ", flush=True)
                    seen = said["version"]
                    if said.get("more"):
                        await socket.send(json.dumps(missed | {"since": seen}))
        except (ConnectionClosed, TimeoutError):
            continue


if __name__ == "__main__":
    asyncio.run(main())
