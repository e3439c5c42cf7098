"""The diagrams in the documents are valid Mermaid."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from tests.resilience.servers import PROJECT

pytestmark = pytest.mark.journey

MERMAID = Path(__file__).parent / "vendor/mermaid-11.16.0.min.js.gz"
DOCUMENTS = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md")]
DIAGRAMS = [
    pytest.param(diagram, id=f"{document.name} {number}")
    for document in sorted(DOCUMENTS)
    for number, diagram in enumerate(
        re.findall(r"^```mermaid\n(.*?)^```", document.read_text(), re.M | re.S), start=1
    )
]


@pytest.fixture
def diagram_type(chromium):
    """A function that returns the type of a diagram, and raises an error for an invalid one."""
    page = chromium.new_page()
    page.add_script_tag(content=gzip.decompress(MERMAID.read_bytes()).decode())
    yield lambda text: page.evaluate(
        "async (text) => (await mermaid.parse(text)).diagramType", text
    )
    page.close()


@pytest.mark.parametrize("diagram", DIAGRAMS)
def test_diagram_is_valid(diagram_type, diagram):
    assert diagram_type(diagram)


def test_invalid_diagram_raises_an_error(diagram_type):
    with pytest.raises(Exception, match="Parse error"):
        diagram_type("sequenceDiagram\n  Alice->>")
