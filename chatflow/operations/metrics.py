"""Prometheus metrics of this process at `/metrics`, available when METRICS_TOKEN is set.

Every process has its own counters, so each is scraped directly and not through the load balancer.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

LAYER_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 3)

sockets_open = Gauge("chatflow_sockets_open", "Open sockets.")
messages_sent = Counter("chatflow_messages_sent", "Stored messages.")
events_published = Counter("chatflow_events_published", "Events handed to the channel layer.")
events_lost = Counter("chatflow_events_lost", "Events that the channel layer did not accept.")
deliveries = Counter("chatflow_deliveries", "Frames queued for sockets.")
slow_readers = Counter(
    "chatflow_slow_readers", "Sockets closed because their clients read too slowly."
)
gaps = Counter("chatflow_gaps", "Events that arrived without the one before them.")
catch_ups = Counter("chatflow_catch_ups", "Requests of clients for missed changes.")
interruptions = Counter("chatflow_interruptions", "Interruptions of live delivery.")
attachment_bytes = Gauge(
    "chatflow_attachment_bytes", "Disk space of all attachments, as of the last upload."
)
layer_seconds = Histogram(
    "chatflow_layer_seconds",
    "Round trip of an event through the channel layer, in seconds.",
    buckets=LAYER_BUCKETS,
)


@login_not_required
def show(request: HttpRequest) -> HttpResponse:
    """Return the metrics, or 404 without the token, as if the page did not exist."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    known = settings.METRICS_TOKEN
    if (
        not known
        or scheme != "Bearer"
        or not secrets.compare_digest(token.encode(), known.encode())
    ):
        raise Http404
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
