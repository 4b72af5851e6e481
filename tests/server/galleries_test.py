#!/usr/bin/env python3
"""Galleries, people, keys and who may do what"""

import base64
import json
import pathlib
import subprocess
import tempfile
import time
import urllib.parse

from client import Server, photo
from common import PROGRAM, Shared, archive, main, png, send_archive


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


if __name__ == "__main__":
    main()
