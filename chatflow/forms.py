"""What the forms of all pages share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from django import forms
from django.core.exceptions import ValidationError

from chatflow.errors import DomainError, Forbidden, NotFound
from chatflow.limits.policy import TooMany

INVALID = HTTPStatus.UNPROCESSABLE_ENTITY


def status_of(form: forms.BaseForm) -> int:
    """Return the status of a page with this form: a form that was sent and is shown has errors."""
    return INVALID if form.is_bound else HTTPStatus.OK


class DomainForm(forms.Form):
    """A form whose errors may also come from the services behind it."""

    @contextmanager
    def showing_errors(self) -> Iterator[None]:
        """Turn a DomainError into an error of this form, at its field if it has that field.

        Errors that no other input could avoid are raised again and refuse the whole request.
        """
        try:
            yield
        except (Forbidden, NotFound, TooMany):
            raise
        except DomainError as error:
            self.add_error(error.field if error.field in self.fields else None, str(error.message))
        except ValidationError as error:
            self.add_error(None, error)
