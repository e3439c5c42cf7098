"""The documents' diagrams, read by the same Mermaid that draws them for people."""

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
def understood(chromium):
    """understood(text) is the kind of diagram that Mermaid takes it for; it raises for none."""
    page = chromium.new_page()
    page.add_script_tag(content=gzip.decompress(MERMAID.read_bytes()).decode())
    yield lambda text: page.evaluate(
        "async (text) => (await mermaid.parse(text)).diagramType", text
    )
    page.close()


@pytest.mark.parametrize("diagram", DIAGRAMS)
def test_every_diagram_can_be_drawn(understood, diagram):
    assert understood(diagram)


def test_a_broken_one_would_be_noticed(understood):
    with pytest.raises(Exception, match="Parse error"):
        understood("sequenceDiagram\n  Alice->>")
