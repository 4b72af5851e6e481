#!/usr/bin/env python3
"""What one request tells: operations, photographs, bad requests"""

import base64
import json
import os
import re
import socket
import subprocess

from client import PATIENCE, PHOTOS, form, photo
from common import PROGRAM, SOURCE, Shared, main, png


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


if __name__ == "__main__":
    main()
