"""The log of decisions of a running service: a token that somebody has is in it whatever ended the process, and what the core signed of
it is never taken back."""
import base64
import hashlib
import http.client
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from service_case import BUILD, Service

PATH = "/attest/SgxEnclave?api-version=2022-08-01"
CYCLES = 5


def assay(service, *arguments):
    return subprocess.run([os.path.join(BUILD, "src/cli/assay"), *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False,
                          env={**service.env, "NODE_EXTRA_CA_CERTS": service.ca})


def jwt(token):
    part = token.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Decisions(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="assay-test-log-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.log = os.path.join(self.folder, "log")
        self.service = Service(settings={"decisions": {"log": self.log, "name": "node-1/log", "checkpoint_seconds": 1, "refusals": "on"}, "core": {"pairs": 1}})
        self.addCleanup(self.service.remove)
        with open(os.path.join(self.service.simulated, "request.json"), "rb") as f:
            self.body = f.read()

    def attest(self, body=None):
        return self.service.call("POST", PATH, self.body if body is None else body, {"Content-Type": "application/json"})

    def checkpoint(self):
        """Its size, its text."""
        try:
            with open(os.path.join(self.log, "checkpoint"), encoding="utf-8") as f:
                text = f.read()
        except FileNotFoundError:
            return 0, ""
        return int(text.split("\n")[1]), text

    def key(self):
        """The file of the log's key."""
        path = os.path.join(self.folder, "key")
        with open(path, "wb") as f:
            f.write(self.service.call("GET", "/log/key")[3])
        return path

    def signed(self, size):
        self.service.wait(lambda: self.checkpoint()[0] >= size)

    def shown(self, index):
        done = assay(self.service, "log", "show", "--log", self.log, "--from", index, "--count", 1, "--json")
        return json.loads(done.stdout)["records"][0]["record"]

    def test_a_token_is_on_record(self):
        status, answer, headers = self.attest()[:3]
        self.assertEqual(200, status)
        index = int(headers["x-assay-decision"])
        refused = self.attest(b"[]")
        self.assertEqual((400, str(index + 1)), (refused[0], refused[2]["x-assay-decision"]))
        self.signed(index + 2)
        record, payload = self.shown(index), jwt(answer["token"])
        salt = bytes.fromhex(json.loads(payload)["jti"])[:20]
        self.assertEqual(headers["x-ms-request-id"], record["id"])
        self.assertEqual("token", record["verdict"])
        self.assertEqual(hashlib.sha256(f"https://localhost:{self.service.port}".encode()).hexdigest(), record["provider"])
        for what, content in (("evidence", self.body), ("outcome", payload)):
            self.assertEqual(hashlib.sha256(b"assay decision " + what.encode() + b"\n" + salt + content).hexdigest(), record[what], what)
        collateral = os.path.join(self.service.simulated, "collateral")
        files = sorted({hashlib.sha256(Path(collateral, n).read_bytes()).digest() for n in os.listdir(collateral)})
        self.assertEqual(hashlib.sha256(b"".join(files)).hexdigest(), record["endorsements"])
        self.assertEqual(json.loads(payload)["x-ms-policy-hash"], record["policyHash"])
        record = self.shown(index + 1)
        self.assertEqual(("refused", "request.json"), (record["verdict"], record["failed"]))
        self.assertEqual(refused[2]["x-ms-request-id"], record["id"])

    def test_it_is_served_and_proved(self):
        url = f"https://localhost:{self.service.port}"
        indices = [int(self.attest()[2]["x-assay-decision"]) for _ in range(3)]
        self.signed(3)
        key, old = self.key(), os.path.join(self.folder, "old")
        with open(old, "w", encoding="utf-8") as f:
            f.write(self.checkpoint()[1])
        for index in indices:
            proof = assay(self.service, "log", "prove", index, "--log", url, "--key", key)
            self.assertEqual(0, proof.returncode, proof.stderr)
            path = os.path.join(self.folder, "proof")
            with open(path, "w", encoding="utf-8") as f:
                f.write(proof.stdout)
            self.assertEqual(0, assay(self.service, "log", "verify", path, "--key", key).returncode)
        more = int(self.attest()[2]["x-assay-decision"])
        self.signed(more + 1)
        done = assay(self.service, "log", "consistency", old, "--key", key, "--log", url)
        self.assertEqual(0, done.returncode, done.stderr)
        for path, status in (("/log/tile/0/000.p/%d" % (more + 1), 200), ("/log/tile/0/000", 404), ("/log/tile/0/000.p/01", 404), ("/log/tail", 404),
                             ("/log/../log/lock", 404), ("/log/tile/entries/000.p/%d" % (more + 1), 200)):
            self.assertEqual(status, self.service.call("GET", path)[0], path)
        self.assertEqual(405, self.service.call("POST", "/log/checkpoint", b"{}")[0])

    def test_a_decision_is_replayed(self):
        """By the log's folder, the request and the token alone; and each input that is another is named."""
        _, answer, headers = self.attest()[:3]
        index, url = int(headers["x-assay-decision"]), f"https://localhost:{self.service.port}"
        self.signed(index + 1)
        made = assay(self.service, "log", "prove", index, "--log", url)
        self.assertEqual(0, made.returncode, made.stderr)
        collateral = os.path.join(self.folder, "collateral")
        shutil.copytree(os.path.join(self.service.simulated, "collateral"), collateral)
        record = self.shown(index)
        settings = Path(self.log, "settings", record["settings"])
        for name, content in (("proof", made.stdout.encode()), ("request", self.body), ("token", answer["token"].encode()), ("other-request", self.body + b" "),
                              ("policy", b"version=1.0;authorizationrules{=>permit();};issuancerules{};"),
                              ("settings", settings.read_bytes()[:4] + bytes([settings.read_bytes()[4] ^ 1]) + settings.read_bytes()[5:])):
            Path(self.folder, name).write_bytes(content)

        def replay(expected, differs=None, **other):
            given = {"request": "request", "token": "token", "settings": self.log, "collateral": collateral, **other}
            options = [part for name, file in given.items() for part in ("--" + name, os.path.join(self.folder, file))]
            done = assay(self.service, "replay", os.path.join(self.folder, "proof"), "--key", self.key(), "--json", *options)
            self.assertEqual(expected, done.returncode, done.stdout + done.stderr)
            shown = json.loads(done.stdout)
            self.assertEqual(differs, shown.get("differs"), done.stderr)
            return shown

        self.assertEqual({"same": True, "inLog": True, "index": index, "record": record}, replay(0))
        replay(0, settings=settings)
        # Settings of a later time stand beside the earlier ones.
        config = Path(self.service.config)
        config.write_text(config.read_text(encoding="utf-8").replace("[collateral]\n", "[collateral]\ncrl_freshness = off\n"), encoding="utf-8")
        self.service.process.send_signal(signal.SIGHUP)
        self.service.wait(lambda: len(os.listdir(settings.parent)) == 2)
        replay(2, "evidence", request="other-request")
        replay(2, "settings", settings="settings")
        replay(2, "policy", policy="policy")
        Path(self.folder, "token").write_text(self.attest()[1]["token"], encoding="utf-8")
        replay(2, "evidence")
        head, _, tail = answer["token"].split(".")
        later = jwt(answer["token"]).replace(b'"exp":1', b'"exp":2')
        Path(self.folder, "token").write_text(".".join((head, base64.urlsafe_b64encode(later).rstrip(b"=").decode(), tail)), encoding="utf-8")
        replay(2, "outcome")
        Path(self.folder, "token").write_text(answer["token"], encoding="utf-8")
        replay(0)
        os.remove(os.path.join(collateral, sorted(os.listdir(collateral))[0]))
        replay(2, "endorsements")
        Path(self.folder, "proof").write_text(made.stdout.replace(f"index {index}", f"index {index + 1}"), encoding="utf-8")
        self.assertEqual("log.inclusion", replay(2)["failed"])

    def flood(self, known, stop):
        while not stop.is_set():
            try:
                status, _, headers = self.attest()[:3]
            except (OSError, http.client.HTTPException):  # the service was killed
                return
            if status == 200:
                known[int(headers["x-assay-decision"])] = headers["x-ms-request-id"]

    def test_it_survives_kill(self):
        known = {}
        for cycle in range(CYCLES):
            stop = threading.Event()
            before = len(known)
            threads = [threading.Thread(target=self.flood, args=(known, stop)) for _ in range(4)]
            for t in threads:
                t.start()
            self.service.wait(lambda: len(known) > before + 5 + cycle * 3)
            self.service.kill()
            stop.set()
            for t in threads:
                t.join()
            self.service.start()
        self.attest()
        self.signed(max(known) + 2)
        done = assay(self.service, "log", "show", "--log", self.log, "--from", 0, "--count", 100000, "--json")
        records = json.loads(done.stdout)["records"]
        for index, request in known.items():
            self.assertEqual(request, records[index]["record"]["id"])
        self.assertGreater(len(known), 5 * CYCLES)

    def test_a_log_that_lost_records_stops_the_start(self):
        for _ in range(3):
            self.attest()
        self.signed(3)
        self.service.kill()
        tail = os.path.join(self.log, "tail")
        with open(tail, "r+b") as f:
            f.seek(24)  # behind the header, and the number of the first entry's bundle
            f.truncate(26 + struct.unpack(">H", f.read(2))[0] + 32)
        with self.assertRaises(AssertionError) as ended:
            self.service.start()
        self.assertIn("entries were taken away", str(ended.exception))

    def test_the_core_signs_no_log_that_was_rewritten(self):
        """Whoever owns the folder puts another log, and a checkpoint that he made, in its place."""
        for _ in range(3):
            self.attest()
        self.signed(3)
        self.service.kill()
        note = self.checkpoint()[1]
        for name in os.listdir(self.log):
            path = os.path.join(self.log, name)
            subprocess.run(["rm", "-r", path], check=True)
        self.service.start()
        self.attest()
        self.signed(1)  # a new log under the name, which a keeper of the old checkpoint sees
        key, old = self.key(), os.path.join(self.folder, "old")
        with open(old, "w", encoding="utf-8") as f:
            f.write(note)
        done = assay(self.service, "log", "consistency", old, "--key", key, "--log", self.log)
        self.assertEqual(2, done.returncode)
        self.assertIn("log.consistency", done.stderr)
        # While the core runs, it sees that itself.
        os.remove(os.path.join(self.log, "checkpoint"))
        self.attest()
        self.service.wait(lambda: "log.consistency" in self.service.text())
        self.assertEqual(0, self.checkpoint()[0])


if __name__ == "__main__":
    unittest.main()
