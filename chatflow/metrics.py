"""Figures about this process for Prometheus, at `/metrics`; off until METRICS_TOKEN is set.

Each process counts for itself, so each is scraped by itself and not through the balancer.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

LAYER_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 3)

sockets_open = Gauge("chatflow_sockets_open", "Sockets that are open now.")
messages_sent = Counter("chatflow_messages_sent", "Messages that were stored.")
events_published = Counter("chatflow_events_published", "Events handed to the channel layer.")
events_lost = Counter("chatflow_events_lost", "Events the channel layer did not take.")
deliveries = Counter("chatflow_deliveries", "Frames queued for sockets.")
slow_readers = Counter("chatflow_slow_readers", "Sockets closed because nobody read them.")
holes = Counter("chatflow_holes", "Times that an event came without the one before it.")
catch_ups = Counter("chatflow_catch_ups", "Times that a client asked for what it had missed.")
interruptions = Counter("chatflow_interruptions", "Times that live delivery was interrupted.")
layer_seconds = Histogram(
    "chatflow_layer_seconds",
    "How long an event takes through the channel layer and back.",
    buckets=LAYER_BUCKETS,
)


def show(request: HttpRequest) -> HttpResponse:
    """404 for whoever does not bring the token, as if there were nothing here."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    known = settings.METRICS_TOKEN
    if (
        not known
        or scheme != "Bearer"
        or not secrets.compare_digest(token.encode(), known.encode())
    ):
        raise Http404
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
