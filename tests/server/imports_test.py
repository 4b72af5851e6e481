#!/usr/bin/env python3
"""Imports of archives and of lists of URLs, as jobs"""

import json
import random
import tempfile
import time
import zipfile

from client import PATIENCE, Server, photo
from common import PROGRAM, Shared, archive, main, png, send_archive


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


if __name__ == "__main__":
    main()
