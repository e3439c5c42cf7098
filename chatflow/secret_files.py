"""The data directory and the secrets in it, which `prepare` and `restore` create first.

Only the embedded database keeps its secrets here. With a DATABASE_URL several processes share them,
so they have to be set as variables.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from chatflow.environment import MESSAGE_KEY_BYTES, data_directory

OWNER_ONLY = 0o700


def create_data_directory(variables: Mapping[str, str], *, project: Path) -> None:
    """Create DATA_DIR and the secrets that are missing; never change what exists.

    Errors are left to `read_environment`, which reports them together with all others.
    """
    with suppress(OSError, RuntimeError):
        directory = data_directory(variables, project=project)
        directory.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
        if not variables.get("DATABASE_URL", "").strip():
            for name, generate in GENERATORS.items():
                if not variables.get(name, "").strip():
                    _create(directory / name.lower(), generate())


def new_secret_key() -> str:
    return secrets.token_urlsafe(50)


def new_message_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(MESSAGE_KEY_BYTES)).decode()


GENERATORS = {"SECRET_KEY": new_secret_key, "MESSAGE_KEYS": new_message_key}


def _create(path: Path, secret: str) -> None:
    """Write the file under a draft name and link it, so that two starts at once agree on one."""
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret)
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
