"""Finding the plugins of a host with 300 distributions, beside what the standard library takes for it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from .cases import Case, Op, Server
from .measuring import Result
from .processes import Measured

__all__ = ["DISCOVERY", "STATEMENTS", "measure_discovery"]

DISCOVERY = Case("discovery", "find the plugins among 300 distributions", "", Server.POSTFIX, (), op=Op.SINGLE)
INSTALLED, PLUGINS, MODULES = 300, 10, 48
OURS = "Posthouse"
STATEMENTS = {
    "importlib.metadata, entry_points()": ("from importlib import metadata", "metadata.entry_points(group=GROUP)"),
    "importlib.metadata, names and entry_points": (
        "from importlib import metadata",
        "[(d.metadata['Name'], d.entry_points) for d in metadata.distributions()]",
    ),
    OURS: (
        "from posthouse._discovery import Registry; from posthouse.config import PluginPolicy",
        "Registry(PluginPolicy()).candidates()",
    ),
    "Posthouse, with a lock": (
        "from posthouse._discovery import Registry; from posthouse.config import PluginPolicy",
        "Registry(PluginPolicy(lock=LOCK)).candidates()",
    ),
    "Posthouse, one plugin compared with its lock": (
        (
            "from posthouse._discovery import Registry; from posthouse.config import PluginPolicy\n"
            "found = Registry(PluginPolicy(lock=LOCK)).find('transport', 'acme-0')"
        ),
        "found.examined(again=True)",
    ),
}
CODE = """
import sys, time
from pathlib import Path
SITE, LOCK, GROUP = {site!r}, Path({lock!r}), "posthouse.transports.v1"
{imported}
sys.path[:] = [SITE]
{prepare}
began, used = time.perf_counter(), time.process_time()
{statement}
print(time.perf_counter() - began, time.process_time() - used)
"""
ALREADY_IMPORTED = """
import csv, email.parser, importlib.metadata, json, tomllib, zipfile
import packaging.requirements, packaging.version
import posthouse._discovery, posthouse.config
"""
WRITE_LOCK = """
from pathlib import Path
from posthouse._discovery.installed import Installation
from posthouse._discovery.lock import lock_of
from posthouse._discovery.lockfile import render
import sys
sys.path.insert(0, sys.argv[1])
names = sys.argv[3:]
Path(sys.argv[2]).write_text(render(lock_of(Path(sys.argv[2]), names, Installation([sys.argv[1]]))), "utf-8")
"""
IN_ONE_ROUND = 5


def measure_discovery(rounds: int, say: Callable[[str], None]) -> Result:
    """Measure each in interpreters of its own, taking turns."""
    result = Result(DISCOVERY)
    with tempfile.TemporaryDirectory(prefix="posthouse-site-") as folder:
        site, lock = Path(folder, "site"), Path(folder, "posthouse.lock")
        names = _install(site)
        subprocess.run([sys.executable, "-c", WRITE_LOCK, str(site), str(lock), *names], check=True)
        for number in range(rounds):
            say(f"discovery: round {number + 1} of {rounds}")
            for label, (prepare, statement) in STATEMENTS.items():
                code = CODE.format(
                    site=str(site), lock=str(lock), imported=ALREADY_IMPORTED, prepare=prepare, statement=statement
                )
                result.rounds.setdefault(label, []).append(_measured(code))
    return result


def _install(site: Path) -> list[str]:
    """Write distributions as installers do: core, a few plugins with many modules, and hundreds of others."""
    _write(site, "posthouse", "1.0.0", "[posthouse.authenticators.v1]\nnone = posthouse.authenticators.none\n", 0)
    names = [f"acme-{number}" for number in range(PLUGINS)]
    for name in names:
        points = f"[posthouse.transports.v1]\n{name} = {name.replace('-', '_')}\n"
        _write(site, name, "1.0", points, MODULES)
    for number in range(INSTALLED - PLUGINS - 1):
        name = f"other-{number}"
        _write(site, name, "1.0", f"[console_scripts]\n{name} = other:main\n" if number % 2 else "", 0)
    return names


def _write(site: Path, name: str, version: str, points: str, modules: int) -> None:
    package = name.replace("-", "_")
    info = site / f"{package}-{version}.dist-info"
    info.mkdir(parents=True)
    headers = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: posthouse>=1.0\n"
    (info / "METADATA").write_text(f"{headers}\n{'A long description. ' * 200}\n", "utf-8")
    if points:
        (info / "entry_points.txt").write_text(points, "utf-8")
    files = [f"{package}/{'__init__' if number == 0 else f'module_{number}'}.py" for number in range(modules)]
    for file in files:
        (site / file).parent.mkdir(exist_ok=True)
        (site / file).write_text("# code\n" * 800, "utf-8")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files), "utf-8")


def _measured(code: str) -> Measured:
    """Return the time of the quickest of a few runs, since nothing makes one quicker than it is."""
    times = []
    for _ in range(IN_ONE_ROUND):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        times.append(tuple(map(float, done.stdout.split())))
    wall, cpu = min(times)
    return Measured(1, wall, cpu, each=tuple(wall for wall, _ in times))
