#!/usr/bin/env python3
"""The running server against the contract that it serves, asked by schemathesis: contract_test.py PROGRAM

Schemathesis makes requests from the OpenAPI document, good and bad, and looks at whether statuses, types, headers and bodies of
the answers are those that the document tells, whether keys are asked for, and whether anything ends in a defect."""

import hashlib
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

from client import CACHE, Server, photo

SOURCE = pathlib.Path(__file__).resolve().parents[2]
REQUIREMENTS = SOURCE / "tools" / "requirements-server.txt"
CANNOT_RUN = 77
# So that requests come to more than "there is no such gallery". What would remove these gets ids of its own making.
KNOWN = """[[operations]]
exclude-method = "DELETE"
parameters = {{ "path.gallery" = "staff", "path.person" = "ada", "path.face" = "{face}", "path.id" = "{job}" }}
"""
# Not those that expect an answer of success to whatever fits the document: random bytes are no photograph.
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance", "negative_data_rejection", "missing_required_header", "unsupported_method",
          "allow_header_conformance", "use_after_free", "ensure_resource_availability", "ignored_auth")


def schemathesis():
    """Its program, in a virtual environment of the pinned versions; nothing where it cannot be installed."""
    folder = CACHE / "server" / hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    if not (folder / "done").exists():
        made = subprocess.run([sys.executable, "-m", "venv", folder])
        if made.returncode == 0:
            made = subprocess.run([folder / "bin" / "pip", "install", "-q", "--disable-pip-version-check",
                                   "--require-hashes", "-r", REQUIREMENTS])
        if made.returncode != 0:
            return None
        (folder / "done").touch()
    return folder / "bin" / "schemathesis"


def people():
    """An archive of one person."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("Ada/1.jpg", photo("obama2.jpg"))
    return out.getvalue()


def main(program):
    tester = schemathesis()
    if tester is None:
        print(f"skipped: {REQUIREMENTS.name} cannot be installed")
        return CANNOT_RUN
    if not (CACHE / "photos" / "obama.jpg").exists():
        print("skipped: the public photographs are not there: make photos")
        return CANNOT_RUN
    with Server(program, "--rate", "100000", "--burst", "100000", "--max-requests", "64") as server, \
            tempfile.TemporaryDirectory() as folder:
        server.post("/v1/galleries", {"gallery": "staff"})
        server.post("/v1/galleries/staff/persons", {"person": "ada", "name": "Ada"})
        face = server.send("/v1/galleries/staff/persons/ada/faces", "obama.jpg").json["enrolled"][0]["face_id"]
        job = server.post("/v1/galleries/staff/import", people(), headers={"Content-Type": "application/zip"}).json["job"]
        pathlib.Path(folder, "schemathesis.toml").write_text(KNOWN.format(face=face, job=job))
        return subprocess.run(
            [tester, "run", f"http://127.0.0.1:{server.port}/openapi.json", "--header", f"Authorization: Bearer {server.key}",
             "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", "10", "--seed", "1",
             "--suppress-health-check", "all", "--continue-on-failure", "--no-color", *sys.argv[2:]],
            cwd=folder, env={**os.environ, "NO_COLOR": "1"}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
