"""Closing sockets when their login, their token or their user's account ends."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken

from accounts import services
from accounts.auth.tokens import LOGIN_CLAIM
from accounts.events import LOGIN_ENDED
from accounts.models import Login
from accounts.services import open_login
from chatflow.live.hub import hub
from chatflow.live.sockets import in_thread
from tests.conftest import PASSWORD, PROGRAM
from tests.live.conftest import until
from tests.live.layers import SlowToAdd
from tests.sockets.conftest import bearer, same_origin

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_login_that_ends_closes_its_own_socket_and_no_other(connect, alice):
    phone, laptop = await connect(alice), await connect(alice)
    login = await in_thread(Login.objects.order_by("created_at").first)

    await in_thread(services.end_login, login=login)

    assert await phone.close_code() == LOGIN_ENDED
    assert (await laptop.request("ping"))["type"] == "ack"


async def test_a_page_s_socket_ends_with_its_session(open_page, alice):
    page = await open_page(alice)
    login = await in_thread(Login.objects.get)

    await in_thread(services.end_login, login=login)

    assert await page.close_code() == LOGIN_ENDED


async def test_new_password_closes_the_sockets_of_other_logins(connect, alice):
    here, there = await connect(alice), await connect(alice)
    login = await in_thread(Login.objects.order_by("created_at").first)

    await in_thread(
        services.change_password,
        user=alice,
        current=PASSWORD,
        new="staple battery horse",
        login=login,
    )

    assert await there.close_code() == LOGIN_ENDED
    assert (await here.request("ping"))["type"] == "ack"


@pytest.mark.parametrize("act", ["suspend", "delete"])
async def test_suspended_and_deleted_users_lose_their_sockets(connect, open_page, alice, bob, act):
    sockets = [await connect(alice), await connect(alice), await open_page(alice)]
    other = await connect(bob)

    if act == "suspend":
        await in_thread(services.suspend, user=alice)
    else:
        await in_thread(services.delete_account, user=alice, password=PASSWORD)

    assert [await socket.close_code() for socket in sockets] == [LOGIN_ENDED] * 3
    assert (await other.request("ping"))["type"] == "ack"


async def test_socket_closes_when_its_token_expires(new_client, connect, alice):
    access = AccessToken()
    access[LOGIN_CLAIM] = str((await in_thread(open_login, user=alice, device=PROGRAM)).id)
    access.set_exp(from_time=timezone.now(), lifetime=timedelta(seconds=3))
    brief = new_client(headers=bearer(access))
    other = await connect(alice)

    assert not await brief.open() or await brief.close_code() == LOGIN_ENDED
    assert (await other.request("ping"))["type"] == "ack"


async def test_recheck_closes_sockets_of_logins_whose_end_was_missed(connect, alice, bob):
    client, other = await connect(alice), await connect(bob)
    await in_thread(Login.objects.filter(user=alice).update, ended_at=timezone.now())

    await hub().recheck()

    assert await client.close_code() == LOGIN_ENDED
    assert (await other.request("ping"))["type"] == "ack"


async def test_login_that_ends_during_the_handshake_is_refused(new_client, cookie, alice):
    headers = same_origin(await in_thread(cookie, alice))

    async def end() -> None:
        login = await in_thread(Login.objects.select_related("user").get)
        await in_thread(services.end_login, login=login)

    SlowToAdd().before_next("user.", end)
    client = new_client(headers=headers)

    assert not await client.open() or await client.close_code() == LOGIN_ENDED
    assert hub().sockets == []


async def test_closed_socket_answers_no_commands(connect, alice):
    client = await connect(alice)
    await in_thread(services.suspend, user=alice)
    assert await client.close_code() == LOGIN_ENDED

    await client.send({"type": "ping", "ref": 1})
    await client.disconnect()

    assert client.communicator.output_queue.empty()


async def test_closed_sockets_cannot_subscribe(connect, alice):
    client = await connect(alice)
    (consumer,) = hub().sockets

    consumer.close(LOGIN_ENDED)
    await consumer.subscribe({"presence.bob": 0})

    assert await client.close_code() == LOGIN_ENDED
    assert hub().sockets == []


async def test_sockets_that_leave_are_removed_from_the_hub(connect, alice, direct):
    client = await connect(alice)
    assert len(hub().sockets) == 1

    await client.disconnect()

    assert hub().sockets == []


async def test_cancelled_sockets_are_removed_from_the_hub(connect, alice, direct):
    client = await connect(alice)

    client.communicator.future.cancel()
    await asyncio.wait([client.communicator.future])

    await until(lambda: hub().sockets == [])


async def test_sockets_cancelled_during_the_handshake_are_removed_from_the_hub(
    new_client, token, alice, direct
):
    has_begun = asyncio.Event()

    async def wait() -> None:
        has_begun.set()
        await asyncio.sleep(60)

    SlowToAdd().before_next("user.", wait)
    client = new_client(headers=bearer(await in_thread(token, alice)))
    await client.communicator.send_input({"type": "websocket.connect"})
    await has_begun.wait()
    assert len(hub().sockets) == 1

    client.communicator.future.cancel()
    await asyncio.wait([client.communicator.future])

    assert hub().sockets == []
