"""The check of all journeys for browser errors finds every kind of error."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.journey

ADD_SCRIPT = "document.body.append(Object.assign(document.createElement('script'), {text: 'x'}))"
ADD_IMAGE = "document.body.append(Object.assign(new Image(), {src: 'https://example.org/x.png'}))"


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (ADD_SCRIPT, "violates the CSP: script-src"),
        (ADD_IMAGE, "violates the CSP: img-src"),
        ("setTimeout(() => none.such)", "error: none is not defined"),
        ("setTimeout(() => alert('Boo'))", "Boo"),
        ("void fetch('/nowhere')", "404 GET http"),
        ("void fetch('http://127.0.0.1:9/').catch(() => 0)", "violates the CSP: connect-src"),
        ("console.warn('Careful')", "console: Careful"),
    ],
)
def test_browser_errors_are_found(window, alice, browser_errors, script, error):
    view = window(alice)
    view.page.evaluate(f"() => {{ {script} }}")

    view.wait_until(lambda: any(error in text for text in browser_errors.unexpected))
    browser_errors.expect("")
