"""Emails over real SMTP, and a mail server that is unavailable."""

from __future__ import annotations

import socketserver
import threading
import uuid

import environ
import pytest
from django.core.mail import EmailMessage

from chatflow.operations import email as mail

LETTER = EmailMessage("Hello", "Good news.", "chat@example.org", ["alice@example.org"])


class MailServer(socketserver.StreamRequestHandler):
    """Handle as much of SMTP as one email needs."""

    timeout = 30

    def handle(self):
        self.say("220 here")
        for line in self.rfile:
            word = line.decode().split()[0].upper()
            if word == "DATA":
                self.say("354 go on")
                self.server.received.append(self.read_letter())
            self.say("221 bye" if word == "QUIT" else "250 good")

    def read_letter(self):
        return "".join(line.decode() for line in iter(self.rfile.readline, b".\r\n"))

    def say(self, line):
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def mail_server():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailServer) as server:
        server.received = []
        threading.Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


@pytest.fixture
def use(settings):
    """Return a function: use("smtp://…") sets the EMAIL_URL."""

    def configure(url):
        for name, value in environ.Env.email_url_config(url).items():
            setattr(settings, name, value)

    return configure


def test_email_is_delivered(use, mail_server):
    use(f"smtp://127.0.0.1:{mail_server.server_address[1]}")

    mail.enqueue(LETTER, to=uuid.uuid4())
    mail.wait()

    [received] = mail_server.received
    assert "Subject: Hello" in received
    assert "To: alice@example.org" in received
    assert "Good news." in received


def test_unavailable_mail_server_is_logged(use, mail_server, caplog):
    use(f"smtp://127.0.0.1:{mail_server.server_address[1]}")
    mail_server.shutdown()
    mail_server.server_close()
    alice = uuid.uuid4()

    mail.enqueue(LETTER, to=alice)
    mail.wait()

    assert [record.getMessage() for record in caplog.records] == [
        f"email to {alice} not sent: ConnectionRefusedError"
    ]
    assert not caplog.records[0].exc_info


def test_email_has_a_timeout(settings):
    assert settings.EMAIL_TIMEOUT == 10
