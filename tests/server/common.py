"""What the tests of the server share. Each of them: FILE PROGRAM [unittest's arguments]"""

import io
import pathlib
import socket
import sys
import time
import unittest
import zipfile
import zlib

from client import PATIENCE, PHOTOS, Server

PROGRAM = sys.argv[1]
CANNOT_RUN = 77
SOURCE = pathlib.Path(__file__).resolve().parents[2]


def png(width, height, grey=128):
    """A grey picture without a face."""
    def chunk(kind, data):
        return (len(data).to_bytes(4, "big") + kind + data +
                zlib.crc32(kind + data).to_bytes(4, "big"))
    rows = zlib.compress((b"\0" + bytes([grey]) * width) * height)
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\0\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


class Shared(unittest.TestCase):
    """One server for a class of tests that do not disturb each other."""

    OPTIONS = ("--rate", "10000", "--burst", "10000")

    @classmethod
    def setUpClass(cls):
        cls.server = Server(PROGRAM, *cls.OPTIONS)

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def problem(self, answer, status, code=None):
        self.assertEqual(answer.status, status, answer.body[:300])
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        self.assertEqual(answer.json["status"], status)
        self.assertTrue(answer.json["detail"])
        self.assertTrue(answer.json["title"])
        if code:
            self.assertEqual(answer.json["code"], code)
        if status in (429, 503):
            self.assertGreaterEqual(int(answer.headers["retry-after"]), 1)

    def gallery(self, name):
        self.assertEqual(self.server.post("/v1/galleries", {"gallery": name}).status, 201)
        return "/v1/galleries/" + name

    def person(self, gallery, name):
        made = self.server.post(gallery + "/persons", {"name": name})
        self.assertEqual(made.status, 201, made.body)
        return made.json["person"]


def archive(*files, method=zipfile.ZIP_STORED):
    """A zip of (name, bytes)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as packed:
        for name, data in files:
            packed.writestr(name, data)
    return out.getvalue()


def send_archive(server, gallery, data, query="", kind="application/zip", **more):
    return server.post(f"{gallery}/import{query}", data, headers={"Content-Type": kind}, **more)


def hold_archives(server, gallery, count, size=600000):
    """Archives that begin to come, and no more; each holds a thread of the requests'."""
    lines = []
    for _ in range(count):
        line = socket.create_connection(("127.0.0.1", server.port), timeout=60 * PATIENCE)
        line.sendall(f"POST {gallery}/import HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {server.key}\r\n"
                     f"Content-Type: application/zip\r\nContent-Length: {size + 1}\r\n\r\n".encode() + bytes(size))
        lines.append(line)
    until = time.monotonic() + 60 * PATIENCE
    incoming = server.data / "jobs" / "incoming"
    while sum(file.stat().st_size for file in incoming.glob("*/input")) < count * (size - (256 << 10)):  # by pieces
        if time.monotonic() > until:
            raise AssertionError("the archives do not come")
        time.sleep(.01)
    return lines


def main():
    if not (PHOTOS / "obama.jpg").exists():
        print("the public photographs are not there: make photos")
        sys.exit(CANNOT_RUN)
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
