#!/usr/bin/env python3
"""Cuts the power while people are removed from a gallery, and looks at what is left.

    tools/power_failure.py [PROGRAM] [--runs 100] [--seed 1]

Traces one `visavis gallery remove` with strace (which must be installed) and replays it up to a random call. What was
synced by then is on the disk; of what was not, nothing, everything, a random part or the first part is, and some writes
are torn at a multiple of 512 bytes. After each such failure the gallery must open, pass `gallery check` once a writer has
been there, and hold everybody but some of those who were removed; at the very end nothing of their vectors may be on the
disk, whatever was not synced. Needs the public photographs (`make photos`).
"""
import argparse
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PHOTOS = pathlib.Path(os.environ.get("VISAVIS_CACHE", pathlib.Path.home() / ".cache/visavis")) / "photos"
PEOPLE = {name: f"sample{name}.jpg" for name in "13456"} | {f"o{i}": "obama.jpg" for i in range(16)}
REMOVED = ("1", "4", "o0", "o3", "o4")
CALLS = "openat,close,pwrite64,ftruncate,fsync,fdatasync,unlink"


def run(*words):
    return subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)


def unhexed(text):
    return bytes.fromhex(text.replace("\\x", ""))


def calls_of(trace):
    """A line for each call when it was done: strace splits one that waits while another thread calls."""
    begun = {}
    for line in trace.read_text().splitlines():
        thread, _, rest = line.partition(" ")
        rest = rest.strip()
        if rest.endswith("<unfinished ...>"):
            begun[thread] = rest.removesuffix("<unfinished ...>").rstrip()
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>\s*(.*)", rest)
        if resumed:
            rest = begun.pop(thread) + resumed[1]
        call = re.match(r"(\w+)\((.*)\)\s+= (\d+)", rest)
        if call:
            yield call[1], call[2].rstrip(), int(call[3])


def events_of(trace, gallery):
    """(kind, path, ...) of what changes or syncs the gallery's files, in order."""
    events, open_files = [], {}
    for name, arguments, answer in calls_of(trace):
        if name == "openat":
            path = unhexed(re.search(r'"([^"]*)"', arguments)[1]).decode()
            open_files[answer] = path
            if "O_CREAT" in arguments and path.startswith(str(gallery)):
                events.append(("create", path))
        elif name == "close":
            open_files.pop(int(arguments), None)
        elif name == "unlink":
            path = unhexed(re.search(r'"([^"]*)"', arguments)[1]).decode()
            if path.startswith(str(gallery)):
                events.append(("unlink", path))
        else:
            path = open_files.get(int(arguments.split(",")[0]), "")
            if not path.startswith(str(gallery)):
                continue
            if name == "pwrite64":
                text, size, at = re.match(r'\d+, "([^"]*)"(?:\.\.\.)?, (\d+), (\d+)$', arguments).groups()
                events.append(("write", path, unhexed(text).ljust(int(size), b"\0"), int(at)))
            elif name == "ftruncate":
                events.append(("truncate", path, int(arguments.split(",")[1])))
            else:
                events.append(("sync", path))
    return events


def apply(files, event):
    kind, path = event[:2]
    if kind == "unlink":
        files.pop(path, None)
        return
    content = files.setdefault(path, bytearray())
    if kind == "write":
        content.extend(bytes(max(0, event[3] - len(content))))
        content[event[3]:event[3] + len(event[2])] = event[2]
    elif kind == "truncate":
        del content[event[2]:]
        content.extend(bytes(event[2] - len(content)))


def is_made_durable(event, synced, folders):
    """A sync of a file concerns its contents, one of a folder the names in it."""
    if synced in folders:
        return event[0] in ("create", "unlink") and os.path.dirname(event[1]) == synced
    return event[1] == synced


def after(events, files, folders):
    """What is on the disk for certain, and what waits for a sync."""
    files = {path: bytearray(content) for path, content in files.items()}
    waiting = []
    for event in events:
        if event[0] != "sync":
            waiting.append(event)
            continue
        for one in [one for one in waiting if is_made_durable(one, event[1], folders)]:
            apply(files, one)
        waiting = [one for one in waiting if not is_made_durable(one, event[1], folders)]
    return files, waiting


def torn(event, dice):
    if event[0] != "write" or dice.random() > .15:
        return event
    return (*event[:2], event[2][:len(event[2]) // 1024 * 512], event[3])


def survivors(waiting, dice):
    kind = dice.choice(["nothing", "everything", "the first", "some"])
    if kind == "the first":
        return waiting[:dice.randrange(len(waiting) + 1)]
    if kind == "some":
        return [torn(event, dice) for event in waiting if dice.random() < .5]
    return waiting if kind == "everything" else []


def write_down(files, folders, gallery, crash):
    shutil.rmtree(crash, ignore_errors=True)
    for folder in folders:
        os.makedirs(folder.replace(str(gallery), str(crash)), mode=0o700, exist_ok=True)
    for path, content in files.items():
        pathlib.Path(path.replace(str(gallery), str(crash))).write_bytes(content)


def wrong_with(program, crash, finished):
    """What a failure has broken, or nothing."""
    listed = run(program, "gallery", "list", crash, "--json")
    if listed.returncode != 0:
        return "it does not open: " + listed.stderr
    there = {person["person"] for person in json.loads(listed.stdout)["persons"]}
    gone = PEOPLE.keys() - there
    if not gone <= set(REMOVED):
        return "somebody else is gone"
    if finished and gone != set(REMOVED):
        return "somebody is back"
    run(program, "gallery", "compact", crash)
    checked = run(program, "gallery", "check", crash)
    return None if checked.returncode == 0 else checked.stdout + checked.stderr


def vectors_of(database):
    with sqlite3.connect(f"file:{database}?mode=ro&immutable=1", uri=True) as connection:
        return {person: bytes(vector) for person, vector in connection.execute(
            "SELECT public_id, embedding FROM faces JOIN persons ON persons.id = faces.person")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", nargs="?", default=ROOT / "build/release/bin/visavis", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    program = options.program.resolve()
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as scratch:
        gallery, trace, crash = (pathlib.Path(scratch) / name for name in ("gallery", "trace", "crash"))
        for person, photo in PEOPLE.items():
            run(program, "enrol", "--gallery", gallery, person, PHOTOS / photo, "--select", "largest", "--keep", "chips",
                "--allow-duplicates")
        vectors = vectors_of(gallery / "gallery.sqlite")
        if vectors.keys() != PEOPLE.keys():
            print("not everybody could be enrolled: run `make models photos` first", file=sys.stderr)
            return 4
        folders = [folder for folder, _, _ in os.walk(gallery)]
        before = {str(path): bytearray(path.read_bytes()) for path in gallery.rglob("*") if path.is_file()}
        run("strace", "-f", "-xx", "-s", "40000", "-e", f"trace={CALLS}", "-o", trace, program, "gallery", "remove",
            gallery, *REMOVED)
        events = events_of(trace, gallery)
        failures = 0
        for number in range(options.runs):
            at = len(events) if number == 0 else dice.randrange(len(events) + 1)
            files, waiting = after(events[:at], before, folders)
            for event in survivors(waiting, dice):
                apply(files, event)
            write_down(files, folders, gallery, crash)
            wrong = wrong_with(program, crash, at == len(events))
            if wrong:
                print(f"after {at} of {len(events)} calls: {wrong}")
                failures += 1
        files, _ = after(events, before, folders)
        kept = {vector for person, vector in vectors.items() if person not in REMOVED}
        for person in REMOVED:
            if vectors[person] not in kept and any(vectors[person][:64] in content for content in files.values()):
                print("a removed vector is on the disk")
                failures += 1
    print(f"{options.runs} power failures in {len(events)} calls, {failures} of them did harm")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
