#!/usr/bin/env python3
"""The built server, as a client sees it: server_test.py PROGRAM [unittest's arguments]"""

import base64
import concurrent.futures
import http.client
import io
import json
import os
import pathlib
import random
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
import zipfile
import zlib

from client import PATIENCE, PHOTOS, Answer, Server, form, photo

PROGRAM = sys.argv[1]
SOURCE = pathlib.Path(__file__).resolve().parents[2]


def setUpModule():
    if not (PHOTOS / "obama.jpg").exists():
        raise unittest.SkipTest("the public photographs are not there: make photos")


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


class Operations(Shared):
    def test_health_metrics_and_contract_need_no_key(self):
        for path in ("/health/live", "/health/ready", "/openapi.json", "/metrics"):
            self.assertEqual(self.server.get(path, key=None).status, 200, path)

    def test_the_contract_is_the_committed_one_but_for_urls_which_are_off(self):
        committed = json.loads((SOURCE / "apps/server/openapi.json").read_text())
        for methods in committed["paths"].values():
            for operation in methods.values():
                content = operation.get("requestBody", {}).get("content", {})
                content.get("application/json", {}).get("schema", {}).get("properties", {}).pop("url", None)
        self.assertEqual(self.server.get("/openapi.json").json, committed)

    def test_a_session_tells_what_the_key_may(self):
        key = self.server.post("/v1/keys", {"scope": "enrol"}).json["secret"]
        told = self.server.get("/v1/session", key=key).json
        self.assertEqual((told["tenant"], told["scope"]), ("main", "enrol"))

    def test_metrics_count_requests_by_route(self):
        self.server.get("/v1/models")
        text = self.server.get("/metrics").body.decode()
        self.assertIn('visavis_requests_total{', text)
        self.assertIn('route="/v1/models"', text)
        self.assertIn('visavis_engine_info{engine=', text)
        self.assertIn("process_resident_memory_bytes", text)

    def test_sizes_of_galleries_are_told_to_their_tenant_only(self):
        self.gallery("sized")
        self.assertIn('gallery="sized"', self.server.get("/metrics").body.decode())
        self.assertNotIn("sized", self.server.get("/metrics", key=None).body.decode())

    def test_every_answer_is_guarded(self):
        for path in ("/", "/health/live", "/v1/galleries"):
            headers = self.server.get(path).headers
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertEqual(headers["x-frame-options"], "DENY")
            self.assertIn("default-src 'none'", headers["content-security-policy"])
            self.assertNotIn("access-control-allow-origin", headers)

    def test_models_and_engines(self):
        models = self.server.get("/v1/models").json["models"]
        self.assertIn("faceplugin-512", [model["id"] for model in models])
        self.assertIn("reference", [e["name"] for e in self.server.get("/v1/engines").json["engines"]])

    def test_a_clients_request_id_comes_back_unless_it_could_harm_a_log(self):
        given = self.server.get("/health/live", headers={"X-Request-Id": "abc-1"})
        self.assertEqual(given.headers["x-request-id"], "abc-1")
        evil = self.server.get("/health/live", headers={"X-Request-Id": "a b{}"})
        self.assertRegex(evil.headers["x-request-id"], "^[0-9a-f]{16}$")


class Contract(Shared):
    def test_every_route_of_the_contract_is_there_and_no_other(self):
        """A path of the contract with another method tells the methods that it knows."""
        contract = self.server.get("/openapi.json").json["paths"]
        for path, methods in contract.items():
            concrete = re.sub("{([a-z]+)}", r"\1", path)
            answer = self.server.ask("TRACE", concrete)
            self.problem(answer, 405)
            allowed = {m.lower() for m in answer.headers["allow"].split(", ")}
            self.assertEqual(allowed, set(methods), path)

    def test_scopes_are_those_of_the_contract(self):
        """A key of the scope below is refused, before anything is looked at."""
        order = ["read", "enrol", "admin"]
        keys = {s: self.server.post("/v1/keys", {"scope": s}).json["secret"] for s in order}
        contract = self.server.get("/openapi.json").json["paths"]
        for path, methods in contract.items():
            concrete = re.sub("{([a-z]+)}", r"\1", path)
            for method, operation in methods.items():
                scope = operation.get("x-scope")
                if not scope:
                    continue
                self.problem(self.server.ask(method.upper(), concrete, key=None), 401)
                self.problem(self.server.ask(method.upper(), concrete, key="vv_" + "A" * 43), 401)
                for below in order[:order.index(scope)]:
                    self.problem(self.server.ask(method.upper(), concrete, key=keys[below]), 403)


class Photos(Shared):
    def test_detect_takes_forms_bytes_and_base64_and_says_the_same(self):
        by_form = self.server.send("/v1/detect", "obama.jpg")
        self.assertEqual(by_form.status, 200)
        faces = by_form.json["images"][0]["faces"]
        # facenet-pytorch's MTCNN finds the face and, at .897 by its count, desk equipment.
        self.assertGreater(faces[0]["confidence"], 0.999)
        self.assertEqual(by_form.json["images"][0]["path"], "obama.jpg")
        raw = self.server.post("/v1/detect", photo("obama.jpg"), headers={"Content-Type": "image/jpeg"})
        self.assertEqual(raw.json["images"][0]["faces"], faces)
        coded = base64.b64encode(photo("obama.jpg")).decode()
        as_json = self.server.post("/v1/detect", {"image_base64": coded})
        self.assertEqual(as_json.json["images"][0]["faces"], faces)

    def test_the_answers_are_those_of_the_command_line(self):
        out = subprocess.run([PROGRAM, "detect", str(PHOTOS / "obama.jpg"), "--json", "--min-face",
                              os.environ.get("VISAVIS_MIN_FACE", "20")], check=True, capture_output=True)
        told = json.loads(out.stdout)["images"][0]["faces"]
        self.assertEqual(self.server.send("/v1/detect", "obama.jpg").json["images"][0]["faces"], told)

    def test_several_photos_in_one_request(self):
        many = self.server.send("/v1/detect", "obama.jpg", ("text.jpg", b"no picture"), "biden.jpg").json
        self.assertEqual([i["path"] for i in many["images"]], ["obama.jpg", "biden.jpg"])
        self.assertEqual([e["path"] for e in many["errors"]], ["text.jpg"])
        self.assertEqual(many["errors"][0]["code"], "decode_failed")

    def test_embeddings_are_unit_vectors_that_know_people(self):
        faces = [self.server.send("/v1/embed?select=largest", name).json["images"][0]["faces"][0]
                 for name in ("obama.jpg", "obama2.jpg", "biden.jpg")]
        vectors = [face["embedding"] for face in faces]
        for vector in vectors:
            self.assertEqual(len(vector), 512)
            self.assertAlmostEqual(sum(x * x for x in vector), 1, places=5)
        cosine = lambda a, b: sum(x * y for x, y in zip(a, b))
        # The same weights in an independent pipeline: .753 and -.040.
        self.assertAlmostEqual(cosine(vectors[0], vectors[1]), .753, delta=.03)
        self.assertAlmostEqual(cosine(vectors[0], vectors[2]), -.040, delta=.03)

    def verify(self, a, b, query=""):
        files = [("image_a", a, photo(a)), ("image_b", b, photo(b))]
        body, headers = form(files)
        return self.server.ask("POST", "/v1/verify" + query, body, headers)

    def test_verify_says_what_its_threshold_promises(self):
        same = self.verify("obama.jpg", "obama2.jpg").json
        self.assertTrue(same["same"])
        self.assertEqual(same["promise"], {"kind": "far", "value": 0.001} | same["promise"])
        self.assertFalse(self.verify("obama.jpg", "biden.jpg").json["same"])
        strict = self.verify("obama.jpg", "obama2.jpg", "?threshold=.99").json
        self.assertFalse(strict["same"])
        self.assertIsNone(strict["promise"])

    def test_a_photo_without_a_face_is_422(self):
        body, headers = form([("image_a", "a", png(200, 200)), ("image_b", "b", photo("obama.jpg"))])
        self.problem(self.server.ask("POST", "/v1/verify", body, headers), 422, "no_face")

    def test_what_is_no_image_is_415(self):
        for data in (b"", b"hello", photo("obama.jpg")[:200], b"\xff\xd8\xff" + bytes(100)):
            self.problem(self.server.send("/v1/detect", ("x.jpg", data)), 415)

    def test_a_bomb_is_refused_from_its_header(self):
        bomb = png(8, 8).replace((8).to_bytes(4, "big") * 2, (40000).to_bytes(4, "big") * 2)
        self.problem(self.server.send("/v1/detect", ("bomb.png", bomb)), 413)


class BadRequests(Shared):
    OPTIONS = ("--rate", "10000", "--burst", "10000", "--max-image-mb", "1", "--max-images", "2")

    def test_malformed_bodies_are_400_with_a_sentence(self):
        form_type = {"Content-Type": "multipart/form-data; boundary=x"}
        head = b"--x\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n"
        for body in (b"", b"--x--\r\n", head, head + b"data", head + b"data\r\n--x", b"--x\r\n\r\n\r\n--x--",
                     b"--x\r\nContent-Disposition: form-data\r\n\r\nz\r\n--x--"):
            self.problem(self.server.post("/v1/detect", body, headers=form_type), 400)
        self.problem(self.server.post("/v1/detect", b"x", headers={
            "Content-Type": "multipart/form-data"}), 400)
        for body in ("", "{", "[]", "1", '{"image_base64":1}', '{"image_base64":"*"}', "{}",
                     '{"image_base64":"' + "[" * 10 + '"}', "[" * 100000):
            self.problem(self.server.post("/v1/detect", body, headers={
                "Content-Type": "application/json"}), 400)

    def test_a_change_says_what_changes(self):
        gallery = self.gallery("unchanged")
        person = gallery + "/persons/" + self.person(gallery, "Ada")
        for method, path in (("PATCH", gallery), ("PATCH", person), ("POST", "/v1/galleries"), ("POST", "/v1/keys")):
            self.problem(self.server.ask(method, path), 400)
        self.assertEqual(self.server.post(gallery + "/persons").status, 201, "of somebody new nothing need be said")

    def test_unknown_parameters_and_values_are_400(self):
        for query in ("?x=1", "?select=best", "?select="):
            self.problem(self.server.send("/v1/embed" + query, "obama.jpg"), 400)
        gallery = self.gallery("bad-parameters")
        for query in ("?far=2", "?far=x", "?far=nan", "?far=.01&threshold=1", "?top=0", "?top=101", "?fusion=x",
                      "?metric=x", "?far=1e-9"):
            self.problem(self.server.send(gallery + "/identify" + query, "obama.jpg"), 400)

    def test_another_type_is_415(self):
        for kind in ("text/plain", "application/xml", ""):
            self.problem(self.server.post("/v1/detect", b"x", headers={"Content-Type": kind}), 415)
        self.problem(self.server.post("/v1/galleries", b"gallery=a", headers={
            "Content-Type": "application/x-www-form-urlencoded"}), 415)

    def test_what_is_too_large_is_413(self):
        self.problem(self.server.send("/v1/detect", ("x.jpg", b"\xff\xd8" + bytes(1200000))), 413)
        self.problem(self.server.post("/v1/detect", bytes(5 << 20), headers={
            "Content-Type": "image/jpeg"}), 413)
        self.problem(self.server.post("/v1/galleries", b" " * (2 << 20), headers={
            "Content-Type": "application/json"}), 413)
        self.problem(self.server.send("/v1/detect", "obama.jpg", "biden.jpg", "obama2.jpg"), 400)

    def test_paths_that_lead_elsewhere_are_none(self):
        for path in ("/v1/galleries/..%2f..%2fetc", "/v1/galleries/%2e%2e/persons", "/v1/../keys",
                     "/v1/galleries/%00", "/v1/galleries/%ff", "/v1/galleries/%zz", "//", "/v1//models"):
            self.assertIn(self.server.get(path).status, (400, 404), path)

    def test_names_of_galleries_are_slugs(self):
        for name in ("", "A", "a b", "../x", "a" * 64, "-a", "ä", ".removed-x"):
            self.problem(self.server.post("/v1/galleries", {"gallery": name}), 400)

    def raw(self, data, wait=5 * PATIENCE):
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=wait) as s:
            s.sendall(data)
            answer = b""
            try:
                while chunk := s.recv(65536):
                    answer += chunk
            except (TimeoutError, ConnectionResetError):
                pass
            return answer

    def test_what_is_no_http_is_told_so(self):
        self.assertIn(b" 400 ", self.raw(b"hello\r\n\r\n"))
        self.assertIn(b" 400 ", self.raw(b"GET / HTTP/9.9\r\n\r\n"))
        self.assertIn(b" 431 ", self.raw(b"GET / HTTP/1.1\r\n" + b"A: " + b"b" * 40000))
        self.assertIn(b" 400 ", self.raw(b"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n"))
        self.assertIn(b" 400 ", self.raw(
            b"POST /v1/detect HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"))

    def test_pages_of_other_origins_are_refused(self):
        self.problem(self.server.get("/v1/galleries", headers={"Origin": "https://evil.example"}), 403)
        own = {"Origin": f"http://127.0.0.1:{self.server.port}"}
        self.assertEqual(self.server.get("/v1/galleries", headers=own).status, 200)

    def test_the_server_lives_on(self):
        self.assertEqual(self.server.get("/health/ready").status, 200)


class Galleries(Shared):
    def test_people_are_found_by_name_page_by_page(self):
        gallery = self.gallery("named")
        for name in ("Åsa Öberg", "Joe", "Pär Åström", "100 %"):
            self.person(gallery, name)
        def told(query):
            answer = self.server.get(f"{gallery}/persons?{query}")
            self.assertEqual(answer.status, 200, answer.body)
            return [p["name"] for p in answer.json["persons"]], answer.json["next"]
        self.assertEqual(told(urllib.parse.urlencode({"name": "å"})), (["Åsa Öberg", "Pär Åström"], None))
        names, after = told(urllib.parse.urlencode({"name": "ÖBERG", "limit": 1}))
        self.assertEqual(names, ["Åsa Öberg"])
        self.assertEqual(told(urllib.parse.urlencode({"name": "ÖBERG", "limit": 1, "after": after})), ([], None))
        self.assertEqual(told("name=%25")[0], ["100 %"])
        self.assertEqual(len(told("name=")[0]), 4)
        self.assertNotIn("berg", self.server.logged())

    def test_a_persons_life(self):
        gallery = self.gallery("life")
        self.problem(self.server.post("/v1/galleries", {"gallery": "life"}), 409)
        made = self.server.post(gallery + "/persons", {
            "name": "Barack \u2603", "attributes": {"team": 1}, "consent_basis": "contract",
            "expires_at": "2099-01-01"}).json
        self.assertEqual(made["name"], "Barack \u2603")
        self.assertEqual(made["attributes"], {"team": 1})
        self.assertEqual(made["expires_at"], 4070908800)
        self.assertIsNotNone(made["consent_at"])
        person = gallery + "/persons/" + made["person"]
        self.problem(self.server.post(gallery + "/persons", {"person": made["person"]}), 409)
        enrolled = self.server.send(person + "/faces", "obama.jpg")
        self.assertEqual(enrolled.status, 201)
        face = enrolled.json["enrolled"][0]["face_id"]
        self.problem(self.server.send(person + "/faces", "obama.jpg"), 422, "duplicate")
        self.problem(self.server.send(person + "/faces", ("grey.png", png(100, 100))), 422, "no_face")
        self.problem(self.server.send(person + "/faces", "sample1.jpg"), 422, "many_faces")
        mixed = self.server.send(person + "/faces", "obama2.jpg", ("grey.png", png(100, 100)), ("x", b"x"))
        self.assertEqual(mixed.status, 201)
        self.assertEqual(len(mixed.json["enrolled"]), 1)
        self.assertEqual(mixed.json["refused"][0]["reason"], "no_face")
        self.assertEqual(mixed.json["errors"][0]["path"], "x")
        found = self.server.send(gallery + "/identify?top=3", "obama3.jpg").json
        best = found["images"][0]["faces"][0]
        self.assertEqual((best["decision"], best["person"]), ("match", made["person"]))
        self.assertEqual(best["candidates"][0]["name"], "Barack \u2603")
        stranger = self.server.send(gallery + "/identify", "astronaut.png").json
        self.assertEqual(stranger["images"][0]["faces"][0]["decision"], "unknown")
        self.assertIsNone(stranger["images"][0]["faces"][0]["person"])
        yes = self.server.send(f"{gallery}/verify/{made['person']}", "obama3.jpg").json
        self.assertTrue(yes["same"])
        self.assertFalse(self.server.send(f"{gallery}/verify/{made['person']}", "biden.jpg").json["same"])
        self.problem(self.server.get(f"{person}/faces/{face}/image"), 404)
        self.assertEqual(self.server.get(f"{person}/faces/{face}").json["face_id"], face)
        changed = self.server.ask("PATCH", person, {"name": "B", "expires_at": None}).json
        self.assertEqual((changed["name"], changed["expires_at"]), ("B", None))
        exported = self.server.get(person + "/export").json
        self.assertEqual(len(exported["embeddings"]), 2)
        self.assertEqual(len(exported["embeddings"][0]), 512)
        self.assertEqual(self.server.ask("DELETE", f"{person}/faces/{face}").status, 204)
        self.problem(self.server.ask("DELETE", f"{person}/faces/{face}"), 404)
        self.assertEqual(self.server.ask("DELETE", person).status, 204)
        self.problem(self.server.get(person), 404)
        self.problem(self.server.send(person + "/faces", "obama.jpg"), 404)
        self.assertEqual(self.server.get(gallery).json["faces"], 0)
        gone = self.server.send(gallery + "/identify", "obama3.jpg").json
        self.assertEqual(gone["images"][0]["faces"][0]["decision"], "unknown")

    def test_kept_chips_and_photos_come_back(self):
        gallery = self.gallery("kept")
        settings = self.server.ask("PATCH", gallery, {"keep": "photos", "min_quality": .2}).json
        self.assertEqual((settings["keep"], settings["min_quality"]), ("photos", .2))
        person = self.person(gallery, "x")
        face = self.server.send(f"{gallery}/persons/{person}/faces", "biden.jpg").json["enrolled"][0]["face_id"]
        image = self.server.get(f"{gallery}/persons/{person}/faces/{face}/image")
        self.assertEqual(image.headers["content-type"], "image/jpeg")
        self.assertEqual(image.body, photo("biden.jpg"))
        exported = self.server.get(f"{gallery}/persons/{person}/export").json
        self.assertEqual(base64.b64decode(exported["files"][0]["base64"]), photo("biden.jpg"))

    def test_persons_come_in_pages(self):
        gallery = self.gallery("pages")
        ids = [self.person(gallery, f"n{i}") for i in range(5)]
        seen, after = [], 0
        while after is not None:
            page = self.server.get(f"{gallery}/persons?limit=2&after={after}").json
            seen += [p["person"] for p in page["persons"]]
            after = page["next"]
        self.assertEqual(seen, ids)
        for query in ("limit=0", "limit=1001", "after=-1", "after=x", "x=1"):
            self.problem(self.server.get(f"{gallery}/persons?{query}"), 400)

    def test_a_gallery_is_removed_with_all_that_is_in_it(self):
        gallery = self.gallery("gone")
        person = self.person(gallery, "x")
        self.server.send(f"{gallery}/persons/{person}/faces", "biden.jpg")
        self.assertEqual(self.server.ask("DELETE", gallery).status, 204)
        self.problem(self.server.get(gallery), 404)
        left = [p for p in self.server.data.rglob("*") if "gone" in p.name]
        self.assertEqual(left, [])

    def test_an_archive_is_what_the_command_line_imports(self):
        gallery = self.gallery("archived")
        person = self.person(gallery, "x")
        self.server.send(f"{gallery}/persons/{person}/faces", "biden.jpg")
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "a.visavis"
            file.write_bytes(self.server.get(gallery + "/export").body)
            subprocess.run([PROGRAM, "gallery", "import", str(file), "--gallery", folder + "/g"], check=True,
                           capture_output=True)
            listed = subprocess.run([PROGRAM, "gallery", "list", folder + "/g", "--json"], check=True,
                                    capture_output=True)
        self.assertEqual([p["person"] for p in json.loads(listed.stdout)["persons"]], [person])
        self.assertEqual([p.name for p in self.server.data.glob("export-*")], [])

    def test_nothing_of_people_is_in_the_log(self):
        gallery = self.gallery("discreet")
        person = self.person(gallery, "Zebulon Secret")
        self.server.send(f"{gallery}/persons/{person}/faces", ("zebulon.jpg", photo("biden.jpg")))
        self.server.send(f"{gallery}/persons/{person}/faces", ("zebulon.jpg", b"x"))
        for text in (self.server.logged(), *(p.read_text() for p in (self.server.data / "audit").iterdir()
                                             if p.is_file())):
            self.assertNotIn("ebulon", text)
        lines = [json.loads(line) for line in self.server.logged().splitlines() if line.startswith("{")]
        self.assertTrue(any(line["route"].endswith("/faces") for line in lines))


def archive(*files, method=zipfile.ZIP_STORED):
    """A zip of (name, bytes)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as packed:
        for name, data in files:
            packed.writestr(name, data)
    return out.getvalue()


def send_archive(server, gallery, data, query="", kind="application/zip", **more):
    return server.post(f"{gallery}/import{query}", data, headers={"Content-Type": kind}, **more)


def job_when(server, job, fits, query="", seconds=120):
    """The job as soon as it is as it should be."""
    until = time.monotonic() + seconds * PATIENCE
    while True:
        told = server.get(f"/v1/jobs/{job}{query}").json
        if fits(told):
            return told
        if time.monotonic() > until:
            raise AssertionError(told)
        time.sleep(.02)


def has_ended(job):
    return job["state"] in ("done", "failed", "cancelled")


class Imports(Shared):
    OPTIONS = ("--rate", "10000", "--burst", "10000", "--max-import-mb", "8", "--max-image-mb", "6")

    def done(self, gallery, data, query=""):
        made = send_archive(self.server, gallery, data, query)
        self.assertEqual(made.status, 202, made.body)
        self.assertEqual(made.headers["location"], "/v1/jobs/" + made.json["job"])
        return job_when(self.server, made.json["job"], has_ended)

    def test_an_archive_with_a_folder_for_each_person(self):
        gallery = self.gallery("imported")
        job = self.done(gallery, archive(
            ("Barack Zebulon/1.jpg", photo("obama.jpg")), ("Barack Zebulon/2.jpg", photo("obama2.jpg")),
            ("Joe/nested/3.jpg", photo("biden.jpg")), ("Joe/again.jpg", photo("biden.jpg")),
            ("Joe/grey.png", png(100, 100)), ("Joe/many.jpg", photo("sample1.jpg")),
            ("Joe/notes.txt", b"no picture"), ("Joe/torn.jpg", photo("biden.jpg")[:3000]),
            ("alone.jpg", photo("astronaut.png")), ("../up/5.jpg", photo("astronaut.png")),
            ("/etc/passwd/6.png", png(50, 50)), ("__MACOSX/x", b"x")))
        self.assertEqual(job["state"], "done", job)
        self.assertEqual((job["total"], job["done"], job["gallery"]), (11, 11, "imported"))
        told = {one["path"]: one for one in job["outcomes"]}
        reasons = {path: one.get("reason") for path, one in told.items()}
        self.assertEqual(reasons, {
            "Barack Zebulon/1.jpg": None, "Barack Zebulon/2.jpg": None, "Joe/nested/3.jpg": None,
            "Joe/again.jpg": "duplicate", "Joe/grey.png": "no_face", "Joe/many.jpg": "many_faces",
            "Joe/notes.txt": "not_a_photo", "Joe/torn.jpg": "decode_failed", "alone.jpg": "no_person",
            "../up/5.jpg": "bad_name", "/etc/passwd/6.png": "no_face"})
        for path, one in told.items():
            self.assertEqual(bool(one.get("message")), bool(reasons[path]), one)
        self.assertEqual((job["succeeded"], job["refused"], job["failed"]), (3, 7, 1))
        self.assertGreater(job["per_second"], 0)
        people = {p["name"]: p for p in self.server.get(gallery + "/persons").json["persons"]}
        self.assertEqual({name: p["faces"] for name, p in people.items()}, {"Barack Zebulon": 2, "Joe": 1})
        for person in people.values():
            self.assertRegex(person["person"], "^[0-9a-f]{32}$")
        found = self.server.send(gallery + "/identify", "obama3.jpg").json["images"][0]["faces"][0]
        self.assertEqual(found["person"], people["Barack Zebulon"]["person"])
        self.assertEqual(told["Barack Zebulon/1.jpg"]["person"], found["person"])
        failed = self.server.get(f"/v1/jobs/{job['job']}?result=failed&limit=1").json
        self.assertEqual([o["path"] for o in failed["outcomes"]], ["Joe/torn.jpg"])
        # The upload is gone, and what the log and the audit log say names nobody.
        self.assertEqual(list((self.server.data / "jobs").glob("*/input")), [])
        for text in (self.server.logged(), *(p.read_text() for p in (self.server.data / "audit").iterdir()
                                             if p.is_file())):
            self.assertNotIn("Zebulon", text)
        actions = [(e["action"], e.get("person")) for e in self.server.get("/v1/audit?limit=5").json["entries"]
                   if e["action"] != "identify"]
        self.assertEqual(sorted(a for a, _ in actions), ["face.enrol"] * 3 + ["import.create"])
        self.assertEqual({p for _, p in actions} - {None}, {p["person"] for p in people.values()})
        metrics = self.server.get("/metrics").body.decode()
        self.assertRegex(metrics, 'visavis_import_photos_total{result="succeeded"} [1-9]')
        self.assertIn('visavis_jobs{state="running"} 0', metrics)

    def test_a_folder_around_all_of_it_is_no_person(self):
        gallery = self.gallery("around")
        self.done(gallery, archive(("people/Ada/1.jpg", photo("obama.jpg")), ("people/Bob/1.jpg", photo("biden.jpg")),
                                   ("readme.txt", b"x")))
        names = [p["name"] for p in self.server.get(gallery + "/persons").json["persons"]]
        self.assertEqual(names, ["Ada", "Bob"])

    def test_people_are_found_again_by_id_and_by_name(self):
        gallery = self.gallery("again")
        named = self.person(gallery, "Ada")
        self.done(gallery, archive(("Ada/1.jpg", photo("obama.jpg"))))
        self.done(gallery, archive((named + "/2.jpg", photo("obama2.jpg"))))
        persons = self.server.get(gallery + "/persons").json["persons"]
        self.assertEqual([(p["person"], p["name"], p["faces"]) for p in persons], [(named, "Ada", 2)])
        self.person(gallery, "Ada")
        job = self.done(gallery, archive(("Ada/3.jpg", photo("obama3.jpg"))))
        self.assertEqual(job["outcomes"][0]["reason"], "ambiguous_person")

    def test_what_is_said_of_people_and_which_face(self):
        gallery = self.gallery("said")
        job = self.done(gallery, archive(("Six/1.jpg", photo("sample1.jpg"))),
                        "?select=largest&consent_basis=contract&expires_at=2099-01-01")
        self.assertEqual(job["succeeded"], 1)
        person = self.server.get(gallery + "/persons").json["persons"][0]
        self.assertEqual((person["consent_basis"], person["expires_at"]), ("contract", 4070908800))
        self.assertIsNotNone(person["consent_at"])

    def test_bombs_are_refused_and_the_rest_is_done(self):
        gallery = self.gallery("bombs")
        packed = archive(("A/bomb.png", bytes(5 << 20)), ("A/large.png", bytes(7 << 20)),
                         ("A/wide.png", png(8, 8).replace((8).to_bytes(4, "big") * 2, (40000).to_bytes(4, "big") * 2)),
                         ("A/1.jpg", photo("obama.jpg")), method=zipfile.ZIP_DEFLATED)
        job = self.done(gallery, packed)
        self.assertEqual([o.get("reason") for o in job["outcomes"]], ["ratio", "too_large", "too_large", None])

    def test_what_is_no_archive_is_told_at_once(self):
        gallery = self.gallery("no-archive")
        for data in (b"hello", archive()[:10], photo("obama.jpg"), archive(("A/1.jpg", b"x"))[:-30]):
            self.problem(send_archive(self.server, gallery, data), 415)
        self.problem(send_archive(self.server, gallery, b""), 400)
        self.problem(send_archive(self.server, gallery, b"x", kind="application/x-tar"), 415)
        self.problem(send_archive(self.server, gallery, b"http://a/\tb", kind="text/plain"), 400)
        for query in ("?x=1", "?select=best", "?expires_at=x", "?consent_basis=" + "x" * 70000):
            self.assertIn(send_archive(self.server, gallery, archive(("A/1", b"")), query).status, (400, 431))
        self.problem(send_archive(self.server, "/v1/galleries/none", archive(("A/1", b""))), 404)
        self.problem(send_archive(self.server, gallery, bytes(9 << 20)), 413)
        self.problem(send_archive(self.server, gallery, iter([bytes(1 << 20)] * 9)), 413)  # in chunks
        self.assertEqual(list((self.server.data / "jobs" / "incoming").iterdir()), [])

    def test_jobs_are_listed_and_forgotten(self):
        gallery = self.gallery("listed")
        job = self.done(gallery, archive(("A/1.jpg", b"x")))["job"]
        self.assertEqual(self.server.get("/v1/jobs").json["jobs"][0]["job"], job)
        for query in ("?result=x", "?limit=0", "?cursor=x", "?x=1"):
            self.problem(self.server.get(f"/v1/jobs/{job}{query}"), 400)
        self.assertEqual(self.server.ask("DELETE", "/v1/jobs/" + job).status, 204)
        self.problem(self.server.get("/v1/jobs/" + job), 404)
        self.problem(self.server.ask("DELETE", "/v1/jobs/" + job), 404)
        self.assertFalse((self.server.data / "jobs" / job).exists())


class LongImports(Shared):
    """Of so many photos that something can happen meanwhile."""

    OPTIONS = ("--rate", "10000", "--burst", "10000", "--threads", "1")
    PHOTOS = 120

    @classmethod
    def many(cls):
        # The byte behind the picture's end makes each another file of the same picture.
        return archive(*((f"P{i % 7}/{i}.jpg", photo("obama.jpg") + bytes([i])) for i in range(cls.PHOTOS)))

    def begun(self, gallery):
        job = send_archive(self.server, gallery, self.many()).json["job"]
        job_when(self.server, job, lambda told: told["done"] > 0)
        return job

    def test_a_job_is_cancelled_and_what_was_done_stays(self):
        self.server.post("/v1/galleries", {"gallery": "cancelled", "allow_duplicates": True})
        gallery = "/v1/galleries/cancelled"
        job = self.begun(gallery)
        answer = self.server.ask("DELETE", "/v1/jobs/" + job)
        self.assertEqual(answer.status, 202)
        ended = job_when(self.server, job, has_ended)
        self.assertEqual(ended["state"], "cancelled")
        self.assertLess(ended["done"], self.PHOTOS)
        self.assertEqual(self.server.get(gallery).json["faces"], ended["succeeded"])
        self.assertEqual(list((self.server.data / "jobs").glob("*/input")), [])

    def test_a_gallery_that_goes_ends_its_imports(self):
        self.server.post("/v1/galleries", {"gallery": "going", "allow_duplicates": True})
        job = self.begun("/v1/galleries/going")
        self.assertEqual(self.server.ask("DELETE", "/v1/galleries/going").status, 204)
        self.assertIn(job_when(self.server, job, has_ended)["state"], ("cancelled", "failed"))

    def test_too_many_jobs_are_told_to_come_again(self):
        self.server.post("/v1/galleries", {"gallery": "waiting"})
        first = send_archive(self.server, "/v1/galleries/waiting", self.many()).json["job"]
        small = archive(("A/1.jpg", b"x"))
        answers = [send_archive(self.server, "/v1/galleries/waiting", small) for _ in range(20)]
        self.problem(answers[-1], 429)
        for answer in answers:
            if answer.status == 202:
                self.server.ask("DELETE", "/v1/jobs/" + answer.json["job"])
        self.server.ask("DELETE", "/v1/jobs/" + first)
        job_when(self.server, first, has_ended)

    def test_a_job_survives_kills_and_enrols_nothing_twice(self):
        source = random.Random(3)
        with tempfile.TemporaryDirectory() as folder:
            key, job = None, None
            for _ in range(4):
                with Server(PROGRAM, *self.OPTIONS, data=folder) as server:
                    key = server.key = key or server.key
                    if job is None:
                        server.post("/v1/galleries", {"gallery": "g", "allow_duplicates": True})
                        job = send_archive(server, "/v1/galleries/g", self.many()).json["job"]
                    before = server.get("/v1/jobs/" + job).json["done"]
                    job_when(server, job, lambda told: told["done"] > before + source.randrange(8) or has_ended(told))
                    server.kill()
            with Server(PROGRAM, *self.OPTIONS, data=folder) as server:
                server.key = key
                ended = job_when(server, job, has_ended)
                self.assertEqual((ended["state"], ended["done"], ended["succeeded"]), ("done", self.PHOTOS, self.PHOTOS))
                self.assertEqual(server.get("/v1/galleries/g").json["faces"], self.PHOTOS)
                persons = server.get("/v1/galleries/g/persons").json["persons"]
                self.assertEqual({p["name"] for p in persons}, {f"P{i}" for i in range(7)})
                self.assertEqual(len(persons), 7)
                self.assertEqual(server.stop(), 0)
            with Server(PROGRAM, "--no-auth", "--tenant", "other", data=folder) as server:
                self.assertEqual(server.get("/v1/jobs").json["jobs"], [])
                self.problem(server.get("/v1/jobs/" + job), 404)
                self.problem(server.ask("DELETE", "/v1/jobs/" + job), 404)
                server.post("/v1/galleries", {"gallery": "g"})
                own = send_archive(server, "/v1/galleries/g", archive(("A/1.jpg", photo("obama.jpg")))).json["job"]
                self.assertEqual(job_when(server, own, has_ended)["succeeded"], 1)


class ImportsByUrl(Shared):
    OPTIONS = ("--rate", "10000", "--burst", "10000", "--allow-url", "*")

    def send(self, body, kind="text/plain"):
        return self.server.post("/v1/galleries/g/import", body, headers={"Content-Type": kind})

    def test_a_list_leads_nowhere_inside(self):
        self.gallery("g")
        lines = "http://127.0.0.1/a.jpg\tAda\nftp://example.org/x\tAda\nhttp://10.0.0.1/\nhttp://[::1]/\t \n"
        job = job_when(self.server, self.send(lines).json["job"], has_ended)
        self.assertEqual([o["reason"] for o in job["outcomes"]], ["address", "url", "no_person", "bad_name"])
        as_json = {"urls": [{"url": "http://localhost/a.jpg", "person": "Ada"}]}
        job = job_when(self.server, self.send(json.dumps(as_json), "application/json").json["job"], has_ended)
        self.assertEqual([(o["path"], o["reason"]) for o in job["outcomes"]], [("http://localhost/a.jpg", "address")])
        self.assertEqual(self.server.get("/v1/galleries/g").json["persons"], 0)
        for body in ("", "a\tb\tc", "\tAda", "# nothing\n", b"\xff\tAda"):
            self.problem(self.send(body), 400)
        for urls in (None, {}, [], [1], [{"url": "x"}], [{"url": "x", "person": 1}],
                     [{"url": "a\tb", "person": "c"}], [{"url": "#", "person": "c"}]):
            self.problem(self.send(json.dumps({"urls": urls}), "application/json"), 400)


class Access(Shared):
    def test_keys_are_made_listed_and_removed(self):
        made = self.server.post("/v1/keys", {"scope": "read", "note": "kiosk"}).json
        self.assertEqual(self.server.get("/v1/models", key=made["secret"]).status, 200)
        listed = self.server.get("/v1/keys")
        self.assertIn(made["key"], [k["key"] for k in listed.json["keys"]])
        self.assertNotIn(made["secret"].encode(), listed.body)
        self.assertNotIn(made["secret"], (self.server.data / "keys.json").read_text())
        self.assertEqual(self.server.ask("DELETE", "/v1/keys?key=" + made["key"]).status, 204)
        self.problem(self.server.get("/v1/models", key=made["secret"]), 401)
        self.problem(self.server.ask("DELETE", "/v1/keys?key=" + made["key"]), 404)
        own = next(k["key"] for k in self.server.get("/v1/keys").json["keys"] if k.get("note") == "the first key")
        self.problem(self.server.ask("DELETE", "/v1/keys?key=" + own), 409)
        for body in ({}, {"scope": "god"}, {"scope": "read", "note": 1}, {"scope": "read", "expires_at": 1}):
            self.problem(self.server.post("/v1/keys", body), 400)

    def test_the_audit_log_says_who_did_what_to_whom(self):
        gallery = self.gallery("audited")
        person = self.person(gallery, "x")
        self.server.ask("DELETE", f"{gallery}/persons/{person}")
        entries = self.server.get("/v1/audit?limit=2").json["entries"]
        self.assertEqual([e["action"] for e in entries], ["person.remove", "person.create"])
        self.assertEqual({e["person"] for e in entries}, {person})
        self.assertEqual(entries[0]["gallery"], "audited")
        first = self.server.get("/v1/audit?limit=1").json
        second = self.server.get("/v1/audit?limit=1&cursor=" + first["next"]).json
        self.assertEqual(second["entries"][0]["action"], "person.create")


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


class Crowd(Shared):
    def test_nobody_gets_anothers_answer(self):
        """Many clients at once, each with people of its own; every answer is checked."""
        names = ["obama.jpg", "biden.jpg", "astronaut.png"]
        galleries = {}
        for name in names:
            path = self.gallery("of-" + name.split(".")[0])
            person = self.person(path, name)
            self.assertEqual(self.server.send(f"{path}/persons/{person}/faces?select=largest", name).status, 201)
            galleries[name] = (path, person)
        def client(number):
            source = random.Random(number)
            connection = self.server.connect()
            wrong = []
            for _ in range(8):
                mine = source.choice(names)
                shown = source.choice(names)
                path, person = galleries[mine]
                answer = self.server.send(path + "/identify?select=largest", shown, connection=connection)
                if answer.status in (429, 503):
                    continue
                face = answer.json["images"][0]["faces"][0]
                expected = person if shown == mine else None
                if answer.json["images"][0]["path"] != shown or face["person"] != expected:
                    wrong.append((mine, shown, answer.body))
            connection.close()
            return wrong
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            for wrong in pool.map(client, range(12)):
                self.assertEqual(wrong, [])
        text = self.server.get("/metrics").body.decode()
        self.assertIn("visavis_batch_photos_count", text)
        for stage in ("wait", "decode", "analyse"):
            last = re.search(rf'visavis_stage_seconds_bucket{{stage="{stage}",le="\+Inf"}} (\d+)', text)
            self.assertGreater(int(last[1]), 0, stage)


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


class Conflicts(Shared):
    """409: embeddings of two models cannot be compared."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        with Server(PROGRAM, *cls.OPTIONS, "--recogniser", "mobilefacenet-192", data=cls.folder.name) as server:
            cls.key = server.key
            server.post("/v1/galleries", {"gallery": "other"})
            server.post("/v1/galleries/other/persons", {"person": "p"})
            answer = server.send("/v1/galleries/other/persons/p/faces", "obama.jpg")
            if answer.status != 201:
                raise AssertionError(answer.body)
        cls.server = Server(PROGRAM, *cls.OPTIONS, data=cls.folder.name)
        cls.server.key = cls.key

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.folder.cleanup()

    def test_a_gallery_of_another_model_is_looked_at_but_not_searched(self):
        gallery = "/v1/galleries/other"
        for path in ("/identify", "/verify/p", "/persons/p/faces"):
            self.problem(self.server.send(gallery + path, "obama.jpg"), 409, "model_mismatch")
        self.problem(send_archive(self.server, gallery, archive(("A/1.jpg", photo("obama.jpg")))), 409, "model_mismatch")
        self.assertEqual(list((self.server.data / "jobs" / "incoming").iterdir()), [])
        self.assertEqual(self.server.get(gallery).json["faces"], 1)


class Refusals(Shared):
    def test_a_photo_that_is_not_enrolled_is_422_and_says_why(self):
        gallery = self.gallery("refusals")
        ended = self.server.post(gallery + "/persons", {"expires_at": int(time.time()) - 100}).json["person"]
        self.problem(self.server.send(f"{gallery}/persons/{ended}/faces", "obama.jpg"), 422, "expired")
        self.assertEqual(self.server.ask("PATCH", gallery, {"min_quality": 1}).status, 200)
        person = gallery + "/persons/" + self.person(gallery, "Ada")
        self.problem(self.server.send(person + "/faces", "obama.jpg"), 422, "low_quality")


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


class Queue(Shared):
    OPTIONS = ("--rate", "10000", "--burst", "10000", "--threads", "1", "--queue", "1", "--batch", "1",
               "--max-import-mb", "1")

    def test_too_many_photos_are_429(self):
        body, headers = form([("image", "obama.jpg", photo("obama.jpg"))])
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda _: self.server.ask("POST", "/v1/embed", body, headers), range(24)))
        refused = [a for a in answers if a.status != 200]
        self.assertTrue(refused)
        for answer in refused:
            self.problem(answer, 429, "resource_exhausted")

    def test_uploads_beyond_all_that_may_wait_are_429(self):
        """Four times what one archive may have is all that there is room for."""
        gallery = self.gallery("full")
        held = hold_archives(self.server, gallery, 5, 1000000)
        self.problem(send_archive(self.server, gallery, bytes(1000000)), 429, "resource_exhausted")
        for line in held:
            line.close()


class Urls(Shared):
    def test_are_off_unless_allowed(self):
        answer = self.server.post("/v1/detect", {"url": "http://example.org/a.jpg"})
        self.problem(answer, 400)
        self.assertIn("--allow-url", answer.json["detail"])


class AllowedUrls(Shared):
    OPTIONS = ("--rate", "10000", "--burst", "10000", "--allow-url", "*")

    def test_lead_nowhere_inside(self):
        for host in ("127.0.0.1", "localhost", "[::1]", "10.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]",
                     "169.254.169.254"):
            answer = self.server.post("/v1/detect", {"url": f"http://{host}:{80}/health/live"})
            self.problem(answer, 400)
            self.assertNotIn("127.0.0.1", answer.json["detail"])
        for url in ("file:///etc/passwd", "ftp://example.org/x", "http://u:p@example.org/", "x", ""):
            self.problem(self.server.post("/v1/detect", {"url": url}), 400)


class FaceAll(Shared):
    OPTIONS = ("--rate", "10000", "--burst", "10000", "--faceall")

    def register(self, *names):
        body, headers = form([(name, name, photo(name)) for name in names],
                             [("names", "".join(name + "*" for name in names))])
        return self.server.ask("POST", "/faceRegister", body, headers, key=None)

    def retrieve(self, name, data):
        body, headers = form([("file", name, data)], [("name", "file")])
        return self.server.ask("POST", "/faceRetrieve", body, headers, key=None)

    def test_a_conversation(self):
        empty = self.retrieve("obama.jpg", photo("obama.jpg"))
        self.assertEqual((empty.status, empty.body), (200, b"Database is null now."))
        told = self.register("obama3.jpg", "biden.jpg")
        self.assertEqual(told.status, 200)
        self.assertEqual(told.headers["access-control-allow-origin"], "*")
        self.assertEqual([list(face) for face in told.json["faces"]], [["BoxsPoints", "name"]] * 2)
        self.assertEqual([face["name"] for face in told.json["faces"]], ["obama3.jpg", "biden.jpg"])
        points = told.json["faces"][1]["BoxsPoints"][0]
        self.assertEqual(list(points), ["box", "pt"])
        x1, y1, x2, y2 = points["box"]
        self.assertTrue(x1 < x2 and y1 < y2)
        self.assertEqual(len(points["pt"]), 10)
        for x, y in zip(points["pt"][:5], points["pt"][5:]):
            self.assertTrue(x1 < x < x2 and y1 < y < y2)
        found = self.retrieve("obama2.jpg", photo("obama2.jpg")).json["faces"]
        self.assertEqual([list(face) for face in found], [["distance", "path"]] * 2)
        self.assertLess(found[0]["distance"], found[1]["distance"])
        # Squared L2 of unit vectors is 2 - 2 cos.
        self.assertLess(found[0]["distance"], 1)
        self.assertEqual(self.server.get("/" + found[0]["path"], key=None).body, photo("obama3.jpg"))
        nobody = self.retrieve("grey.png", png(100, 100))
        self.assertEqual(nobody.body, b"Not detect any face in this picture, please choose another.")
        many = self.retrieve("sample1.jpg", photo("sample1.jpg"))
        self.assertEqual(many.body, b"Detect more than 1 face in this picture, please choose another.")

    def test_urls_are_limited(self):
        many = self.server.post("/faceRegisterBatch", {"urls": ["http://x/"] * 101}, key=None)
        self.assertEqual((many.status, many.body), (200, b"Limit Error: url items count > 100"))

    def test_the_rest_still_wants_keys(self):
        self.problem(self.server.get("/v1/galleries", key=None), 401)

    def test_pages_lead_to_the_web_page(self):
        self.assertEqual(self.server.get("/faceRegister.html", key=None).headers["location"], "/#/enrol")
        self.assertEqual(self.server.get("/faceRetrieve.html", key=None).headers["location"], "/#/search")


class NoFaceAll(Shared):
    def test_is_not_there_unless_switched_on(self):
        self.problem(self.server.post("/faceRetrieve", b"", key=None), 404)


class Overload(Shared):
    OPTIONS = ("--rate", "10000", "--burst", "10000", "--threads", "1", "--queue", "1", "--batch", "1",
               "--max-requests", "3")

    def test_too_much_is_told_to_come_again(self):
        body, headers = form([("image", "obama.jpg", photo("obama.jpg"))])
        def ask(_):
            return self.server.ask("POST", "/v1/embed", body, headers)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(ask, range(48)))
        statuses = {a.status for a in answers}
        self.assertIn(200, statuses)
        self.assertTrue(statuses & {429, 503}, statuses)
        self.assertLessEqual(statuses, {200, 429, 503})
        for answer in answers:
            if answer.status != 200:
                self.problem(answer, answer.status)
        self.assertEqual(self.server.get("/health/live").status, 200)
        self.assertEqual(ask(0).status, 200)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
