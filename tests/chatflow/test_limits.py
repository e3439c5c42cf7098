"""Buckets: exactly so many pass, whoever counts; and what limits is told in one table."""

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

from chatflow import limits
from chatflow import settings as configured
from chatflow.buckets import Limit, MemoryBuckets, RedisBuckets, Whose
from chatflow.limits import Crowd, Pace, TooMany, spend
from chatflow.proxies import network_of
from tests.truth.servers import OwnRedis, find_program

ROOT = Path(__file__).resolve().parents[2]
ALICE, BOB = uuid.UUID(int=1), uuid.UUID(int=2)
FEW = Limit("acting in a test", 5, 3600, Whose.PERSON)
QUICK = Limit("acting quickly in a test", 2, 1, Whose.PERSON)

pytestmark = pytest.mark.usefixtures("limited")


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.services)])
def engine(request, settings) -> str:
    """Both, one after the other."""
    settings.REDIS_URL = configured.REDIS_URL if request.param == "redis" else ""
    assert bool(settings.REDIS_URL) == (request.param == "redis")
    return request.param


@pytest.fixture
def own_redis(settings) -> Iterator[OwnRedis]:
    """One to be broken."""
    if not find_program("redis-server"):
        pytest.skip("redis-server is not installed here, and this test starts one of its own")
    redis = OwnRedis().start()
    settings.REDIS_URL = redis.url
    yield redis
    if redis.is_alive:
        redis.kill()


def passes(limit: Limit = FEW, **whose: object) -> bool:
    try:
        spend(limit, **(whose or {"person": ALICE}))
    except TooMany:
        return False
    return True


# How many pass


def test_so_many_at_once_and_no_more(engine):
    assert [passes() for _ in range(7)] == [True] * 5 + [False] * 2


def test_of_twenty_threads_exactly_as_many_pass_as_there_are_tokens(engine):
    with ThreadPoolExecutor(20) as threads:
        passed = list(threads.map(lambda _: passes(), range(100)))

    assert passed.count(True) == FEW.at_once


def test_tokens_come_back_evenly(engine):
    assert [passes(QUICK) for _ in range(3)] == [True, True, False]
    with pytest.raises(TooMany):
        spend(QUICK, person=ALICE)

    start = time.monotonic()
    while not passes(QUICK):
        time.sleep(0.01)

    assert 0.3 < time.monotonic() - start < 5  # one is due after half a second
    assert not passes(QUICK)


def test_whoever_is_refused_learns_how_long_to_wait(engine):
    for _ in range(5):
        spend(FEW, person=ALICE)

    with override("en"), pytest.raises(TooMany) as refusal:
        spend(FEW, person=ALICE)

    assert refusal.value.wait == FEW.interval == 720
    assert str(refusal.value) == "Too fast. Try again in 720 seconds."


def test_being_refused_costs_nothing(engine):
    for _ in range(2):
        spend(QUICK, person=ALICE)

    waits = []
    for _ in range(20):
        with pytest.raises(TooMany) as refusal:
            spend(QUICK, person=ALICE)
        waits.append(refusal.value.wait)

    assert max(waits) == 1


def test_what_is_given_back_can_be_spent_again(engine):
    give_back = [spend(FEW, person=ALICE) for _ in range(5)]
    assert not passes()

    give_back.pop()()

    assert [passes(), passes()] == [True, False]


def test_giving_back_never_leaves_more_than_the_whole(engine):
    for _ in range(3):
        spend(FEW, person=ALICE)()

    assert [passes() for _ in range(6)] == [True] * 5 + [False]


def test_every_person_address_and_limit_has_a_bucket_of_its_own(engine):
    other = Limit("something else", 1, 3600, Whose.PERSON)
    while passes():
        pass

    assert passes(person=BOB)
    assert passes(other)
    assert passes(address="192.0.2.1")
    assert passes(account="alice", address="192.0.2.1")


def test_when_limits_are_lifted_nothing_is_counted(settings, engine):
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
def test_these_count_as_one_address(one, other):
    assert network_of(one) == network_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("2001:db8:0:1::1", "2001:db8:0:2::1"), ("192.0.2.1", "192.0.2.2"), ("::1", "127.0.0.1")],
)
def test_these_count_as_two(one, other):
    assert network_of(one) != network_of(other)


def test_a_household_with_ipv6_has_one_bucket(engine):
    for number in range(5):
        assert passes(address=f"2001:db8:0:1::{number}")

    assert not passes(address="2001:db8:0:1::5")
    assert passes(address="2001:db8:0:2::")


# Memory


def test_memory_is_bounded_and_forgets_who_has_been_quiet_longest():
    buckets = MemoryBuckets(most=3)
    for key in ("a", "b", "a", "c", "d"):
        buckets.take(key, FEW)

    assert list(buckets._full_at) == ["a", "c", "d"]


def test_a_socket_s_own_pace():
    pace = Pace(FEW)
    for _ in range(5):
        pace.spend()

    with pytest.raises(TooMany):
        pace.spend()


def test_a_crowd_is_counted_and_forgotten():
    crowd = Crowd(2)
    crowd.enter("alice")
    crowd.enter("alice")
    with pytest.raises(TooMany):
        crowd.enter("alice")
    crowd.enter("bob")

    for who in ("alice", "alice", "bob"):
        crowd.leave(who)

    assert not crowd._inside


# Redis


@pytest.mark.services
def test_two_processes_share_one_bucket():
    program = (
        "import uuid, django; django.setup()\n"
        "from chatflow.limits import Limit, TooMany, Whose, spend\n"
        "limit = Limit('acting in a test', 5, 3600, Whose.PERSON)\n"
        "for _ in range(20):\n"
        "    try: spend(limit, person=uuid.UUID(int=1))\n"
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
def test_what_is_full_again_is_forgotten_by_redis(own_redis, settings):
    redis = RedisBuckets(own_redis.url)._script.registered_client
    spend(FEW, person=ALICE)
    spend(QUICK, person=BOB)()

    (key,) = redis.keys()

    assert 719_000 < redis.pttl(key) <= 720_000


@pytest.mark.services
def test_redis_reads_no_name_and_no_address(own_redis):
    spend(limits.GUESSES, account="alice@example.org", address="192.0.2.1")

    (key,) = RedisBuckets(own_redis.url)._script.registered_client.keys()

    assert re.fullmatch(rb"limit:[0-9a-f]{32}", key)


@pytest.mark.services
@pytest.mark.parametrize("broken", [OwnRedis.kill, OwnRedis.freeze])
def test_without_redis_this_process_counts_for_itself_and_is_hardly_held_up(
    own_redis, caplog, broken
):
    assert passes()
    broken(own_redis)

    start = time.monotonic()
    passed = [passes() for _ in range(50)]

    assert time.monotonic() - start < 1
    assert passed.count(True) == FEW.at_once
    assert len([line for line in caplog.messages if "limits are not shared" in line]) == 1


@pytest.mark.services
def test_a_frozen_redis_holds_up_a_crowd_no_longer_than_one(own_redis):
    own_redis.freeze()

    start = time.monotonic()
    with ThreadPoolExecutor(50) as threads:
        passed = list(threads.map(lambda _: passes(), range(50)))

    assert passed.count(True) == FEW.at_once
    assert time.monotonic() - start < 2


@pytest.mark.services
def test_redis_counts_again_when_it_is_back(own_redis, monkeypatch):
    monkeypatch.setattr("chatflow.buckets.SILENT_SECONDS", 0)
    own_redis.kill()
    while passes():
        pass

    own_redis.start()

    assert [passes() for _ in range(6)] == [True] * 5 + [False]


@pytest.mark.services
def test_a_connection_that_redis_has_closed_meanwhile_is_no_outage(own_redis, caplog):
    spend(FEW, person=ALICE)
    RedisBuckets(own_redis.url)._script.registered_client.client_kill_filter(_type="normal")

    assert [passes() for _ in range(5)] == [True] * 4 + [False]
    assert not caplog.messages


# The table


def test_the_readme_tells_the_limits_that_hold():
    told = re.search(r"^## Limits$(.*?)^## ", (ROOT / "README.md").read_text(), re.M | re.S)[1]
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in told.splitlines()
        if line.startswith("|")
    ][2:]

    assert rows == [
        *((limit.what, _told(limit), limit.whose.value) for limit in limits.TABLE),
        ("sockets open", f"{limits.SOCKETS_AT_ONCE} in one process", "person"),
    ]


def test_no_limit_is_missing_from_the_table():
    defined = [each for each in vars(limits).values() if isinstance(each, Limit)]

    assert list(limits.TABLE) == defined
    assert len({(limit.what, limit.whose) for limit in defined}) == len(defined)


def _told(limit: Limit) -> str:
    seconds = limit.seconds
    for unit, length in (("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds % length == 0:
            number = seconds // length
            return f"{limit.at_once} in {number} {unit}{'s' * (number > 1)}"
    raise AssertionError(limit)
