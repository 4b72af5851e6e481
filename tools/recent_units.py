#!/usr/bin/env python3
"""Which translation units the last hours touched, one per line.

    tools/recent_units.py BUILD HOURS UNIT...

Of the UNITs (paths from the repository's root): those that commits of the HOURS before the last
commit changed, and for every header that they changed one unit that includes it (the smallest, by
what Ninja recorded in BUILD). Changes that are not committed count too.
"""

import subprocess
import sys
from pathlib import Path


def lines(*command: str) -> list[str]:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def changed(hours: float) -> set[str]:
    head = int(lines("git", "log", "-1", "--format=%ct")[0])
    since = f"--since={int(head - hours * 3600)}"
    committed = lines("git", "log", since, "--format=", "--name-only", "-m", "--first-parent", "--root")
    return set(committed) | set(lines("git", "diff", "HEAD", "--name-only"))


def included_by(build: str, root: Path) -> dict[str, set[str]]:
    """Header -> units, both as paths from the root."""
    users: dict[str, set[str]] = {}
    unit = None
    for line in lines("ninja", "-C", build, "-t", "deps"):
        if not line.startswith(" "):
            unit = None
            continue
        path = (Path(build).resolve() / line.strip()).resolve()
        if not path.is_relative_to(root):
            continue
        name = str(path.relative_to(root))
        if unit is None:  # the first is the source itself
            unit = name
        else:
            users.setdefault(name, set()).add(unit)
    return users


def main() -> None:
    build, hours, units = sys.argv[1], float(sys.argv[2]), set(sys.argv[3:])
    touched = changed(hours)
    chosen = units & touched
    users = included_by(build, Path.cwd().resolve())
    for header in sorted(h for h in touched if h.endswith(".hpp")):
        candidates = users.get(header, set()) & units
        if candidates and not candidates & chosen:
            chosen.add(min(candidates, key=lambda u: (Path(u).stat().st_size, u)))
    for unit in sorted(chosen):
        print(unit)


main()
