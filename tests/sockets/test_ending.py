"""When a socket ends by our doing: its login, its token, its person."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken

from accounts import services
from accounts.models import Login
from accounts.services import open_login
from accounts.tokens import LOGIN_CLAIM
from chatflow.hub import hub
from chatflow.sockets import in_thread
from tests.conftest import PASSWORD, PROGRAM
from tests.realtime.conftest import until
from tests.realtime.layers import SlowToAdd
from tests.sockets.conftest import same_origin

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN_ENDED = 4401


async def test_a_login_that_ends_closes_its_own_socket_and_no_other(connect, alice):
    phone, laptop = await connect(alice), await connect(alice)
    login = await in_thread(Login.objects.order_by("created_at").first)

    await in_thread(services.end_login, login=login)

    assert await phone.closed() == LOGIN_ENDED
    assert (await laptop.ask("ping"))["type"] == "ack"


async def test_a_page_s_socket_ends_with_its_session(open_page, alice):
    page = await open_page(alice)
    login = await in_thread(Login.objects.get)

    await in_thread(services.end_login, login=login)

    assert await page.closed() == LOGIN_ENDED


async def test_a_new_password_closes_all_others(connect, alice):
    here, there = await connect(alice), await connect(alice)
    login = await in_thread(Login.objects.order_by("created_at").first)

    await in_thread(
        services.change_password,
        user=alice,
        current=PASSWORD,
        new="staple battery horse",
        login=login,
    )

    assert await there.closed() == LOGIN_ENDED
    assert (await here.ask("ping"))["type"] == "ack"


@pytest.mark.parametrize("act", ["suspend", "delete"])
async def test_whoever_is_gone_has_no_sockets(connect, open_page, alice, bob, act):
    sockets = [await connect(alice), await connect(alice), await open_page(alice)]
    other = await connect(bob)

    if act == "suspend":
        await in_thread(services.suspend, user=alice)
    else:
        await in_thread(services.delete_account, user=alice, password=PASSWORD)

    assert [await socket.closed() for socket in sockets] == [LOGIN_ENDED] * 3
    assert (await other.ask("ping"))["type"] == "ack"


async def test_a_socket_does_not_outlive_its_token(knock, connect, alice):
    access = AccessToken()
    access[LOGIN_CLAIM] = str((await in_thread(open_login, user=alice, device=PROGRAM)).id)
    access.set_exp(from_time=timezone.now(), lifetime=timedelta(seconds=3))
    brief = knock(headers={"authorization": f"Bearer {access}"})
    other = await connect(alice)

    assert not await brief.open() or await brief.closed() == LOGIN_ENDED
    assert (await other.ask("ping"))["type"] == "ack"


async def test_an_end_that_was_not_heard_of_is_found_by_the_check(connect, alice, bob):
    client, other = await connect(alice), await connect(bob)
    await in_thread(Login.objects.filter(user=alice).update, ended_at=timezone.now())

    await hub().keeper.check(hub(), hub().sockets)

    assert await client.closed() == LOGIN_ENDED
    assert (await other.ask("ping"))["type"] == "ack"


async def test_a_login_that_ends_while_its_socket_opens_is_not_let_in(knock, cookie, alice):
    headers = same_origin(await in_thread(cookie, alice))

    async def end() -> None:
        login = await in_thread(Login.objects.select_related("user").get)
        await in_thread(services.end_login, login=login)

    SlowToAdd().before_next("user.", end)
    client = knock(headers=headers)

    assert not await client.open() or await client.closed() == LOGIN_ENDED
    assert hub().sockets == []


async def test_after_the_end_nothing_more_is_done(connect, alice):
    client = await connect(alice)
    await in_thread(services.suspend, user=alice)
    assert await client.closed() == LOGIN_ENDED

    await client.say({"type": "ping", "ref": 1})
    await client.leave()

    assert client.wire.output_queue.empty()


async def test_whoever_has_ended_joins_nothing_any_more(connect, alice):
    client = await connect(alice)
    (consumer,) = hub().sockets

    consumer.end(LOGIN_ENDED)
    await consumer.hear({"presence.bob": 0})

    assert await client.closed() == LOGIN_ENDED
    assert hub().sockets == []


async def test_whoever_goes_is_forgotten(connect, alice, direct):
    client = await connect(alice)
    assert len(hub().sockets) == 1

    await client.leave()

    assert hub().sockets == []


async def test_whoever_is_cut_off_by_the_server_is_forgotten(connect, alice, direct):
    client = await connect(alice)

    client.wire.future.cancel()
    await asyncio.wait([client.wire.future])

    await until(lambda: hub().sockets == [])


async def test_whoever_is_cut_off_while_coming_in_is_forgotten(knock, token, alice, direct):
    has_begun = asyncio.Event()

    async def wait() -> None:
        has_begun.set()
        await asyncio.sleep(60)

    SlowToAdd().before_next("user.", wait)
    client = knock(headers={"authorization": f"Bearer {await in_thread(token, alice)}"})
    await client.wire.send_input({"type": "websocket.connect"})
    await has_begun.wait()
    assert len(hub().sockets) == 1

    client.wire.future.cancel()
    await asyncio.wait([client.wire.future])

    assert hub().sockets == []
