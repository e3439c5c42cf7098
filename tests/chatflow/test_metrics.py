"""Metrics for Prometheus are off by default and require a token."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY


def test_metrics_are_off_by_default(client, db):
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer ").status_code == 404


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", "Basic right", "Bearer rïght"])
def test_metrics_require_the_token(client, db, settings, given):
    settings.METRICS_TOKEN = "right"

    assert client.get("/metrics", HTTP_AUTHORIZATION=given).status_code == 404


def test_metrics_with_the_token_count_messages(client, settings, alice, direct, say, announced):
    settings.METRICS_TOKEN = "right"
    before = REGISTRY.get_sample_value("chatflow_messages_sent_total")

    with announced():
        say(alice, direct)
    page = client.get("/metrics", HTTP_AUTHORIZATION="Bearer right")

    assert REGISTRY.get_sample_value("chatflow_messages_sent_total") == before + 1
    assert page["Content-Type"].startswith("text/plain")
    assert b"chatflow_sockets_open" in page.content
