"""The two forms of a line in the log."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime

import pytest
from django.conf import settings

from chatflow.logs import AddRequestId, JsonFormatter, request_id


@pytest.fixture
def record():
    """record("%s is here", "alice") as it is logged within the request r-1."""

    def make(message, *words, error=None):
        token = request_id.set("r-1")
        record = logging.LogRecord("chat", logging.INFO, __file__, 1, message, words, error)
        assert AddRequestId().filter(record)
        request_id.reset(token)
        return record

    return make


def test_json_is_one_object_a_line(record):
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


def test_an_error_is_in_the_same_line(record):
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        text = JsonFormatter().format(record("failed", error=sys.exc_info()))

    assert "\n" not in text
    assert "ZeroDivisionError" in json.loads(text)["error"]


def test_a_line_of_text_names_the_request(record):
    how = settings.LOGGING["formatters"]["text"]
    formatter = logging.Formatter(how["format"], style=how["style"])

    assert formatter.format(record("%s is here", "alice")).endswith("INFO chat [r-1] alice is here")
