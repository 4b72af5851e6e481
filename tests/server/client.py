"""A server that a test started, and a client for it."""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import uuid

CACHE = pathlib.Path(os.environ.get("VISAVIS_CACHE") or pathlib.Path.home() / ".cache" / "visavis")
PHOTOS = CACHE / "photos"
# By how much limits of time are multiplied: a build with sanitizers does the same work several times as slowly.
PATIENCE = float(os.environ.get("VISAVIS_TEST_PATIENCE") or 1)


def photo(name):
    return (PHOTOS / name).read_bytes()


def form(files, fields=()):
    """multipart/form-data of (name, file name, bytes) and (name, text)."""
    boundary = uuid.uuid4().hex
    body = b""
    for name, filename, data in files:
        body += (
            f"--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; "
            f"filename=\"{filename}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        ).encode() + data + b"\r\n"
    for name, text in fields:
        body += (
            f"--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n"
        ).encode()
    body += f"--{boundary}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """`visavis serve` on a free port of loopback, with a folder of its own unless one is given."""

    def __init__(self, program, *options, data=None, ready=True):
        self._folder = None if data else tempfile.TemporaryDirectory(prefix="visavis-server-")
        self.data = pathlib.Path(data or self._folder.name) / "data"
        port_file = self.data.parent / "port"
        port_file.unlink(missing_ok=True)
        self.log = open(self.data.parent / "log", "ab")
        self.out = self.data.parent / "out"
        command = [program, "serve", "--port", "0", "--port-file", str(port_file), "--data",
                   str(self.data), "--log-format", "json", "--deadline", str(round(20 * PATIENCE)),
                   "--grace", str(round(30 * PATIENCE)), *options]
        with open(self.out, "wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=self.log)
        self.key = None
        until = time.monotonic() + 120 * PATIENCE
        while not port_file.exists() or not port_file.read_text().strip():
            if self.process.poll() is not None:
                self.log.close()
                raise RuntimeError(f"the server ended with {self.process.returncode}: {self.logged()}")
            if time.monotonic() > until:
                self.kill()
                raise RuntimeError("the server does not listen: " + self.logged())
            time.sleep(0.02)
        self.port = int(port_file.read_text())
        printed = self.out.read_text()
        if "vv_" in printed:
            self.key = "vv_" + printed.split("vv_")[1].split()[0]
        if ready:
            while self.get("/health/ready", key=None).status != 200:
                if time.monotonic() > until:
                    self.kill()
                    raise RuntimeError("the server is not ready: " + self.logged())
                time.sleep(0.02)

    def logged(self):
        return (self.data.parent / "log").read_text()

    def connect(self, timeout=60):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout * PATIENCE)

    def ask(self, method, path, body=None, headers=None, key="own", connection=None):
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        secret = self.key if key == "own" else key
        if secret:
            headers.setdefault("Authorization", "Bearer " + secret)
        own = connection is None
        connection = connection or self.connect()
        try:
            connection.request(method, path, body=body, headers=headers)
            return Answer(connection.getresponse())
        finally:
            if own:
                connection.close()

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.ask("POST", path, body, **more)

    def send(self, path, *photos, fields=(), name="image", **more):
        """Photos by the names of the public ones, or (file name, bytes)."""
        files = [(name, p, photo(p)) if isinstance(p, str) else (name, *p) for p in photos]
        body, headers = form(files, fields)
        return self.ask("POST", path, body, headers, **more)

    def stop(self):
        """Asks it to end. @return its exit code"""
        self.process.send_signal(signal.SIGTERM)
        return self._ended()

    def kill(self):
        self.process.kill()
        return self._ended()

    def _ended(self):
        try:
            return self.process.wait(60 * PATIENCE)
        finally:
            self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()
        self.log.close()
        if self._folder:
            self._folder.cleanup()
