"""Who may try a password, before it is hashed: services sign people in through here.

A wrong password counts against three budgets, a right one against none. The account at this address
has a small one, so one pupil's guesses stop nobody else at the school. The account has a large one,
which bounds a guesser with many addresses, and the address has one, which bounds whoever tries many
accounts. Those two are not asked where the account has been signed in to before, and a browser that
has signed in to it has a budget of its own instead of all three: strangers, be they at the same
address, cannot keep people out of where they come in every day.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.utils.translation import gettext_lazy as _

from accounts.marks import name_of_mark
from accounts.models import Login, User
from accounts.names import canonical
from chatflow import limits
from chatflow.errors import DomainError
from chatflow.limits import spend
from chatflow.proxies import network_of

REMEMBERED_LOGINS = 100


class BadCredentials(DomainError):
    code = "bad_credentials"
    status = 401
    message = _("Username and password do not match.")


@contextmanager
def one_guess(*, name: str, user: User | None, address: str, mark: str) -> Iterator[None]:
    """Raises TooMany. `name` is what was typed, whether or not it is anybody's: both look alike."""
    account, browser = canonical(name), name_of_mark(mark, user)
    with ExitStack() as given_back:
        if browser:
            spend(limits.LOGIN_AGAIN, account=account, browser=browser)
            given_back.callback(spend(limits.GUESSES_AGAIN, account=account, browser=browser))
        else:
            spend(limits.LOGIN, account=account, address=address)
            given_back.callback(spend(limits.GUESSES, account=account, address=address))
        if not browser and not _has_come_from(address, user):
            given_back.callback(spend(limits.STRANGE_GUESSES, account=account))
            given_back.callback(spend(limits.GUESSES_ABROAD, address=address))
        try:
            yield
        except BadCredentials:
            given_back.pop_all()  # and not given back
            raise


def _has_come_from(address: str, user: User | None) -> bool:
    """Whether the person has ever signed in from there, ended as that login may be."""
    logins = Login.objects.filter(user=user).order_by("-last_used_at")
    places = {
        network_of(ip) for ip in logins.values_list("ip", flat=True)[:REMEMBERED_LOGINS] if ip
    }
    return network_of(address) in places
