"""Run the searches and print their figures; the database must be empty."""

from __future__ import annotations

import statistics
import time
from argparse import Namespace
from datetime import timedelta

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402
from rest_framework.test import APIClient  # noqa: E402

from accounts.auth.tokens import token_pair  # noqa: E402
from accounts.models import Login, User  # noqa: E402
from accounts.services import Device, open_login  # noqa: E402
from conversations.access import find_membership  # noqa: E402
from conversations.services import start_direct  # noqa: E402
from messaging.models import Message, PostingList  # noqa: E402
from tests.load.search import filling  # noqa: E402
from tests.load.search.text import NEVER, RARE, TextGenerator  # noqa: E402

PAGE = 20
PARTNER = "the other one"
DEVICE = Device(kind=Login.Kind.API, user_agent="benchmark", ip="127.0.0.1")


def measure(arguments: Namespace) -> None:
    call_command("migrate", verbosity=0)
    filling.do_not_wait_for_the_disk()
    text = TextGenerator()
    user, hub, other, *others = filling.people(3 + arguments.conversations)
    filling.conversations_of(user, [other], arguments.messages, text)
    filling.conversations_of(hub, others, arguments.each, text)
    start = time.perf_counter()
    filling.build_index()
    print(f"\n{connection.vendor}: indexed in {time.perf_counter() - start:.0f} s")
    print_sizes()
    print_cost_of_growth(other, others[0], arguments.live, text)
    print_times([(user, other), (hub, others[0])], arguments.times, text)


def print_sizes() -> None:
    number, messages, rows = (
        Message.objects.count(),
        filling.size_of(Message),
        filling.size_of(PostingList),
    )
    print(f"messages {messages / number:6.0f} bytes each, with their indexes, of {number}")
    print(f"index    {rows / number:6.0f} bytes each, {rows / messages:.2f} of the messages")


def print_times(pairs: list[tuple[User, User]], times: int, text: TextGenerator) -> None:
    """Print the times of every search for each pair of a user and a sender to filter by."""
    clients = [(_client(user), partner.username) for user, partner in pairs]
    print(f"\n{'first page, ms: best – median, hits':36}{'one conversation':>20}{'all':>20}")
    for name, parameters in _searches(text).items():
        figures = [_figure(*client, parameters, times) for client in clients]
        print(f"{name:36}{figures[0]:>20}{figures[1]:>20}")


def print_cost_of_growth(one: User, two: User, number: int, text: TextGenerator) -> None:
    """Print the cost of extending the index message by message, which fragments its rows."""
    chat, _is_new = start_direct(user=one, username=two.username)
    before = filling.size_of(Message), filling.size_of(PostingList)
    start = time.perf_counter()
    filling.send_one_by_one(find_membership(one, chat.id), number, text)
    each = (time.perf_counter() - start) / number
    grown = filling.size_of(Message) - before[0], filling.size_of(PostingList) - before[1]
    print(f"sent one by one: {each * 1000:.1f} ms, {grown[0] / number:.0f} bytes a message and")
    print(f"         {grown[1] / number:6.0f} bytes in the index, of the next {number} messages")


def _searches(text: TextGenerator) -> dict[str, dict[str, str]]:
    common = max(text.words[:8], key=len)
    one, other = text.never_together
    lately = (timezone.now() - timedelta(days=30)).isoformat()
    long_ago = (timezone.now() - timedelta(days=150)).isoformat()
    return {
        "the commonest word": {"q": text.words[0]},
        "a common word": {"q": common},
        "the beginning of a common word": {"q": text.words[70][:3]},
        "a middling word": {"q": text.words[1500]},
        "a rare word": {"q": text.words[-1]},
        "a word said once, at first": {"q": RARE},
        "a word that was never said": {"q": NEVER},
        "never said, a common beginning": {"q": text.words[70][:3] + "zqx"},
        "two common words": {"q": f"{text.words[1]} {text.words[2]}"},
        "two common words, never together": {"q": f"{one} {other}"},
        "a common word of one person": {"q": common, "sender": PARTNER},
        "a common word, long ago": {"q": common, "before": long_ago},
        "a rare word, lately": {"q": text.words[-1], "after": lately},
    }


def _client(user: User) -> APIClient:
    client = APIClient(SERVER_NAME="localhost")
    access = token_pair(open_login(user=user, device=DEVICE)).access
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


def _figure(client: APIClient, partner: str, parameters: dict[str, str], times: int) -> str:
    parameters = {name: value.replace(PARTNER, partner) for name, value in parameters.items()}
    taken, found = [], 0
    for _ in range(times):
        start = time.perf_counter()
        answer = client.get("/messages", {"limit": PAGE} | parameters)
        taken.append((time.perf_counter() - start) * 1000)
        found = len(answer.json()["results"])
    return f"{min(taken):.0f} – {statistics.median(taken):.0f}, {found}"
