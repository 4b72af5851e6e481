#!/usr/bin/env python3
"""Writes `certificates` into models/*.json: every network, as each engine of the build runs it, against the
original in its package, run by the reference engine (visavis equivalence).

    tools/certify_models.py build/release/bin/visavis [ID...]

The packages are looked for in the downloads folder of the cache and the networks in its model store: run
`visavis models fetch` first. Models without files, and int8 ones, which are measured instead, are left out.
"""

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


def certificate(program, file, engines):
    result = CACHE / "models" / "files" / file["onnx_sha256"]
    entry = {"file": file["name"], "source_sha256": file["sha256"],
             "result_sha256": file["onnx_sha256"],
             "inputs": "8 random ones from [-1, 1), seed 1", "engines": []}
    with tempfile.NamedTemporaryFile(suffix=Path(file["source"]["member"]).suffix) as source:
        source.write(original(file))
        source.flush()
        for name, version in engines:
            answer = asked(program, ["equivalence", source.name, str(result), "--source-importer",
                                     file["importer"], "--engine", name, *INPUTS])
            assert answer["source"]["sha256"] == file["sha256"]
            assert answer["result"]["sha256"] == file["onnx_sha256"]
            outputs = [o for j in answer["judgements"] for o in j["outputs"]]
            entry["engines"].append({
                "engine": name, "version": version,
                "max_abs": float(f"{max(o['max_abs'] for o in outputs):.3g}"),
                "min_cosine": round(min(o["min_cosine"] for o in outputs), 9)})
    return entry


def text_of(certificates):
    """As the rest of the file is written: a line for each engine."""
    text = json.dumps(certificates, indent=2)
    return re.sub(r"\{\s+(\"engine\"[^{}]*?)\s+\}",
                  lambda m: "{" + re.sub(r"\s*\n\s*", " ", m[1]) + "}", text)


def main():
    program, ids = sys.argv[1], sys.argv[2:]
    engines = [(e["name"], e["version"]) for e in asked(program, ["engines"])["engines"]
               if e["usable"]]
    for path in sorted(Path("models").glob("*.json")):
        manifest = json.loads(path.read_text())
        files = [f for f in manifest.get("files", []) if "int8" not in f]
        if not files or (ids and manifest["id"] not in ids):
            continue
        made = text_of([certificate(program, f, engines) for f in files]).replace("\n", "\n  ")
        text = re.sub(r'  "certificates": \[.*?\n  \],\n', "", path.read_text(), flags=re.S)
        before = '  "notes":' if "notes" in manifest else None
        if before is None:
            sys.exit(f"{path} has no notes to write the certificates before")
        path.write_text(text.replace(before, f'  "certificates": {made},\n{before}', 1))
        print(manifest["id"])


if __name__ == "__main__":
    main()
