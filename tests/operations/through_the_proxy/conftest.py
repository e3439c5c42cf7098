"""The users and browsers of the journeys, with deploy/bare-metal instead of one process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import (  # noqa: F401 (fixtures)
    _services,
    alice,
    bob,
    browser_errors,
    carol,
    chromium,
    dave,
    server,
    users,
    window,
)
from tests.operations.bare_metal import BareMetal
from tests.resilience.servers import manage


@pytest.fixture(scope="session")
def server_with_users(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[BareMetal, list[Any]]]:
    folder: Path = tmp_path_factory.mktemp("through_the_proxy")
    with ExitStack() as end:
        variables = _services(end)
        file = folder / "accounts.json"
        program = f"from tests.journeys import accounts; accounts.create_accounts({str(file)!r})"
        manage(
            variables | {"DATA_DIR": str(folder / "data")},
            *("shell", "--verbosity=0", "--command", program),
        )
        site = BareMetal(folder, variables)
        yield site.start(), json.loads(file.read_text())
        site.stop()
