"""The log of decisions of a running service: a token that somebody has is in it whatever ended the process, and what the core signed of
it is never taken back."""
import base64
import hashlib
import http.client
import json
import os
import shutil
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
            f.seek(16)
            f.truncate(18 + struct.unpack(">H", f.read(2))[0] + 32)
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
