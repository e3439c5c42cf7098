"""The bundles that `collectstatic` makes of style sheets and ES modules."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatflow.storage import COMMENT, bundle_modules, bundle_styles

NODE = shutil.which("node")


def bundle(**sources: str) -> str:
    """Bundle modules given by name, of which `app` is the entry."""
    return bundle_modules(lambda name: sources[name.removesuffix(".js")], "app.js")


def test_style_imports_are_replaced_in_their_order():
    sheets = {
        "app.css": '@import "a.css";\n@import "b.css";\n',
        "a.css": "a {}\n",
        "b.css": "b {}\n",
    }

    assert bundle_styles(sheets.__getitem__, "app.css") == "a {}\nb {}\n"


@pytest.mark.skipif(not NODE, reason="needs Node")
def test_modules_are_evaluated_once_and_before_those_that_import_them():
    script = bundle(
        app='import { twice } from "./math.js";\nimport "./log.js";\nseen.push(twice(21));\n',
        math='import { log } from "./log.js";\nlog("math");\n'
        "export function twice(number) {\n  return number * 2;\n}\n",
        log='seen.push("log");\nexport const log = (text) => seen.push(text);\n',
    )

    said = subprocess.run(
        [NODE, "--eval", f"const seen = [];\n{script}console.log(JSON.stringify(seen));"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(said.stdout) == ["log", "math", 42]


def test_comments_on_lines_of_their_own_are_removed():
    source = '/** About\n * this. */\na("/*");\n  /* Why. */\n  b(); /* c */\n'

    assert COMMENT.sub("", source) == 'a("/*");\n  b(); /* c */\n'


@pytest.mark.parametrize(
    "line",
    [
        'import log from "./log.js";',
        'import * as log from "./log.js";',
        'export { log } from "./log.js";',
        "export default function () {}",
        'const log = await import("./log.js");',
    ],
)
def test_syntax_that_the_bundle_does_not_understand_is_refused(line):
    with pytest.raises(ImproperlyConfigured, match=r"log\.js|default"):
        bundle(app=f"{line}\n", log="export const log = 1;\n")


def test_modules_that_import_each_other_are_refused():
    with pytest.raises(ImproperlyConfigured, match="imports itself"):
        bundle(app='import { a } from "./a.js";\n', a='import "./app.js";\nexport const a = 1;\n')


@pytest.mark.skipif(not NODE, reason="needs Node")
def test_our_own_modules_become_one_valid_script(tmp_path, settings):
    modules = settings.BASE_DIR / "static/js"
    script = tmp_path / "app.js"

    script.write_text(
        bundle_modules(lambda name: COMMENT.sub("", (modules / name).read_text()), "app.js")
    )

    subprocess.run([NODE, "--check", script], check=True)
    assert script.read_text().count("customElements.define") == sum(
        path.read_text().count("customElements.define") for path in modules.glob("*.js")
    )
