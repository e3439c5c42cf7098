"""The text and JSON formats of the log."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime

import pytest
from django.conf import settings

from chatflow.operations.logs import AddRequestId, JsonFormatter, ShortenSuspicions, request_id


@pytest.fixture
def record():
    """Return a function that creates a log record within the request r-1."""

    def make(message, *words, error=None):
        token = request_id.set("r-1")
        record = logging.LogRecord("chat", logging.INFO, __file__, 1, message, words, error)
        assert AddRequestId().filter(record)
        request_id.reset(token)
        return record

    return make


def test_json_log_has_one_object_per_line(record):
    text = JsonFormatter().format(record("%s is\nhere", "alice"))

    line = json.loads(text)
    assert "\n" not in text
    assert datetime.fromisoformat(line.pop("time")).tzinfo
    assert line == {
        "level": "INFO",
        "logger": "chat",
        "request_id": "r-1",
        "message": "alice is\nhere",
    }


def test_json_log_includes_the_traceback(record):
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        text = JsonFormatter().format(record("failed", error=sys.exc_info()))

    assert "\n" not in text
    assert "ZeroDivisionError" in json.loads(text)["error"]


def test_text_log_contains_the_request_id(record):
    how = settings.LOGGING["formatters"]["text"]
    formatter = logging.Formatter(how["format"], style=how["style"])

    assert formatter.format(record("%s is here", "alice")).endswith("INFO chat [r-1] alice is here")


def test_suspicious_request_is_one_line_and_no_error(client, caplog):
    caplog.handler.addFilter(ShortenSuspicions())

    assert client.get("/healthz", headers={"Host": "evil.example"}).status_code == 400

    (record,) = (each for each in caplog.records if each.name == "django.security.DisallowedHost")
    assert record.levelname == "WARNING"
    assert "Traceback" not in caplog.text
    assert "suspicions" in settings.LOGGING["handlers"]["console"]["filters"]
