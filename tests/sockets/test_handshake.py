"""Handshakes: who may open a socket, and its first frame."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from rest_framework_simplejwt.tokens import AccessToken

from accounts.auth.tokens import LOGIN_CLAIM, token_pair
from accounts.services import end_login, open_login, suspend
from chatflow.limits.concurrency import AsyncConcurrencyLimit
from chatflow.live.hub import hub
from chatflow.live.sockets import in_thread
from tests.conftest import PROGRAM
from tests.sockets.conftest import SECONDS, BatchClient, Page, bearer, refusal, same_origin

pytestmark = pytest.mark.django_db(transaction=True)


# Ways to authenticate


async def test_program_authenticates_by_token_in_a_header(new_client, token, alice):
    client = new_client(headers=bearer(await in_thread(token, alice)))

    assert await client.open()
    assert (await client.next())["user"]["username"] == "alice"


async def test_browser_authenticates_by_token_among_the_subprotocols(new_client, token, alice):
    offered = ["chatflow.v1", f"bearer.{await in_thread(token, alice)}"]
    client = new_client(subprotocols=offered)

    assert await client.open()
    assert client.subprotocol == "chatflow.v1"
    assert (await client.next())["type"] == "ready"


async def test_batch_subprotocol_receives_arrays(new_client, token, alice):
    client = new_client(
        BatchClient,
        headers=bearer(await in_thread(token, alice)),
        subprotocols=["something.else", "chatflow.v1.batch", "chatflow.v1"],
    )

    assert await client.open()
    assert client.subprotocol == "chatflow.v1.batch"
    assert (await client.next())["type"] == "ready"


@pytest.mark.parametrize(("kind", "path"), [(None, "/ws"), (Page, "/ws/page")])
async def test_page_authenticates_by_cookie(new_client, cookie, alice, kind, path):
    headers = same_origin(await in_thread(cookie, alice))
    client = new_client(*filter(None, [kind]), path=path, headers=headers)

    assert await client.open()
    assert "ready" in (await client.next())["type"]


async def test_session_cookie_is_found_among_malformed_ones(new_client, cookie, alice):
    headers = same_origin(f'a/b=1; "; =; é=ü; {await in_thread(cookie, alice)}; x')

    assert await new_client(headers=headers).open()


async def test_the_first_frame_is_ready_with_all_sync_states(
    new_client, token, say, alice, direct, group
):
    message = await in_thread(say, alice, direct, "hello")
    client = new_client(headers=bearer(await in_thread(token, alice)))

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


# Refusals


async def refused(client) -> bool:
    return not await client.open()


async def test_an_unauthenticated_handshake_answers_401(new_client):
    for headers in ({}, bearer("x"), same_origin("sessionid=made.up:one")):
        assert await refusal(new_client(headers=headers)) == (401, {b"www-authenticate": b"Bearer"})


async def test_a_handshake_from_another_site_answers_403(new_client, cookie, alice):
    headers = same_origin(await in_thread(cookie, alice)) | {"origin": "http://evil.example"}

    assert await refusal(new_client(headers=headers)) == (403, {})


async def test_a_handshake_without_credentials_is_refused(new_client):
    for path in ("/ws", "/ws/page"):
        assert await refused(new_client(path=path))
        assert await refused(new_client(path=path, headers=same_origin("sessionid=made.up:one")))


async def test_page_of_another_user_is_refused(new_client, cookie, alice, bob):
    headers = same_origin(await in_thread(cookie, bob))

    assert await refused(new_client(Page, path=f"/ws/page?page_user={alice.id}", headers=headers))
    assert await new_client(Page, path=f"/ws/page?page_user={bob.id}", headers=headers).open()


async def test_handshake_that_waits_too_long_answers_503(new_client, token, monkeypatch, alice):
    headers = bearer(await in_thread(token, alice))

    monkeypatch.setattr(hub(), "handshakes", AsyncConcurrencyLimit(0, patience_seconds=0.01))
    assert await refusal(new_client(headers=headers)) == (503, {b"retry-after": b"2"})


async def test_handshakes_wait_for_a_free_slot(new_client, token, monkeypatch, alice):
    headers = bearer(await in_thread(token, alice))
    monkeypatch.setattr(hub(), "handshakes", AsyncConcurrencyLimit(1, patience_seconds=SECONDS))

    clients = [
        new_client(headers=headers),
        new_client(headers=bearer("x")),
        new_client(headers=headers),
    ]

    assert await asyncio.gather(*(client.open() for client in clients)) == [True, False, True]


async def test_malformed_token_is_refused(new_client):
    for bad in ("x", "a.b.c", "é", "\0", "x" * 10_000):
        assert await refused(new_client(headers=bearer(bad)))
        assert await refused(new_client(subprotocols=["chatflow.v1", f"bearer.{bad}"]))


async def test_invalid_token_is_refused_even_with_a_valid_cookie(new_client, cookie, alice):
    headers = same_origin(await in_thread(cookie, alice)) | bearer("x")

    assert await refused(new_client(headers=headers))


async def test_an_expired_token_is_refused(new_client, alice):
    access = AccessToken()
    access[LOGIN_CLAIM] = str((await in_thread(open_login, user=alice, device=PROGRAM)).id)
    access.set_exp(lifetime=-timedelta(seconds=10))

    assert await refused(new_client(headers=bearer(str(access))))


async def test_a_refresh_token_is_refused(new_client, alice):
    login = await in_thread(open_login, user=alice, device=PROGRAM)

    assert await refused(new_client(headers=bearer(token_pair(login).refresh)))


async def test_the_token_of_a_login_that_has_ended_is_refused(new_client, alice):
    login = await in_thread(open_login, user=alice, device=PROGRAM)
    await in_thread(end_login, login=login)

    assert await refused(new_client(headers=bearer(token_pair(login).access)))


async def test_suspended_users_are_refused(new_client, token, alice):
    access = await in_thread(token, alice)
    await in_thread(suspend, user=alice)

    assert await refused(new_client(headers=bearer(access)))


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


async def test_cookie_is_refused_from_other_origins(new_client, cookie, alice):
    ours = same_origin(await in_thread(cookie, alice))
    without = {name: value for name, value in ours.items() if name != "origin"}

    for headers in [without, *(ours | {"origin": origin} for origin in OTHER_ORIGINS)]:
        assert await refused(new_client(headers=headers))
        assert await refused(new_client(path="/ws/page", headers=headers))
    assert await new_client(headers=ours).open()


async def test_unknown_host_is_refused(new_client, cookie, alice):
    headers = {"origin": "http://evil.example", "host": "evil.example"}

    assert await refused(new_client(headers=headers | {"cookie": await in_thread(cookie, alice)}))


async def test_behind_a_proxy_the_forwarded_scheme_counts(new_client, cookie, settings, alice):
    settings.TRUSTED_PROXIES = 1
    headers = same_origin(await in_thread(cookie, alice)) | {"host": "localhost"}

    spoken = headers | {"x-forwarded-proto": "https", "origin": "https://localhost"}
    assert await new_client(headers=spoken).open()
    assert await refused(new_client(headers=spoken | {"origin": "http://localhost"}))


async def test_unknown_paths_are_refused(new_client, caplog):
    for path in ("/", "/ws/", "/ws/other", "/chats"):
        assert await refused(new_client(path=path))

    assert caplog.records == []
