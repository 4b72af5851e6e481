#!/usr/bin/env python3
"""What deploy/ says against the program: its options, metrics, libraries, and what systemd is told.

    deploy_test.py PROGRAM
"""
import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import tomllib
import unittest

HERE = pathlib.Path(__file__).resolve().parent
DEPLOY = HERE.parent.parent / "deploy"
sys.path.insert(0, str(HERE.parent / "server"))
from client import Server  # noqa: E402

PROGRAM = ""


def metric_names(expression):
    return set(re.findall(r"\b(?:visavis|process)_[a-z_]+\b", expression))


def expressions():
    """Of the board and the alerts: (where, expression)."""
    board = json.loads((DEPLOY / "grafana/visavis.json").read_text())
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for variable in board["templating"]["list"]:
        yield variable["name"], variable.get("definition", "")
    yield "alerts", (DEPLOY / "alerts.yml").read_text()


class Metrics(unittest.TestCase):
    def test_every_metric_of_board_and_alerts_is_told(self):
        with tempfile.TemporaryDirectory() as folder, Server(PROGRAM, data=folder) as server:
            server.post("/v1/galleries", {"gallery": "g"})
            person = server.post("/v1/galleries/g/persons", {"name": "Ada"}).json["person"]
            server.send(f"/v1/galleries/g/persons/{person}/faces", ("none.txt", b"not a picture"))
            server.send("/v1/galleries/g/identify", "obama.jpg")
            text = server.get("/metrics").body.decode()
        told = set(re.findall(r"^([a-z_]+)[{ ]", text, re.M))
        wanted = {(where, name) for where, expression in expressions() for name in metric_names(expression)}
        self.assertGreater(len(wanted), 15)
        self.assertEqual({(where, name) for where, name in wanted if name not in told}, set())


class Systemd(unittest.TestCase):
    def test_is_told_when_the_server_is_ready_and_when_it_stops(self):
        with tempfile.TemporaryDirectory() as folder:
            path = folder + "/notify"
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
                heard.bind(path)
                heard.settimeout(120)
                os.environ["NOTIFY_SOCKET"] = path
                try:
                    server = Server(PROGRAM, data=folder, ready=False)
                finally:
                    del os.environ["NOTIFY_SOCKET"]
                with server:
                    self.assertEqual(heard.recv(256), b"READY=1")
                    self.assertEqual(server.get("/health/ready", key=None).status, 200)
                    server.process.terminate()
                    self.assertEqual(heard.recv(256), b"STOPPING=1")

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not here")
    def test_unit_is_understood_and_confined(self):
        unit = (DEPLOY / "visavis.service").read_text().replace("/usr/local/bin/visavis", PROGRAM)
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "visavis.service"
            file.write_text(unit)
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", file], capture_output=True, text=True)
            self.assertEqual([line for line in done.stderr.splitlines() if "visavis.service" in line], [])
            done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", file],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout)  # exposed by less than 2.0 of 10


class Configuration(unittest.TestCase):
    def test_has_only_options_that_there_are(self):
        """Also those that are commented out."""
        text = (DEPLOY / "visavis.toml").read_text()
        whole = re.sub(r"^# ([a-z-]+ = )", r"\1", text, flags=re.M)
        self.assertEqual(tomllib.loads(whole).keys() - tomllib.loads(text).keys(), {"certificate", "private-key"})
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "visavis.toml"
            file.write_text(whole)
            done = subprocess.run([PROGRAM, "serve", "--config", file, "--print-config"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        in_force = tomllib.loads(done.stdout)
        self.assertEqual({name: in_force[name] for name in tomllib.loads(whole)}, tomllib.loads(whole))

    def test_the_containers_variables_are_options(self):
        variables = set(re.findall(r"\bVISAVIS_([A-Z_]+)=", (DEPLOY / "Containerfile").read_text())) - {"CACHE"}
        done = subprocess.run([PROGRAM, "serve", "--help"], capture_output=True, text=True)
        for name in variables:
            self.assertIn("--" + name.lower().replace("_", "-") + " ", done.stdout)


class Libraries(unittest.TestCase):
    @unittest.skipUnless(shutil.which("dpkg-query") and shutil.which("objdump"), "not a Debian")
    def test_the_image_has_the_packages_of_all_libraries(self):
        text = (DEPLOY / "Containerfile").read_text()
        image = set(re.findall(r"\blib[a-z0-9.+-]+\b|\bzlib1g\b", text.split("FROM ")[-1]))
        base = {"libc6", "libgcc-s1"}  # every image of Debian
        needed = subprocess.run(["objdump", "-p", PROGRAM], capture_output=True, text=True, check=True).stdout
        for library in re.findall(r"NEEDED +(\S+)", needed):
            found = subprocess.run(["dpkg-query", "-S", "*/" + library], capture_output=True, text=True).stdout
            packages = {line.split(":")[0] for line in found.splitlines()}
            if packages:  # the others are inference engines, which are installed beside the program
                self.assertTrue(packages & (image | base), f"{library}: {packages}")


class FirstKey(unittest.TestCase):
    def test_goes_to_a_file_for_its_owner(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "first-key"
            with Server(PROGRAM, "--first-key-file", str(file), data=folder) as server:
                secret = file.read_text().strip()
                self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
                self.assertNotIn(secret, server.out.read_text() + server.logged())
                self.assertEqual(server.get("/v1/keys", key=secret).status, 200)

    def test_is_told_where_no_file_can_be_written(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "file").write_text("")
            with Server(PROGRAM, "--first-key-file", folder + "/file/first-key", data=folder) as server:
                self.assertEqual(server.get("/v1/keys").status, 200)  # it was printed
                self.assertIn("first-key", server.logged())


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main(verbosity=2)
