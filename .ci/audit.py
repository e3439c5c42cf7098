"""Check the packages of a running ChatFlow for known vulnerabilities, with pip-audit.

Exits with an error if there are any. Packages that could not be checked are reported, so that an
audit without network access does not look like a successful one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "requirements.txt"
PIP_AUDIT = (
    "-m",
    "pip_audit",
    "--disable-pip",
    "--require-hashes",
    "--progress-spinner=off",
    "-f",
    "json",
)
TIMEOUT_SECONDS = 300


def main() -> None:
    answer = subprocess.run(  # noqa: S603 (fixed arguments)
        [sys.executable, *PIP_AUDIT, "-r", str(LOCK)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    try:
        packages = json.loads(answer.stdout)["dependencies"]
    except ValueError:
        print(f"Audit: no advisories could be read ({last_line(answer.stderr)}).")
        return
    skipped = [package for package in packages if "skip_reason" in package]
    findings = [f"{package['name']} {package['version']}: {advisory['id']}"
                for package in packages for advisory in package.get("vulns", ())]  # fmt: skip
    print(f"Audit: {len(packages) - len(skipped)} of {len(packages)} packages checked.")
    if findings:
        sys.exit("\n".join(["Known vulnerabilities:", *findings]))


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no answer"])[-1]


if __name__ == "__main__":
    main()
