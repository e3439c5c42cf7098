"""Who may open a socket, and what they are told first."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from rest_framework_simplejwt.tokens import AccessToken

from accounts.services import end_login, open_login, suspend
from accounts.tokens import LOGIN_CLAIM, token_pair
from chatflow.hub import hub
from chatflow.places import WaitingRoom
from chatflow.sockets import in_thread
from tests.conftest import PROGRAM
from tests.sockets.conftest import SECONDS, BatchClient, Page, refusal, same_origin

pytestmark = pytest.mark.django_db(transaction=True)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


# Three ways in


async def test_a_program_shows_its_token_in_a_header(knock, token, alice):
    client = knock(headers=bearer(await in_thread(token, alice)))

    assert await client.open()
    assert (await client.next())["user"]["username"] == "alice"


async def test_a_browser_shows_a_token_among_the_subprotocols(knock, token, alice):
    offered = ["chatflow.v1", f"bearer.{await in_thread(token, alice)}"]
    client = knock(subprotocols=offered)

    assert await client.open()
    assert client.subprotocol == "chatflow.v1"
    assert (await client.next())["type"] == "ready"


async def test_the_batch_subprotocol_makes_frames_arrays(knock, token, alice):
    client = knock(
        BatchClient,
        headers=bearer(await in_thread(token, alice)),
        subprotocols=["something.else", "chatflow.v1.batch", "chatflow.v1"],
    )

    assert await client.open()
    assert client.subprotocol == "chatflow.v1.batch"
    assert (await client.next())["type"] == "ready"


@pytest.mark.parametrize(("kind", "path"), [(None, "/ws"), (Page, "/ws/page")])
async def test_a_page_of_ours_shows_its_cookie(knock, cookie, alice, kind, path):
    headers = same_origin(await in_thread(cookie, alice))
    client = knock(*filter(None, [kind]), path=path, headers=headers)

    assert await client.open()
    assert "ready" in (await client.next())["type"]


async def test_a_cookie_is_found_beside_strange_ones(knock, cookie, alice):
    headers = same_origin(f'a/b=1; "; =; é=ü; {await in_thread(cookie, alice)}; x')

    assert await knock(headers=headers).open()


async def test_the_first_frame_says_where_everything_stands(
    knock, token, say, alice, direct, group
):
    message = await in_thread(say, alice, direct, "hello")
    client = knock(headers=bearer(await in_thread(token, alice)))

    await client.open()

    ready = await client.next()
    heads = {head["id"]: head for head in ready["conversations"]}
    assert heads.keys() == {str(direct.id), str(group.id)}
    assert heads[str(direct.id)] == {
        "id": str(direct.id),
        "version": message.version,
        "last_seq": message.seq,
        "delivered_seq": 0,
        "read_seq": 0,
        "own_read_seq": 1,
    }


# Nobody else


async def refused(client) -> bool:
    return not await client.open()


async def test_whoever_is_not_signed_in_is_told_so(knock):
    for headers in ({}, bearer("x"), same_origin("sessionid=made.up:one")):
        assert await refusal(knock(headers=headers)) == (401, {b"www-authenticate": b"Bearer"})


async def test_a_strange_page_is_told_that_it_may_not(knock, cookie, alice):
    headers = same_origin(await in_thread(cookie, alice)) | {"origin": "http://evil.example"}

    assert await refusal(knock(headers=headers)) == (403, {})


async def test_whoever_shows_nothing_is_refused(knock):
    for path in ("/ws", "/ws/page"):
        assert await refused(knock(path=path))
        assert await refused(knock(path=path, headers=same_origin("sessionid=made.up:one")))


async def test_who_waits_too_long_on_the_way_in_is_told_to_come_back(
    knock, token, monkeypatch, alice
):
    headers = bearer(await in_thread(token, alice))

    monkeypatch.setattr(hub(), "arrivals", WaitingRoom(0, patience_seconds=0.01))
    assert await refusal(knock(headers=headers)) == (503, {b"retry-after": b"2"})


async def test_those_on_the_way_in_take_their_turns(knock, token, monkeypatch, alice):
    headers = bearer(await in_thread(token, alice))
    monkeypatch.setattr(hub(), "arrivals", WaitingRoom(1, patience_seconds=SECONDS))

    clients = [knock(headers=headers), knock(headers=bearer("x")), knock(headers=headers)]

    assert await asyncio.gather(*(client.open() for client in clients)) == [True, False, True]


async def test_what_is_no_token_is_refused(knock):
    for bad in ("x", "a.b.c", "é", "\0", "x" * 10_000):
        assert await refused(knock(headers=bearer(bad)))
        assert await refused(knock(subprotocols=["chatflow.v1", f"bearer.{bad}"]))


async def test_a_bad_token_is_refused_even_beside_a_good_cookie(knock, cookie, alice):
    headers = same_origin(await in_thread(cookie, alice)) | bearer("x")

    assert await refused(knock(headers=headers))


async def test_an_expired_token_is_refused(knock, alice):
    access = AccessToken()
    access[LOGIN_CLAIM] = str((await in_thread(open_login, user=alice, device=PROGRAM)).id)
    access.set_exp(lifetime=-timedelta(seconds=1))

    assert await refused(knock(headers=bearer(str(access))))


async def test_a_refresh_token_is_refused(knock, alice):
    login = await in_thread(open_login, user=alice, device=PROGRAM)

    assert await refused(knock(headers=bearer(token_pair(login).refresh)))


async def test_the_token_of_a_login_that_has_ended_is_refused(knock, alice):
    login = await in_thread(open_login, user=alice, device=PROGRAM)
    await in_thread(end_login, login=login)

    assert await refused(knock(headers=bearer(token_pair(login).access)))


async def test_whoever_is_suspended_is_refused(knock, token, alice):
    access = await in_thread(token, alice)
    await in_thread(suspend, user=alice)

    assert await refused(knock(headers=bearer(access)))


OTHER_ORIGINS = [
    "",
    "null",
    "http://evil.example",
    "http://localhost:8000.evil.example",
    "http://localhost:9000",
    "https://localhost:8000",
    "http://[",
    "http://localhost:8000/",
    "localhost:8000",
]


async def test_a_cookie_is_refused_from_anywhere_but_our_own_pages(knock, cookie, alice):
    ours = same_origin(await in_thread(cookie, alice))
    without = {name: value for name, value in ours.items() if name != "origin"}

    for headers in [without, *(ours | {"origin": origin} for origin in OTHER_ORIGINS)]:
        assert await refused(knock(headers=headers))
        assert await refused(knock(path="/ws/page", headers=headers))
    assert await knock(headers=ours).open()


async def test_a_host_that_is_not_ours_is_refused(knock, cookie, alice):
    headers = {"origin": "http://evil.example", "host": "evil.example"}

    assert await refused(knock(headers=headers | {"cookie": await in_thread(cookie, alice)}))


async def test_behind_a_proxy_the_page_s_own_scheme_counts(knock, cookie, settings, alice):
    settings.TRUSTED_PROXIES = 1
    headers = same_origin(await in_thread(cookie, alice)) | {"host": "localhost"}

    spoken = headers | {"x-forwarded-proto": "https", "origin": "https://localhost"}
    assert await knock(headers=spoken).open()
    assert await refused(knock(headers=spoken | {"origin": "http://localhost"}))


async def test_there_are_no_other_sockets(knock, caplog):
    for path in ("/", "/ws/", "/ws/other", "/chats"):
        assert await refused(knock(path=path))

    assert caplog.records == []
