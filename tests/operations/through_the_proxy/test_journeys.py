"""Browser journeys through nginx and two processes."""

from __future__ import annotations

import pytest

from tests.journeys.test_chatting import *  # noqa: F403
from tests.journeys.test_sending import *  # noqa: F403

pytestmark = [pytest.mark.journey, pytest.mark.services]
