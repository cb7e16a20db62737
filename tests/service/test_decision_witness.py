"""The log of decisions before a witness: what it serves is cosigned; a log that was put back is refused, and the service says so; who
demands the cosignature believes nothing else."""
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from service_case import BUILD, Service
try:
    from witness_case import Witness, cosigned_at
    MISSING = ""
except ImportError as error:
    MISSING = str(error)

PATH = "/attest/SgxEnclave?api-version=2022-08-01"


def assay(service, *arguments):
    return subprocess.run([os.path.join(BUILD, "src/cli/assay"), *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False,
                          env={**service.env, "NODE_EXTRA_CA_CERTS": service.ca})


@unittest.skipIf(MISSING, f"python3-cryptography is needed: {MISSING}")
class DecisionWitness(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="assay-test-cosigned-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.log = os.path.join(self.folder, "log")
        self.settings = {"decisions": {"log": self.log, "name": "node-1/log", "checkpoint_seconds": 1}, "core": {"pairs": 1}}

    def begin(self, url=None):
        """The log's key is the service's: a first run tells it; the second one has the witness."""
        self.service = Service(settings=self.settings)
        self.addCleanup(self.service.remove)
        self.log_key = self.service.call("GET", "/log/key")[3].decode().strip()
        self.service.stop()
        self.witness = Witness(self.folder, [self.log_key])
        self.addCleanup(self.witness.end)
        self.configure(url or self.witness.url)
        self.service.start()

    def configure(self, url):
        with open(self.service.config, encoding="utf-8") as f:
            text = f.read()
        lines = [line for line in text.split("\n") if not line.startswith("witness")]
        at = lines.index("[decisions]") + 1
        lines[at:at] = [f"witness = {url}", f"witness_key = {self.witness.key}", f"witness_ca = {self.witness.ca}"]
        with open(self.service.config, "w", encoding="utf-8") as f:
            f.write("\n".join(lines))

    def attest(self):
        status, answer, headers, raw = self.service.attest()
        self.assertEqual(200, status, raw[:300])
        return int(headers["x-assay-decision"])

    def checkpoint(self):
        """Its text, and the lines of its signatures."""
        text, _, lines = self.service.call("GET", "/log/checkpoint")[3].decode().partition("\n\n")
        return text + "\n", lines.splitlines()

    def size(self):
        return int((self.checkpoint()[0].split("\n") + ["0", "0"])[1] or 0) if os.path.exists(os.path.join(self.log, "checkpoint")) else 0

    def signed(self, size):
        self.service.wait(lambda: self.size() >= size)

    def cosigned(self, size):
        self.service.wait(lambda: self.size() >= size and len(self.checkpoint()[1]) == 2)
        text, lines = self.checkpoint()
        self.assertGreater(cosigned_at(text, lines[1], self.witness.key), 0)

    def metric(self, outcome):
        for line in self.service.call("GET", "/metrics")[3].decode().splitlines():
            if line.startswith(f'assay_decision_witness_total{{outcome="{outcome}"}}'):
                return int(line.split()[-1])
        return None

    def prove(self, index, *more):
        done = assay(self.service, "log", "prove", index, "--log", f"https://localhost:{self.service.port}", "--key", self.log_key, *more)
        path = os.path.join(self.folder, "proof")
        with open(path, "w", encoding="utf-8") as f:
            f.write(done.stdout)
        return done, path

    def verify(self, path, *more):
        return assay(self.service, "log", "verify", path, "--key", self.log_key, "--json", *more)

    def test_a_checkpoint_is_cosigned_and_demanded(self):
        self.begin()
        index = self.attest()
        self.cosigned(index + 1)
        done, path = self.prove(index, "--witness", self.witness.key)
        self.assertEqual(0, done.returncode, done.stderr)
        done = self.verify(path, "--witness", self.witness.key)
        self.assertEqual((0, "witness.example/w1"), (done.returncode, json.loads(done.stdout)["witness"]), done.stderr)
        self.assertRegex(json.loads(done.stdout)["cosigned"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        for i in range(3):
            index = self.attest()
        self.cosigned(index + 1)  # goes on from the first, by the proof
        self.assertEqual(0, self.metric("refused"))
        self.assertGreaterEqual(self.metric("cosigned"), 2)
        # Without its line the same checkpoint is worth nothing to who demands it.
        text = open(path, encoding="utf-8").read()
        bare = os.path.join(self.folder, "bare")
        with open(bare, "w", encoding="utf-8") as f:
            f.write("\n".join(text.split("\n")[:-2]) + "\n")
        self.assertEqual(0, self.verify(bare).returncode)
        done = self.verify(bare, "--witness", self.witness.key)
        self.assertEqual((2, True), (done.returncode, "log.cosignature" in done.stderr), done.stderr)
        old = os.path.join(self.folder, "old")
        with open(old, "w", encoding="utf-8") as f:
            f.write(self.witness_less(text))
        url = f"https://localhost:{self.service.port}"
        done = assay(self.service, "log", "consistency", old, "--key", self.log_key, "--log", url, "--witness", self.witness.key, "--json")
        self.assertEqual((0, "witness.example/w1"), (done.returncode, json.loads(done.stdout or "{}").get("witness")), done.stderr)
        done = assay(self.service, "log", "consistency", old, old, "--key", self.log_key, "--log", url, "--witness", self.witness.key)
        self.assertEqual((2, True), (done.returncode, "log.cosignature" in done.stderr), done.stderr)
        self.assertEqual(1, assay(self.service, "log", "verify", path, "--key", self.log_key, "--witness", self.log_key).returncode)
        self.assertEqual(1, assay(self.service, "log", "prove", 0, "--log", url, "--witness", self.witness.key).returncode)

    def test_an_idle_log_is_cosigned_anew_and_an_old_cosignature_is_refused(self):
        self.begin()
        index = self.attest()
        self.cosigned(index + 1)

        def at():
            text, lines = self.checkpoint()
            self.assertEqual((2, str(index + 1)), (len(lines), text.split("\n")[1]), lines)  # one line of the witness, in the place of the last
            return cosigned_at(text, lines[1], self.witness.key)
        first = at()
        self.service.wait(lambda: at() > first + 1)  # no record came
        _, path = self.prove(index, "--witness", self.witness.key)
        self.assertEqual(0, self.verify(path, "--witness", self.witness.key).returncode)
        # The log put back, and nobody asks its witness: what is there was cosigned once.
        self.witness.end()
        self.service.wait(lambda: self.metric("failed"))
        time.sleep(2)
        _, path = self.prove(index)
        done = self.verify(path, "--witness", self.witness.key, "--witness-age", 1)
        self.assertEqual((2, True), (done.returncode, "log.cosignature_age" in done.stderr), done.stderr)
        done, _ = self.prove(index, "--witness", self.witness.key, "--witness-age", 1)
        self.assertEqual((2, True), (done.returncode, "log.cosignature_age" in done.stderr), done.stderr)
        _, path = self.prove(index)
        for age in (0, 60):
            self.assertEqual(0, self.verify(path, "--witness", self.witness.key, "--witness-age", age).returncode)
        for wrong in ("x", "-1", "99999999999"):
            self.assertEqual(1, self.verify(path, "--witness", self.witness.key, f"--witness-age={wrong}").returncode)
        self.assertEqual(1, self.verify(path, "--witness-age", 60).returncode)

    def test_last_months_cosignature_is_refused_unasked(self):
        """The default, by the clock of who verifies."""
        self.begin()
        index = self.attest()
        self.cosigned(index + 1)
        _, path = self.prove(index)
        text, _, rest = open(path, encoding="utf-8").read().partition("node-1/log\n")
        note, _, lines = rest.partition("\n\n")
        line = self.witness.cosign(f"node-1/log\n{note}\n", int(time.time()) - 30 * 86400)
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"{text}node-1/log\n{note}\n\n{lines.splitlines()[0]}\n{line}")
        done = self.verify(path, "--witness", self.witness.key)
        self.assertEqual((2, True), (done.returncode, "log.cosignature_age" in done.stderr), done.stderr)
        self.assertEqual(0, self.verify(path, "--witness", self.witness.key, "--witness-age", 0).returncode)

    def witness_less(self, proof):
        """The checkpoint within a proof, without the witness's line."""
        note = proof[proof.index("node-1/log\n"):]
        return "\n".join(note.split("\n")[:-2]) + "\n"

    def test_a_log_that_was_put_back_is_refused(self):
        self.begin()
        self.cosigned(self.attest() + 1)
        self.service.stop()
        copy = os.path.join(self.folder, "copy")
        shutil.copytree(self.log, copy)
        self.service.start()
        for _ in range(3):
            index = self.attest()
        self.cosigned(index + 1)
        self.service.stop()
        shutil.rmtree(self.log)
        shutil.copytree(copy, self.log)
        self.service.start()
        other = self.attest()
        self.assertLess(other, index)
        self.service.wait(lambda: self.metric("refused"))
        self.assertIn("THE WITNESS REFUSES THE DECISION LOG", self.service.text())
        self.assertIn("entries were taken away", self.service.text())
        ready = self.service.call("GET", "/readyz")[1]
        self.assertTrue(ready["ready"])  # tokens go on
        self.assertIn("the witness refuses", " ".join(ready["warnings"]))
        self.signed(other + 1)
        self.assertEqual(1, len(self.checkpoint()[1]))
        done, path = self.prove(other)
        self.assertEqual(0, self.verify(path).returncode)
        self.assertEqual(2, self.verify(path, "--witness", self.witness.key).returncode)
        # Grown past what the witness knows, it is the proof that fails.
        while self.attest() <= index + 1:
            pass
        self.service.wait(lambda: "cosigned other entries of this log" in self.service.text())
        self.assertNotIn("cosigns the decision log's checkpoints again", self.service.text())
        # A deliberate restart of the log is the witness's word to give.
        self.witness.end()
        forgot = self.witness.run("forget", "node-1/log")
        self.assertEqual(0, forgot.returncode, forgot.stderr)
        self.witness.start(self.witness.port)
        self.service.wait(lambda: "cosigns the decision log's checkpoints again" in self.service.text())
        self.cosigned(index + 2)
        self.assertNotIn("warnings", self.service.call("GET", "/readyz")[1])

    def test_a_witness_that_is_away_delays_nothing(self):
        self.begin()
        self.cosigned(self.attest() + 1)
        self.witness.end()
        index = self.attest()
        self.signed(index + 1)
        self.assertEqual(1, len(self.checkpoint()[1]))
        self.service.wait(lambda: self.metric("failed") >= 2)
        self.assertEqual(1, self.service.text().count("no cosignature for the decision log's checkpoint"))
        self.assertEqual(0, self.metric("refused"))
        self.witness.start(self.witness.port)
        self.cosigned(index + 1)  # the same checkpoint, without a new record
        self.service.kill()
        self.service.start()
        self.cosigned(self.attest() + 1)

    def test_what_a_false_witness_says_is_not_taken(self):
        """Answers of a server in the witness's place: none is a cosignature, none ends the service, none is published."""
        self.begin()
        self.service.stop()
        answers, asked = [], []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                status, kind, body = answers[0]
                asked.append(self.path)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        line = "\u2014 witness.example/w1 " + self.witness.key.split("+", 2)[2] + "\n"
        answers.append((200, "text/plain", b""))
        self.configure(f"http://127.0.0.1:{server.server_address[1]}")
        self.service.start()
        index = self.attest()
        self.signed(index + 1)
        for answer, said in (((200, "text/plain", line.encode()), "no cosignature by the witness's key"), ((200, "text/plain", b"x" * 100000), "more than 16384 bytes"),
                             ((409, "text/x.tlog.size", b"x\n"), "answers 409"), ((500, "text/plain", b"\xff\0away\n"), "answers 500"),
                             ((404, "text/plain", b"unknown log\n"), "answers 404: unknown log"), ((409, "text/x.tlog.size", b"0\n"), None),
                             ((409, "text/x.tlog.size", b"99\n"), "entries were taken away")):
            answers[0] = answer
            count = len(asked)
            self.service.wait(lambda: len(asked) >= count + 3)
            if said:
                self.service.wait(lambda: said in self.service.text())
            self.assertEqual(1, len(self.checkpoint()[1]))
            self.attest()
        self.assertEqual({"/add-checkpoint"}, set(asked))

    def test_settings_must_be_whole(self):
        self.begin()
        self.service.stop()
        with open(self.service.config, encoding="utf-8") as f:
            good = f.read()
        for wrong in (good.replace("witness_key =", "#"), good.replace(self.witness.key, self.log_key), good.replace(self.witness.url, "localhost"),
                      good.replace(self.witness.url, self.witness.url + "/")):
            with open(self.service.config, "w", encoding="utf-8") as f:
                f.write(wrong)
            done = subprocess.run([self.service.program, "--config", self.service.config, "--check-config"], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((1, True), (done.returncode, "[decisions] witness and witness_key" in done.stderr), done.stderr)
        self.service.log = open(self.service.log_path, "ab")


if __name__ == "__main__":
    unittest.main()
