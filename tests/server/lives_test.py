#!/usr/bin/env python3
"""A server from its start to its end: settings, TLS, kills, slow clients"""

import concurrent.futures
import http.client
import pathlib
import random
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

from client import PATIENCE, Answer, Server, form, photo
from common import PROGRAM, Shared, archive, hold_archives, main, send_archive


class Lives(unittest.TestCase):
    """Servers that begin and end."""

    def test_keys_and_galleries_are_there_the_next_time(self):
        with tempfile.TemporaryDirectory() as folder:
            with Server(PROGRAM, data=folder) as server:
                key = server.key
                server.post("/v1/galleries", {"gallery": "a"})
                self.assertEqual(server.stop(), 0)
            with Server(PROGRAM, data=folder) as server:
                self.assertIsNone(server.key, "the first key is told once")
                self.assertEqual(server.get("/v1/galleries/a", key=key).status, 200)

    def test_two_servers_do_not_share_a_folder(self):
        with tempfile.TemporaryDirectory() as folder, Server(PROGRAM, data=folder):
            with self.assertRaisesRegex(RuntimeError, "ended with 4"):
                Server(PROGRAM, data=folder)

    def test_a_rate_is_kept(self):
        with Server(PROGRAM, "--rate", "1", "--burst", "3") as server:
            answers = [server.get("/v1/models") for _ in range(6)]
            self.assertEqual([a.status for a in answers[:3]], [200] * 3)
            self.assertEqual(answers[-1].status, 429)
            self.assertGreaterEqual(int(answers[-1].headers["retry-after"]), 1)

    def test_without_keys_only_loopback(self):
        ended = subprocess.run([PROGRAM, "serve", "--no-auth", "--address", "0.0.0.0"], capture_output=True)
        self.assertEqual(ended.returncode, 2)
        with Server(PROGRAM, "--no-auth") as server:
            self.assertEqual(server.get("/v1/galleries").status, 200)
            rebound = server.get("/v1/galleries", headers={"Host": "evil.example"})
            self.assertEqual(rebound.status, 403)

    def test_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                            "-nodes", "-subj", "/CN=localhost", "-days", "2", "-addext",
                            "subjectAltName=IP:127.0.0.1", "-keyout", folder + "/k.pem", "-out",
                            folder + "/c.pem"], check=True, capture_output=True)
            tls = ("--certificate", folder + "/c.pem", "--private-key", folder + "/k.pem")
            with Server(PROGRAM, *tls, ready=False) as server:
                context = ssl.create_default_context(cafile=folder + "/c.pem")
                with socket.create_connection(("127.0.0.1", server.port)) as plain, \
                        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                    secure.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    answer = b""
                    while chunk := secure.recv(4096):
                        answer += chunk
                self.assertIn(b"200 OK", answer)
                self.assertIn(b"Strict-Transport-Security", answer)

    def test_what_was_accepted_is_finished(self):
        with Server(PROGRAM, "--threads", "1", "--rate", "1000", "--burst", "1000") as server:
            body = form([("image", "obama.jpg", photo("obama.jpg"))])
            def ask(_):
                return server.ask("POST", "/v1/embed", body[0], body[1]).status
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                asked = [pool.submit(ask, i) for i in range(8)]
                # The ninth is the question itself.
                while b"visavis_requests_now 9" not in server.get("/metrics", key=None).body:
                    if all(a.done() for a in asked):
                        break
                code = server.stop()
                self.assertEqual([a.result() for a in asked], [200] * 8)
            self.assertEqual(code, 0)

    def test_nothing_acknowledged_is_lost_by_a_kill(self):
        """Killed in the midst of enrolments, three times."""
        source = random.Random(7)
        with tempfile.TemporaryDirectory() as folder:
            key, known = None, set()
            for round_ in range(3):
                server = Server(PROGRAM, "--rate", "10000", "--burst", "10000", data=folder)
                with server:
                    key = key or server.key
                    server.key = key
                    server.post("/v1/galleries", {"gallery": "g"})
                    told = {p["person"] for p in server.get("/v1/galleries/g/persons?limit=1000").json["persons"]}
                    self.assertLessEqual(known, told)
                    pool = concurrent.futures.ThreadPoolExecutor(4)
                    def make(_):
                        try:
                            answer = server.post("/v1/galleries/g/persons", {"name": "n"})
                        except Exception:  # the server was killed
                            return None
                        return answer.json["person"] if answer.status == 201 else None
                    asked = [pool.submit(make, i) for i in range(60)]
                    time.sleep(source.uniform(.02, .3))
                    server.process.kill()
                    known |= {a.result() for a in asked} - {None}
                    pool.shutdown()
            with Server(PROGRAM, data=folder) as server:
                server.key = key
                told = {p["person"] for p in server.get("/v1/galleries/g/persons?limit=1000").json["persons"]}
                self.assertLessEqual(known, told)
                self.assertGreater(len(known), 0)

    def test_config_comes_from_flags_then_the_environment_then_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "c.toml"
            file.write_text('port = 1001\nqueue = 17\nrecogniser = "mobilefacenet-192"\nno-auth = true\n')
            def printed(*options, **environment):
                out = subprocess.run([PROGRAM, "serve", "--print-config", "--config", str(file), *options],
                                     env={"PATH": "/usr/bin", "HOME": folder, **environment},
                                     capture_output=True, text=True)
                return dict(line.split(" = ") for line in out.stdout.splitlines()), out
            config, _ = printed("--port", "1003", VISAVIS_PORT="1002", VISAVIS_BURST="7")
            self.assertEqual((config["port"], config["queue"], config["burst"]), ("1003", "17", "7"))
            self.assertEqual(config["no-auth"], "true")
            self.assertEqual(config["recogniser"].strip("'\""), "mobilefacenet-192")
            self.assertEqual(printed(VISAVIS_PORT="1002")[0]["port"], "1002")
            for text, word in (("port = [", "line 1"), ("colour = 1", "colour"), ("port = 'x'", "port"),
                               ("queue = 0", "queue")):
                file.write_text(text)
                _, out = printed()
                self.assertEqual(out.returncode, 2, out)
                self.assertIn(word, out.stderr)


class Patience(unittest.TestCase):
    def test_a_body_that_does_not_come_is_told_so(self):
        with Server(PROGRAM, "--no-auth", "--body-timeout", "1") as server:
            for length in (b"Content-Length: 100000", b"Transfer-Encoding: chunked"):
                with socket.create_connection(("127.0.0.1", server.port), timeout=30 * PATIENCE) as line:
                    start = time.monotonic()
                    line.sendall(b"POST /v1/detect HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n" +
                                 length +
                                 b"\r\n\r\n5\r\nhello\r\n")
                    told = b""
                    while piece := line.recv(65536):
                        told += piece
                    self.assertTrue(told.startswith(b"HTTP/1.1 408"), told[:200])
                    self.assertIn(b"application/problem+json", told)
                    self.assertGreater(time.monotonic() - start, 0.9)
            self.assertEqual(server.get("/health/live", key=None).status, 200)


class NotNow(unittest.TestCase):
    """503, whoever is in the way."""

    problem = Shared.problem
    gallery = Shared.gallery

    def test_while_it_starts(self):
        with Server(PROGRAM, ready=False) as server:
            answer = server.get("/v1/models")
            if answer.status == 200:
                self.skipTest("the networks were there before anybody could ask")
            self.problem(answer, 503, "unavailable")
            self.assertIn("starting", answer.json["detail"])
            self.assertEqual(server.get("/health/live", key=None).status, 200)

    def test_while_it_stops(self):
        with Server(PROGRAM) as server, \
                socket.create_connection(("127.0.0.1", server.port), timeout=60 * PATIENCE) as line:
            line.sendall(b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\n")  # and no more of it
            self.assertEqual(server.get("/v1/models").status, 200)  # it has come before this
            server.process.send_signal(signal.SIGTERM)
            response = http.client.HTTPResponse(line)
            response.begin()
            self.problem(Answer(response), 503, "unavailable")
            self.assertEqual(server._ended(), 0)

    def test_all_busy(self):
        with Server(PROGRAM, "--max-requests", "4") as self.server:
            gallery = self.gallery("g")
            small = archive(("A/1.jpg", b"x"))
            held = hold_archives(self.server, gallery, 1)
            answer = send_archive(self.server, gallery, small)
            self.problem(answer, 503, "unavailable")
            self.assertIn("too many archives", answer.json["detail"])
            self.assertEqual(self.server.get("/v1/models").status, 200, "others are not in its way")
            for line in held:
                line.close()
            until = time.monotonic() + 60 * PATIENCE
            while (answer := send_archive(self.server, gallery, small)).status == 503:
                self.assertLess(time.monotonic(), until)
            self.assertEqual(answer.status, 202)

    def test_a_disk_in_the_way(self):
        with Server(PROGRAM) as self.server:
            gallery = self.gallery("g")
            incoming = self.server.data / "jobs" / "incoming"
            incoming.rmdir()
            answer = send_archive(self.server, gallery, archive(("A/1.jpg", b"x")))
            self.problem(answer, 503, "unavailable")
            self.assertNotIn(str(self.server.data), answer.json["detail"])
            incoming.mkdir()
            self.assertEqual(send_archive(self.server, gallery, archive(("A/1.jpg", b"x"))).status, 202)


if __name__ == "__main__":
    main()
