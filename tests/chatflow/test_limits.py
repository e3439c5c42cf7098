"""Token buckets in memory and in Redis, the table of limits, and the limit on reading."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.utils.translation import override

from chatflow import settings as configured
from chatflow.limits import policy as limits
from chatflow.limits.policy import ConnectionCounter, RateMeter, TooMany, consume
from chatflow.limits.token_bucket import Limit, MemoryBuckets, RedisBuckets, Scope
from chatflow.server.proxies import network_of
from tests.resilience.servers import OwnRedis, find_program

ROOT = Path(__file__).resolve().parents[2]
ALICE, BOB = uuid.UUID(int=1), uuid.UUID(int=2)
FEW = Limit("acting in a test", 5, 3600, Scope.PERSON)
QUICK = Limit("acting quickly in a test", 2, 1, Scope.PERSON)

pytestmark = pytest.mark.usefixtures("limited")


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.services)])
def engine(request, settings) -> str:
    """Run the test with each engine."""
    settings.REDIS_URL = configured.REDIS_URL if request.param == "redis" else ""
    assert bool(settings.REDIS_URL) == (request.param == "redis")
    return request.param


@pytest.fixture
def own_redis(settings) -> Iterator[OwnRedis]:
    """A Redis that the test may stop."""
    if not find_program("redis-server"):
        pytest.skip("redis-server is not installed here, and this test starts one of its own")
    redis = OwnRedis().start()
    settings.REDIS_URL = redis.url
    yield redis
    if redis.is_alive:
        redis.kill()


def passes(limit: Limit = FEW, **scope: object) -> bool:
    try:
        consume(limit, **(scope or {"person": ALICE}))
    except TooMany:
        return False
    return True


# Tokens


def test_burst_passes_and_more_is_refused(engine):
    assert [passes() for _ in range(7)] == [True] * 5 + [False] * 2


def test_concurrent_threads_take_no_more_tokens_than_there_are(engine):
    with ThreadPoolExecutor(20) as threads:
        passed = list(threads.map(lambda _: passes(), range(100)))

    assert passed.count(True) == FEW.at_once


def test_tokens_are_refilled_evenly(engine):
    assert [passes(QUICK) for _ in range(3)] == [True, True, False]
    with pytest.raises(TooMany):
        consume(QUICK, person=ALICE)

    start = time.monotonic()
    while not passes(QUICK):
        time.sleep(0.01)

    assert 0.3 < time.monotonic() - start < 5  # one is due after half a second
    assert not passes(QUICK)


def test_refusal_says_how_long_to_wait(engine):
    for _ in range(5):
        consume(FEW, person=ALICE)

    with override("en"), pytest.raises(TooMany) as refusal:
        consume(FEW, person=ALICE)

    assert refusal.value.wait == FEW.interval == 720
    assert str(refusal.value) == "Too many requests. Try again in 720 seconds."


def test_refusal_takes_no_token(engine):
    for _ in range(2):
        consume(QUICK, person=ALICE)

    waits = []
    for _ in range(20):
        with pytest.raises(TooMany) as refusal:
            consume(QUICK, person=ALICE)
        waits.append(refusal.value.wait)

    assert max(waits) == 1


def test_refunded_token_can_be_taken_again(engine):
    refund = [consume(FEW, person=ALICE) for _ in range(5)]
    assert not passes()

    refund.pop()()

    assert [passes(), passes()] == [True, False]


def test_refunds_do_not_exceed_the_size_of_the_bucket(engine):
    for _ in range(3):
        consume(FEW, person=ALICE)()

    assert [passes() for _ in range(6)] == [True] * 5 + [False]


def test_each_user_address_and_limit_has_its_own_bucket(engine):
    other = Limit("something else", 1, 3600, Scope.PERSON)
    while passes():
        pass

    assert passes(person=BOB)
    assert passes(other)
    assert passes(address="192.0.2.1")
    assert passes(account="alice", address="192.0.2.1")


def test_nothing_is_counted_when_throttling_is_off(settings, engine):
    settings.THROTTLE_ON = False
    assert all(passes() for _ in range(20))

    settings.THROTTLE_ON = True

    assert passes()


# Addresses


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:1::1", "2001:db8:0:1:0::2"),
        ("", "nonsense"),
    ],
)
def test_addresses_of_one_network_are_the_same(one, other):
    assert network_of(one) == network_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("2001:db8:0:1::1", "2001:db8:0:2::1"), ("192.0.2.1", "192.0.2.2"), ("::1", "127.0.0.1")],
)
def test_addresses_of_two_networks_differ(one, other):
    assert network_of(one) != network_of(other)


def test_ipv6_network_shares_one_bucket(engine):
    for number in range(5):
        assert passes(address=f"2001:db8:0:1::{number}")

    assert not passes(address="2001:db8:0:1::5")
    assert passes(address="2001:db8:0:2::")


# Memory


def test_number_of_buckets_in_memory_is_bounded():
    buckets = MemoryBuckets(most=100)
    for number in range(1000):
        buckets.take(f"{number}", FEW)

    assert len(buckets) <= 100


def test_flood_of_new_keys_does_not_lift_a_refusal():
    buckets = MemoryBuckets(most=100)
    while not buckets.take("guesser", FEW):
        pass

    for number in range(1000):
        buckets.take(f"{number}", FEW)

    assert buckets.take("guesser", FEW)


def test_full_buckets_are_deleted_first():
    buckets = MemoryBuckets(most=100)
    for number in range(50):
        buckets.take(f"waiting {number}", FEW)
    for number in range(1000):
        buckets.take(f"full {number}", FEW)
        buckets.refund(f"full {number}", FEW)

    for number in range(50):
        passed = [not buckets.take(f"waiting {number}", FEW) for _ in range(FEW.at_once)]
        assert passed == [True] * (FEW.at_once - 1) + [False]


def test_rate_meter_refuses_beyond_its_limit():
    pace = RateMeter(FEW)
    for _ in range(5):
        pace.consume()

    with pytest.raises(TooMany):
        pace.consume()


def test_connection_counter_limits_each_owner_and_forgets_those_that_left():
    crowd = ConnectionCounter(2)
    crowd.enter("alice")
    crowd.enter("alice")
    with pytest.raises(TooMany):
        crowd.enter("alice")
    crowd.enter("bob")

    for who in ("alice", "alice", "bob"):
        crowd.leave(who)

    assert len(crowd) == 0


# Redis


@pytest.mark.services
def test_processes_share_one_bucket():
    program = (
        "import uuid, django; django.setup()\n"
        "from chatflow.limits.policy import Limit, Scope, TooMany, consume\n"
        "limit = Limit('acting in a test', 5, 3600, Scope.PERSON)\n"
        "for _ in range(20):\n"
        "    try: consume(limit, person=uuid.UUID(int=1))\n"
        "    except TooMany: print('refused')\n"
        "    else: print('passed')\n"
    )
    command = [sys.executable, "-c", program]
    environment = os.environ | {"THROTTLE": "on"}
    running = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = "".join(process.communicate(timeout=120)[0] for process in running)

    assert said.count("passed") == FEW.at_once
    assert said.count("refused") == 40 - FEW.at_once
    assert not passes()


@pytest.mark.services
def test_redis_expires_full_buckets(own_redis, settings):
    redis = RedisBuckets(own_redis.url)._script.registered_client
    consume(FEW, person=ALICE)
    consume(QUICK, person=BOB)()

    (key,) = redis.keys()

    assert 719_000 < redis.pttl(key) <= 720_000


@pytest.mark.services
def test_redis_keys_contain_no_names_or_addresses(own_redis):
    consume(limits.FAILED_LOGINS, account="alice@example.org", address="192.0.2.1")

    (key,) = RedisBuckets(own_redis.url)._script.registered_client.keys()

    assert re.fullmatch(rb"limit:[0-9a-f]{32}", key)


@pytest.mark.services
@pytest.mark.parametrize("broken", [OwnRedis.kill, OwnRedis.freeze])
def test_process_counts_for_itself_without_delay_while_redis_is_down(own_redis, caplog, broken):
    assert passes()
    broken(own_redis)

    start = time.monotonic()
    passed = [passes() for _ in range(50)]

    assert time.monotonic() - start < 1
    assert passed.count(True) == FEW.at_once
    assert len([line for line in caplog.messages if "limits are not shared" in line]) == 1


@pytest.mark.services
def test_frozen_redis_delays_concurrent_requests_only_once(own_redis):
    own_redis.freeze()

    start = time.monotonic()
    with ThreadPoolExecutor(50) as threads:
        passed = list(threads.map(lambda _: passes(), range(50)))

    assert passed.count(True) == FEW.at_once
    assert time.monotonic() - start < 2


@pytest.mark.services
def test_redis_counts_again_after_it_recovers(own_redis, monkeypatch):
    monkeypatch.setattr("chatflow.limits.token_bucket.SILENT_SECONDS", 0)
    own_redis.kill()
    while passes():
        pass

    own_redis.start()

    assert [passes() for _ in range(6)] == [True] * 5 + [False]


@pytest.mark.services
def test_connection_closed_by_redis_is_replaced(own_redis, caplog):
    consume(FEW, person=ALICE)
    RedisBuckets(own_redis.url)._script.registered_client.client_kill_filter(_type="normal")

    assert [passes() for _ in range(5)] == [True] * 4 + [False]
    assert not caplog.messages


# The table


def test_operations_page_lists_the_limits_in_force():
    page = (ROOT / "docs/operations.md").read_text()
    told = re.search(r"^## Limits$(.*?)^## ", page, re.M | re.S)[1]
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in told.splitlines()
        if line.startswith("|")
    ][2:]

    assert rows == [
        *((limit.what, _told(limit), limit.scope.value) for limit in limits.TABLE),
        ("sockets open", f"{limits.SOCKETS_AT_ONCE} in one process", "person"),
    ]


def test_each_limit_has_a_name_and_scope_of_its_own():
    assert len({(limit.what, limit.scope) for limit in limits.TABLE}) == len(limits.TABLE)


# Reading


@pytest.mark.parametrize("path", ["/", "/settings", "/conversations", "/users/me"])
def test_reading_is_limited_for_each_user_over_all_paths(browser, few, alice, bob, path):
    few(limits.READING, 1)
    client = browser(alice)
    assert client.get("/chats/new").status_code == 200

    answer = client.get(path, headers={"Accept": "text/html"})

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert browser(bob).get(path).status_code == 200


def test_reading_with_a_token_counts_once_and_writing_does_not(program, few, alice, direct):
    few(limits.READING, 2)
    client = program(alice)
    client.post(f"/conversations/{direct.id}/messages", {"body": "hello"})

    assert [client.get("/conversations").status_code for _ in range(3)] == [200, 200, 429]
    assert client.patch("/users/me", {"about": "gardening"}).status_code == 200


def test_pictures_do_not_count_as_reading(browser, few, alice):
    few(limits.READING, 1)
    client = browser(alice)

    assert [client.get("/avatars/none.webp").status_code for _ in range(3)] == [404] * 3


def _told(limit: Limit) -> str:
    seconds = limit.seconds
    for unit, length in (("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds % length == 0:
            number = seconds // length
            return f"{limit.at_once} in {number} {unit}{'s' * (number > 1)}"
    raise AssertionError(limit)
