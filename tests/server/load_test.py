#!/usr/bin/env python3
"""Many clients at once"""

import concurrent.futures
import random
import re

from client import form, photo
from common import Shared, hold_archives, main, send_archive


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
    main()
