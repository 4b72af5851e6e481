#!/usr/bin/env python3
"""FaceAll's routes and pages"""



from client import form, photo
from common import Shared, main, png


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


if __name__ == "__main__":
    main()
