"""Who uses ChatFlow in the journeys. What they do here they do as programs do: to set a scene."""

from __future__ import annotations

from typing import Any

import httpx2

TOKEN = "0123456789abcdefghijklmnopqrstuv"  # CSRF's two halves only have to be the same
EVERYTHING = 10**6


class Person:
    """Somebody with an account, who is signed in on a few devices."""

    def __init__(self, name: str, username: str, sessions: list[str], address: str) -> None:
        self.name = name
        self.username = username
        self.sessions = sessions
        self._program = httpx2.Client(
            base_url=address,
            cookies={"sessionid": sessions[-1], "csrftoken": TOKEN},
            headers={"X-CSRFToken": TOKEN},
            timeout=30,
            verify=False,
        )

    def start_chat(self, other: Person) -> str:
        return self._ask("POST", "/conversations", kind="direct", members=[other.username])["id"]

    def start_group(self, title: str, *others: Person) -> str:
        members = [other.username for other in others]
        return self._ask("POST", "/conversations", kind="group", title=title, members=members)["id"]

    def say(self, conversation: str, *bodies: str, **answering: str) -> str:
        """The id of the last one, to be named as `reply_to` by who answers it."""
        for body in bodies:
            path = f"/conversations/{conversation}/messages"
            message = self._ask("POST", path, body=body, **answering)
        return message["id"]

    def react(self, conversation: str, message: str, emoji: str) -> None:
        self._ask("PUT", f"/conversations/{conversation}/messages/{message}/reactions/{emoji}")

    def read_all(self, conversation: str) -> None:
        self._ask("POST", f"/conversations/{conversation}/receipts", read_seq=EVERYTHING)

    def add(self, conversation: str, *others: Person) -> None:
        members = [other.username for other in others]
        self._ask("POST", f"/conversations/{conversation}/members", members=members)

    def remove(self, conversation: str, other: Person) -> None:
        self._ask("DELETE", f"/conversations/{conversation}/members/{other.username}")

    def rename(self, conversation: str, title: str) -> None:
        self._ask("PATCH", f"/conversations/{conversation}", title=title)

    def keep(self, conversation: str, **how: object) -> None:
        self._ask("PATCH", f"/conversations/{conversation}/settings", **how)

    def call_oneself(self, name: str) -> None:
        self._ask("PATCH", "/users/me", display_name=name)
        self.name = name

    def leave_the_room(self) -> None:
        self._program.close()

    def _ask(self, method: str, path: str, **body: object) -> Any:
        answer = self._program.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None
