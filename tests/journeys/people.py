"""The users of the journeys. A `Person` prepares a test through the API, without a browser."""

from __future__ import annotations

from typing import Any

import httpx2

TOKEN = "0123456789abcdefghijklmnopqrstuv"  # Django compares the CSRF cookie with the header
EVERYTHING = 10**6


class Person:
    """A user with an account, who is logged in on several devices."""

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
        return self._call("POST", "/conversations", kind="direct", members=[other.username])["id"]

    def start_group(self, title: str, *others: Person) -> str:
        body = {"kind": "group", "title": title, "members": [other.username for other in others]}
        return self._call("POST", "/conversations", **body)["id"]

    def say(self, conversation: str, *bodies: str, **fields: str) -> str:
        """Send these messages and return the id of the last one, which `reply_to` accepts."""
        for body in bodies:
            path = f"/conversations/{conversation}/messages"
            message = self._call("POST", path, body=body, **fields)
        return message["id"]

    def react(self, conversation: str, message: str, emoji: str) -> None:
        self._call("PUT", f"/conversations/{conversation}/messages/{message}/reactions/{emoji}")

    def read_all(self, conversation: str) -> None:
        self._call("POST", f"/conversations/{conversation}/receipts", read_seq=EVERYTHING)

    def add(self, conversation: str, *others: Person) -> None:
        members = [other.username for other in others]
        self._call("POST", f"/conversations/{conversation}/members", members=members)

    def remove(self, conversation: str, other: Person) -> None:
        self._call("DELETE", f"/conversations/{conversation}/members/{other.username}")

    def rename(self, conversation: str, title: str) -> None:
        self._call("PATCH", f"/conversations/{conversation}", title=title)

    def change_settings(self, conversation: str, **settings: object) -> None:
        self._call("PATCH", f"/conversations/{conversation}/settings", **settings)

    def set_display_name(self, name: str) -> None:
        self._call("PATCH", "/users/me", display_name=name)
        self.name = name

    def close(self) -> None:
        self._program.close()

    def _call(self, method: str, path: str, **body: object) -> Any:
        answer = self._program.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None
