"""Figures for Prometheus: off by default, and never for just anybody."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY


def test_there_is_nothing_by_default(client, db):
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer ").status_code == 404


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", "Basic right", "Bearer rïght"])
def test_without_the_token_there_is_nothing(client, db, settings, given):
    settings.METRICS_TOKEN = "right"

    assert client.get("/metrics", HTTP_AUTHORIZATION=given).status_code == 404


def test_a_message_is_counted_and_shown_to_whoever_brings_the_token(
    client, settings, alice, direct, say, announced
):
    settings.METRICS_TOKEN = "right"
    before = REGISTRY.get_sample_value("chatflow_messages_sent_total")

    with announced():
        say(alice, direct)
    page = client.get("/metrics", HTTP_AUTHORIZATION="Bearer right")

    assert REGISTRY.get_sample_value("chatflow_messages_sent_total") == before + 1
    assert page["Content-Type"].startswith("text/plain")
    assert b"chatflow_sockets_open" in page.content
