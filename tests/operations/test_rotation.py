"""`rotate_keys` as a process that is killed and repeated."""

from __future__ import annotations

import signal
import subprocess
import sys

from chatflow.secret_files import new_message_key
from tests.operations.instances import another_instance
from tests.resilience.servers import PROJECT, environment

CONVERSATIONS = 2000
WRITER = f"""
import django
django.setup()
from django.utils import timezone
from conversations.encryption.envelope import new_wrapped_key
from conversations.models import Conversation
Conversation.objects.bulk_create(
    Conversation(kind="group", active_at=timezone.now(), wrapped_key=new_wrapped_key())
    for _ in range({CONVERSATIONS})
)
"""


def test_killed_rotation_can_be_repeated(db, tmp_path):
    old, new = new_message_key(), new_message_key()
    with another_instance(tmp_path, MESSAGE_KEYS=old) as instance:
        for arguments in (["manage.py", "migrate"], ["-c", WRITER]):
            done = instance.run(*arguments)
            assert done.returncode == 0, done.stderr

        instance.variables["MESSAGE_KEYS"] = f"{new},{old}"
        rotation = subprocess.Popen(
            [sys.executable, "manage.py", "rotate_keys"],
            cwd=PROJECT,
            env=environment(instance.variables),
            stderr=subprocess.PIPE,
            text=True,
        )
        while "25 %" not in rotation.stderr.readline():
            assert rotation.poll() is None
        rotation.kill()
        _out, _progress = rotation.communicate()
        assert rotation.returncode == -signal.SIGKILL, "it had finished before it was killed"

        early = instance.manage("rotate_keys", "--check")
        again = instance.manage("rotate_keys")
        check = instance.manage("rotate_keys", "--check")
        instance.variables["MESSAGE_KEYS"] = new
        start = instance.manage("check", "--database", "default")

    assert early.returncode == 1
    assert early.stderr.count("\n") == 1
    assert "conversations need the older key" in early.stderr
    rewrapped = int(again.stdout.split(" re-wrapped.")[0])
    assert 0 < rewrapped <= CONVERSATIONS * 3 // 4
    assert f"All {CONVERSATIONS} conversations are under the first key" in check.stdout
    assert start.returncode == 0, start.stderr
