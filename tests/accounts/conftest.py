"""API clients without a token, and token pairs of new logins."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.auth.tokens import TokenPair, token_pair
from accounts.models import User
from accounts.services import open_login
from tests.conftest import PROGRAM


@pytest.fixture
def stranger(db) -> APIClient:
    """An API client without a token."""
    return APIClient()


@pytest.fixture
def tokens() -> Callable[[User], TokenPair]:
    """tokens(alice) returns the token pair of a new login of alice."""
    return lambda user: token_pair(open_login(user=user, device=PROGRAM))


@pytest.fixture
def is_good(db) -> Callable[[str], bool]:
    """is_good(access) tells whether the API accepts the token."""

    def ask(access: str) -> bool:
        answer = APIClient().get("/users/me", HTTP_AUTHORIZATION=f"Bearer {access}")
        assert answer.status_code in (200, 401)
        return answer.status_code == 200

    return ask
