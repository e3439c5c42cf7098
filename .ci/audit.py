"""Asks PyPI's advisories about every package that a running ChatFlow installs.

Fails on a known vulnerability. A package that could not be asked about is no finding, but it is
said: an audit that reached nobody must not look like a clean one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "requirements.txt"
ASK = (
    "-m",
    "pip_audit",
    "--disable-pip",
    "--require-hashes",
    "--progress-spinner=off",
    "-f",
    "json",
)
PATIENCE_SECONDS = 300


def main() -> None:
    answer = subprocess.run(  # noqa: S603 (our own tool, on our own file)
        [sys.executable, *ASK, "-r", str(LOCK)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    try:
        packages = json.loads(answer.stdout)["dependencies"]
    except ValueError:
        print(f"Audit: nobody could be asked ({last_line(answer.stderr)}).")
        return
    unasked = [package for package in packages if "skip_reason" in package]
    findings = [f"{package['name']} {package['version']}: {advisory['id']}"
                for package in packages for advisory in package.get("vulns", ())]  # fmt: skip
    print(f"Audit: {len(packages) - len(unasked)} of {len(packages)} packages asked about.")
    if findings:
        sys.exit("\n".join(["Known vulnerabilities:", *findings]))


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no answer"])[-1]


if __name__ == "__main__":
    main()
