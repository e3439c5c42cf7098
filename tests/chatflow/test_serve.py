"""`serve` refuses to begin where it could only do harm."""

from __future__ import annotations

import pytest
from django.core.management import CommandError

from chatflow.environment import new_message_key
from chatflow.management.commands import serve


def test_it_does_not_serve_what_it_cannot_read(direct, settings, monkeypatch):
    monkeypatch.setattr(serve, "serve", lambda *args, **how: pytest.fail("it served"))
    settings.MESSAGE_KEYS = (new_message_key(),)

    with pytest.raises(CommandError, match="MESSAGE_KEYS cannot read what is stored"):
        serve.Command().handle()


def test_it_serves_what_a_former_key_opens(direct, settings, monkeypatch, tmp_path):
    served = []
    monkeypatch.setattr(serve, "serve", lambda *args, **how: served.append(how["port"]))
    settings.MESSAGE_KEYS = (new_message_key(), *settings.MESSAGE_KEYS)
    settings.DATA_DIR = tmp_path

    serve.Command().handle()

    assert served == [settings.PORT]
