#!/usr/bin/env python3
"""Takes the steps of the Dockerfile on this machine, where there may be no Docker.

Reads the Dockerfile itself, so that the two cannot drift: each COPY, each RUN but those that would
change the machine, then HEALTHCHECK and CMD under ENV, as an unprivileged user who can write to
nothing but /data and /tmp. This machine's Python stands in for the base image. Fails loudly on an
instruction that it does not know.
"""

# ruff: noqa: S603, S607 (it runs what the Dockerfile says)

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 60
CHANGES_THE_MACHINE = ("apt-get", "useradd")
FOR_DOCKER_ALONE = ("VOLUME", "EXPOSE")


@dataclass
class Image:
    """What the Dockerfile asks for; a root directory stands in for the image's."""

    root: Path
    directory: str = "/"
    variables: dict[str, str] = field(default_factory=dict)
    user: int = 0
    health_check: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)

    def inside(self, text: str) -> str:
        """The same with the image's own directories moved to where they are here."""
        return re.sub(r"(?<![\w./-])/(opt|app|data|build)\b", rf"{self.root}/\1", text)

    def environment(self) -> dict[str, str]:
        python = self.root / "python"
        path = f"{python}/bin:{os.environ['PATH']}"
        given = {name: self.inside(value) for name, value in self.variables.items()}
        given["PATH"] = given.get("PATH", "$PATH").replace("$PATH", path)
        return {"LANG": "C.UTF-8", "LD_LIBRARY_PATH": f"{python}/lib"} | given

    def place(self, name: str) -> Path:
        """Where a path of the image is; a relative one starts at its WORKDIR."""
        return self.root / os.path.normpath(os.path.join(self.directory, name)).lstrip("/")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="image-") as directory:
        image = Image(Path(directory))
        image.root.chmod(0o755)
        try:
            build(image)
            seal(image)
            prove(image)
        finally:
            subprocess.run(["chmod", "-R", "u+w", image.root], check=True)
    say("The image builds, starts, answers, and stops as it should.")


# --- building ------------------------------------------------------------------------------------


def build(image: Image) -> None:
    for line in instructions(PROJECT / "Dockerfile"):
        name, _, rest = line.partition(" ")
        if name in FOR_DOCKER_ALONE:
            continue
        say(line if len(line) < 100 else f"{line[:99]}…")
        STEPS[name](image, rest)


def instructions(dockerfile: Path) -> Iterator[str]:
    lines = [each for each in dockerfile.read_text().splitlines() if not each.startswith("#")]
    for line in re.sub(r"\s*\\\n\s*", " ", "\n".join(lines)).splitlines():
        if line.strip():
            yield line.strip()


def start_stage(image: Image, rest: str) -> None:
    """A Python that the image's user can reach: a copy, when ours is somebody's own."""
    image.directory, image.variables = "/", {}
    place, ours = image.root / "python", Path(sys.base_prefix)
    if not place.exists() and is_open_to_all(ours):
        (place / "bin").mkdir(parents=True)
        (place / "bin/python").symlink_to(ours / "bin" / f"python3.{sys.version_info.minor}")
    elif not place.exists():
        shutil.copytree(ours, place, symlinks=True, ignore=shutil.ignore_patterns("test", "share"))


def is_open_to_all(path: Path) -> bool:
    return all(each.stat().st_mode & 0o001 for each in (path, *path.parents))


def copy(image: Image, rest: str) -> None:
    """From the project as .dockerignore leaves it; what comes from a stage is here already."""
    if rest.startswith("--from="):
        return
    *sources, target = rest.split()
    for source in sources:
        place = image.place(target) / (source if target.endswith("/") else "")
        place.parent.mkdir(parents=True, exist_ok=True)
        if (PROJECT / source).is_dir():
            shutil.copytree(PROJECT / source, place, ignore=ignored, dirs_exist_ok=True)
        else:
            shutil.copy2(PROJECT / source, place)


def ignored(directory: str, names: list[str]) -> set[str]:
    where = Path(directory).relative_to(PROJECT)
    return {name for name in names if is_ignored((where / name).as_posix())}


def is_ignored(path: str) -> bool:
    lines = (PROJECT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    return any(
        fnmatchcase(path, pattern) or fnmatchcase(f"/{path}", pattern.replace("**/", "*/"))
        for pattern in patterns
    )


def run(image: Image, rest: str) -> None:
    if rest.startswith(CHANGES_THE_MACHINE):
        say("  … needs root and would change this machine: left out")
        (image.root / "data").mkdir(exist_ok=True)
        return
    place = image.place(".")
    place.mkdir(parents=True, exist_ok=True)
    # our own variables may say how pip reaches its index from here
    environment = os.environ | image.environment()
    subprocess.run(["sh", "-c", image.inside(rest)], cwd=place, env=environment, check=True)


def set_variables(image: Image, rest: str) -> None:
    image.variables |= dict(each.split("=", 1) for each in rest.split())


def set_directory(image: Image, rest: str) -> None:
    image.directory = rest


def set_user(image: Image, rest: str) -> None:
    image.user = int(rest.partition(":")[0])


def set_health_check(image: Image, rest: str) -> None:
    image.health_check = json.loads(rest.partition(" CMD ")[2])


def set_command(image: Image, rest: str) -> None:
    image.command = json.loads(rest)


STEPS = {
    "FROM": start_stage,
    "COPY": copy,
    "RUN": run,
    "ENV": set_variables,
    "WORKDIR": set_directory,
    "USER": set_user,
    "HEALTHCHECK": set_health_check,
    "CMD": set_command,
}


def seal(image: Image) -> None:
    """A read-only root: nobody may write but to /data, and that only the image's user."""
    subprocess.run(["chmod", "-R", "a-w,a+rX", image.root], check=True)
    data = image.place("/data")
    data.chmod(0o700)
    if is_root():
        os.chown(data, image.user, image.user)


# --- running -------------------------------------------------------------------------------------


def prove(image: Image) -> None:
    require(image.user != 0, "The image runs as root.")
    image.variables["PORT"] = str(free_port())
    before = listing(image)
    say(f"As user {image.user if is_root() else os.geteuid()}, with a read-only root:")
    with as_container(image, ["python", "manage.py", "prepare"]) as preparing:
        require(preparing.wait() == 0, "`prepare` failed.")
    with as_container(image, image.command) as serving:
        until_healthy(image, serving)
        say("Healthy; stopping.")
        serving.send_signal(signal.SIGTERM)
        require(serving.wait(PATIENCE_SECONDS) == 0, "It did not end well after SIGTERM.")
    require(not is_healthy(image), "The health check passes although nothing runs.")
    require(listing(image) == before, "Something was written outside /data and /tmp.")
    require(any(image.place("/data").iterdir()), "Nothing was written to /data.")


def as_container(
    image: Image, command: list[str], *, complaints: int | None = None
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [image.inside(word) for word in command],
        cwd=image.place("."),
        env=image.environment(),
        stderr=complaints,
        user=image.user if is_root() else None,
        group=image.user if is_root() else None,
        extra_groups=[] if is_root() else None,
    )


def is_root() -> bool:
    return os.geteuid() == 0


def until_healthy(image: Image, serving: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_healthy(image):
        require(serving.poll() is None, "It ended instead of serving.")
        require(time.monotonic() < deadline, "It never became healthy.")
        time.sleep(0.5)


def is_healthy(image: Image) -> bool:
    with as_container(image, image.health_check, complaints=subprocess.DEVNULL) as checking:
        return checking.wait() == 0


def listing(image: Image) -> set[str]:
    paths = (path.relative_to(image.root).as_posix() for path in image.root.rglob("*"))
    return {path for path in paths if not path.startswith("data/")}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def require(holds: bool, complaint: str) -> None:
    if not holds:
        sys.exit(f"--- {complaint}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
