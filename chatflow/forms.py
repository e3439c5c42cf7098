"""What the forms of all pages share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django import forms
from django.core.exceptions import ValidationError

from chatflow.errors import DomainError, Forbidden, NotFound
from chatflow.limits import TooMany


class DomainForm(forms.Form):
    """A form whose errors may also come from the services behind it."""

    @contextmanager
    def showing_errors(self) -> Iterator[None]:
        """A rule that says no becomes an error of this form, at its field where it has one.

        Not when nothing that could be typed would help: then the whole request is refused.
        """
        try:
            yield
        except (Forbidden, NotFound, TooMany):
            raise
        except DomainError as error:
            self.add_error(error.field if error.field in self.fields else None, str(error.message))
        except ValidationError as error:
            self.add_error(None, error)
