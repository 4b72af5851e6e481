#!/usr/bin/env python3
"""Many clients for a long time: no wrong answer, no crossed answer, no growing memory.

    bench/server/soak.py build/release/bin/visavis [--clients 100] [--minutes 10]

Each client has a person of its own in a gallery of its own and mixes verbs: it identifies its own person and somebody
else, verifies, detects, enrols and removes. Every answer is checked. Prints one JSON object; exit 1 if an answer was
wrong."""

import argparse
import json
import pathlib
import random
import re
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "server"))
from client import Server  # noqa: E402

PEOPLE = {"obama.jpg": "obama2.jpg", "biden.jpg": "biden.jpg", "astronaut.png": "astronaut.png"}


class Client(threading.Thread):
    def __init__(self, server, number, until):
        super().__init__()
        self.server, self.number, self.until = server, number, until
        self.source = random.Random(number)
        self.latency, self.wrong, self.refused = [], [], 0

    def ask(self, connection, method, path, photos=(), body=None):
        start = time.perf_counter()
        if photos:
            answer = self.server.send(path, *photos, connection=connection)
        else:
            answer = self.server.ask(method, path, body, connection=connection)
        if answer.status in (429, 503):
            self.refused += 1
            time.sleep(self.source.uniform(.2, 1))
            return None
        self.latency.append(time.perf_counter() - start)
        return answer

    def check(self, answer, what, right):
        if answer is not None and not right(answer):
            self.wrong.append((what, answer.status, answer.body[:300].decode("utf-8", "replace")))

    def run(self):
        enrolled, shown = self.source.choice(list(PEOPLE.items()))
        others = [name for name in PEOPLE if name != enrolled]
        gallery = f"/v1/galleries/soak-{self.number}"
        connection = self.server.connect(timeout=120)
        while self.ask(connection, "POST", "/v1/galleries", body={"gallery": f"soak-{self.number}"}) is None:
            pass
        me = f"{gallery}/persons/me-{self.number}"
        while self.ask(connection, "POST", gallery + "/persons", body={"person": f"me-{self.number}"}) is None:
            pass
        while self.ask(connection, "POST", me + "/faces?select=largest", [enrolled]) is None:
            pass
        person = lambda a: a.json["images"][0]["faces"][0]["person"]
        while time.monotonic() < self.until:
            verb = self.source.choice(["mine", "mine", "other", "verify", "detect", "enrol"])
            if verb == "mine":
                self.check(self.ask(connection, "POST", gallery + "/identify?select=largest", [shown]), verb,
                           lambda a: a.status == 200 and person(a) == f"me-{self.number}")
            elif verb == "other":
                other = self.source.choice(others)
                self.check(self.ask(connection, "POST", gallery + "/identify?select=largest", [other]), verb,
                           lambda a: a.status == 200 and person(a) is None and
                           a.json["images"][0]["path"] == other)
            elif verb == "verify":
                self.check(self.ask(connection, "POST", f"{gallery}/verify/me-{self.number}?select=largest", [shown]),
                           verb, lambda a: a.status == 200 and a.json["same"])
            elif verb == "detect":
                self.check(self.ask(connection, "POST", "/v1/detect", [shown]), verb,
                           lambda a: a.status == 200 and a.json["images"][0]["faces"])
            else:
                guest = self.ask(connection, "POST", gallery + "/persons", body={})
                if guest is None:
                    continue
                path = f"{gallery}/persons/{guest.json['person']}"
                self.check(self.ask(connection, "POST", path + "/faces?select=largest", [others[0]]), verb,
                           lambda a: a.status == 201)
                gone = None
                while gone is None:
                    gone = self.ask(connection, "DELETE", path)
                self.check(gone, "remove", lambda a: a.status == 204)
        connection.close()


def resident(server):
    text = server.get("/metrics").body.decode()
    return float(re.search(r"^process_resident_memory_bytes (\S+)$", text, re.M).group(1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=10)
    given = parser.parse_args()
    with Server(given.program, "--no-auth", "--rate", "1e6", "--burst", "1e6") as server:
        until = time.monotonic() + 60 * given.minutes
        clients = [Client(server, number, until) for number in range(given.clients)]
        for client in clients:
            client.start()
        memory = []
        while any(client.is_alive() for client in clients):
            time.sleep(max(1, 60 * given.minutes / 40))
            memory.append(resident(server))
        latency = sorted(x for client in clients for x in client.latency)
        wrong = [w for client in clients for w in client.wrong]
        print(json.dumps({
            "clients": given.clients, "minutes": given.minutes, "answers": len(latency), "wrong": len(wrong),
            "refused": sum(client.refused for client in clients),
            "p50_ms": round(1000 * latency[len(latency) // 2], 1),
            "p99_ms": round(1000 * latency[int(.99 * len(latency))], 1),
            "resident_mib_after_a_quarter": round(memory[len(memory) // 4] / 2**20, 1),
            "resident_mib_at_the_end": round(memory[-1] / 2**20, 1),
            "ended_with": server.stop()}))
        for what in wrong[:5]:
            print(what, file=sys.stderr)
        return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
