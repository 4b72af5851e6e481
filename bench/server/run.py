#!/usr/bin/env python3
"""What HTTP and JSON cost on top of the same work in process.

    bench/server/run.py build/release/bin/visavis [--requests N] [--clients N] [OPTIONS OF visavis serve]

Identifies one photograph among a few people: by one client, one request after the other (latency), by several at once
(throughput), and with `visavis identify` on as many copies of the photograph (the same work in process). Prints one JSON
object. The client shares the cores with the server, so it sends bytes that it made beforehand and looks at an answer's
status only; the last answer is compared with the first."""

import argparse
import concurrent.futures
import json
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "server"))
from client import PHOTOS, Server, form, photo  # noqa: E402


def work_of(server):
    """Seconds that photos were decoded and in the networks."""
    text = server.get("/metrics").body.decode()
    return sum(float(value) for value in re.findall(
        r'visavis_stage_seconds_sum{stage="(?:decode|analyse)"} ([0-9.e+-]+)$', text, re.M))


class Line:
    """A connection on which one request is sent again and again."""

    def __init__(self, port, path, body, headers):
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.request = (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}"
                        f"Content-Length: {len(body)}\r\n\r\n").encode() + body
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self):
        """Seconds, and the answer's body."""
        start = time.perf_counter()
        self.socket.sendall(self.request)
        answer = self.socket.recv(65536)
        while b"\r\n\r\n" not in answer:
            answer += self.socket.recv(65536)
        head, body = answer.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 200"), answer
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        while len(body) < length:
            body += self.socket.recv(65536)
        return time.perf_counter() - start, body


def faces_of(body):
    return json.loads(body)["images"]


def in_process(program, gallery, name, count, threads):
    """Photographs a second, the start of the process left out of account."""
    def seconds(photos):
        start = time.perf_counter()
        subprocess.run([program, "identify", *[str(PHOTOS / name)] * photos, "--gallery", gallery, "--json",
                        "--threshold", ".3", "--threads", str(threads)], check=True, capture_output=True)
        return time.perf_counter() - start
    few = statistics.median(seconds(threads) for _ in range(3))
    return (count - threads) / (seconds(count) - few)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--photo", default="obama2.jpg")
    parser.add_argument("--threads", type=int, default=2)
    given, options = parser.parse_known_args()  # what is not known here is the server's
    with tempfile.TemporaryDirectory() as folder, \
            Server(given.program, "--no-auth", "--rate", "1e6", "--burst", "1e6", "--threads", str(given.threads),
                   *options, data=folder) as server:
        server.post("/v1/galleries", {"gallery": "g"})
        for name in ("obama.jpg", "biden.jpg", "astronaut.png"):
            server.post("/v1/galleries/g/persons", {"person": name})
            server.send(f"/v1/galleries/g/persons/{name}/faces?select=largest", name)
        body, headers = form([("image", given.photo, photo(given.photo))])
        path = "/v1/galleries/g/identify?threshold=.3"

        line = Line(server.port, path, body, headers)
        first = faces_of(line.ask()[1])
        for _ in range(20):
            line.ask()
        before = work_of(server)
        latency = [line.ask()[0] for _ in range(given.requests)]
        work = (work_of(server) - before) / given.requests

        def client(_):
            own = Line(server.port, path, body, headers)
            for _ in range(given.requests // given.clients):
                last = own.ask()[1]
            assert faces_of(last) == first, last
        start = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(given.clients) as pool:
            list(pool.map(client, range(given.clients)))
        over_http = given.requests // given.clients * given.clients / (time.perf_counter() - start)
        server.stop()
        alone = in_process(given.program, folder + "/data/galleries/main/g", given.photo, given.requests,
                           given.threads)
    print(json.dumps({
        "photo": given.photo, "requests": given.requests, "clients": given.clients, "threads": given.threads,
        "latency_p50_ms": round(1000 * statistics.median(latency), 3),
        "latency_p99_ms": round(1000 * sorted(latency)[int(.99 * len(latency))], 3),
        "latency_mean_ms": round(1000 * statistics.mean(latency), 3),
        "work_mean_ms": round(1000 * work, 3),
        "overhead_ms": round(1000 * (statistics.mean(latency) - work), 3),
        "per_second_http": round(over_http, 1), "per_second_in_process": round(alone, 1),
        "ratio": round(over_http / alone, 3)}))


if __name__ == "__main__":
    main()
