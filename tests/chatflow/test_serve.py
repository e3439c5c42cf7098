"""`serve` refuses to start with a key that does not match the database."""

from __future__ import annotations

import pytest
from django.core.management import CommandError

from chatflow.management.commands import serve
from chatflow.secret_files import new_message_key


def test_serve_refuses_messages_that_it_cannot_decrypt(direct, settings, monkeypatch):
    monkeypatch.setattr(serve, "serve", lambda *args, **how: pytest.fail("it served"))
    settings.MESSAGE_KEYS = (new_message_key(),)

    with pytest.raises(CommandError, match="MESSAGE_KEYS cannot read what is stored"):
        serve.Command().handle()


def test_serve_accepts_messages_of_a_former_key(direct, settings, monkeypatch, tmp_path):
    served = []
    monkeypatch.setattr(serve, "serve", lambda *args, **kwargs: served.append(kwargs["port"]))
    settings.MESSAGE_KEYS = (new_message_key(), *settings.MESSAGE_KEYS)
    settings.DATA_DIR = tmp_path

    serve.Command().handle()

    assert served == [settings.PORT]
