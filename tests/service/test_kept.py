"""Inputs of decisions that a provider chose to keep: encrypted for its key before they touch the disk, given back to nobody else, gone when
their time is over; and decisions that come out again of them, of every kind."""
import base64
import hashlib
import json
import os
import pty
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import termios
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), str(ROOT / "tests")]
from service_case import BUILD, Service, b64u  # noqa: E402
from swtpm import Swtpm, SwtpmCase, linux_log  # noqa: E402
from test_control import call_by_name, unchecked  # noqa: E402
from test_manage import Signer, unsigned  # noqa: E402

ASSAY = os.path.abspath(os.path.join(BUILD, "src/cli/assay"))
PATH = "/attest/SgxEnclave?api-version=2022-08-01"
PERMIT = "version=1.0;authorizationrules{=>permit();};issuancerules{};"
DONE, MISUSE, REFUSED = 0, 1, 2
DAY = 24 * 3600


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True).stdout


class KeptCase(unittest.TestCase):
    more = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = Path(tempfile.mkdtemp(prefix="assay-test-kept-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        for name, kind in (("mine", ("EC", "-pkeyopt", "ec_paramgen_curve:P-256")), ("other", ("RSA", "-pkeyopt", "rsa_keygen_bits:2048"))):
            openssl("genpkey", "-algorithm", *kind, "-out", cls.folder / f"{name}.key")
            openssl("pkey", "-in", cls.folder / f"{name}.key", "-pubout", "-out", cls.folder / f"{name}.pub")
        openssl("req", "-x509", "-key", cls.folder / "other.key", "-subj", "/CN=auditor", "-out", cls.folder / "other.pem")

    def setUp(self):
        self.log = self.folder / "log"
        shutil.rmtree(self.log, True)
        settings = {"decisions": {"log": self.log, "name": "node/log", "checkpoint_seconds": 1, "keep_inputs": "on", "keep_days_most": 30},
                    "core": {"pairs": 1}}
        for section, values in self.more.items():
            settings.setdefault(section, {}).update(values)
        self.service = Service(settings=settings)
        self.addCleanup(self.service.remove)
        self.url = f"https://localhost:{self.service.port}"
        self.bearer = {"Authorization": f"Bearer {self.service.token}"}
        self.body = Path(self.service.simulated, "request.json").read_bytes()

    def configure(self, old, new):
        path = Path(self.service.config)
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new))

    def assay(self, status, *arguments, token=True):
        env = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
        env.update(NODE_EXTRA_CA_CERTS=self.service.ca, ASSAY_URL=self.url, **({"ASSAY_TOKEN": self.service.token} if token else {}))
        done = subprocess.run([ASSAY, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False, env=env, cwd=self.folder,
                              stdin=subprocess.DEVNULL)
        self.assertEqual(status, done.returncode, f"{arguments}\n{done.stdout}\n{done.stderr}")
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def keep(self, to="mine.pub", days=10):
        return json.loads(self.assay(DONE, "provider", "keep-inputs", self.url, "--to", to, "--days", days, "--json").stdout)

    def attest(self, body=None):
        status, answer, headers, raw = self.service.call("POST", PATH, self.body if body is None else body)
        self.assertEqual(200, status, raw)
        return answer["token"], int(headers["x-assay-decision"])

    def metric(self, name):
        text = self.service.call("GET", "/metrics")[3].decode()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(name + " "))

    def wait_kept(self, count):
        self.service.wait(lambda: self.metric("assay_kept_inputs_total") >= count)

    def rows(self, query="SELECT number, provider, expires FROM kept"):
        with sqlite3.connect(f"file:{self.log}/kept.db?mode=ro", uri=True, timeout=10) as db:
            return db.execute(query).fetchall()

    def proof(self, index):
        self.service.wait(lambda: (self.log / "checkpoint").exists() and int((self.log / "checkpoint").read_text().split("\n")[1]) > index)
        path = self.folder / "proof"
        path.write_text(self.assay(DONE, "log", "prove", index, "--log", self.url).stdout)
        (self.folder / "log.key").write_bytes(self.service.call("GET", "/log/key")[3])
        return path

    def replay(self, status, index, *more, kept=None, key="mine.key"):
        return self.assay(status, "replay", self.proof(index), "--key", "log.key", "--kept", kept or self.url, "--kept-key", key, "--json", *more)

    def replayed(self, index, *more, **how):
        shown = json.loads(self.replay(DONE, index, *more, **how).stdout)
        self.assertEqual((True, True, index), (shown["same"], shown["inLog"], shown["index"]))
        return shown


class Kept(KeptCase):
    def test_off_by_default_and_after_off(self):
        self.attest()
        self.assertFalse(json.loads(self.assay(DONE, "provider", "keep-inputs", self.url, "--json").stdout)["keepInputs"])
        self.assertEqual([], self.rows())
        chosen = self.keep()
        self.assertEqual((True, 10), (chosen["keepInputs"], chosen["days"]))
        self.assertEqual((self.folder / "mine.pub").read_text().split(), chosen["recipient"].split())
        _, index = self.attest()
        self.wait_kept(1)
        self.assertEqual([index], [row[0] for row in self.rows()])
        self.assertFalse(json.loads(self.assay(DONE, "provider", "keep-inputs", self.url, "--off", "--json").stdout)["keepInputs"])
        self.attest()
        self.replayed(index)  # what is kept stays until its time is over
        self.assertEqual([index], [row[0] for row in self.rows()])
        self.assertEqual(0, self.metric("assay_kept_inputs_lost_total"))

    def test_a_decision_comes_out_again_of_what_is_kept(self):
        self.keep()
        token, index = self.attest()
        self.wait_kept(1)
        self.replayed(index)
        self.replayed(index, "--token", token, "--request", Path(self.service.simulated, "request.json"))
        fetched = self.folder / "fetched"
        self.assay(DONE, "log", "inputs", self.url, index, "--out", fetched)
        self.assertEqual(0o600, fetched.stat().st_mode & 0o777)
        self.replayed(index, "--settings", self.log, kept=fetched)
        self.replayed(index, "--settings", self.log, "--collateral", Path(self.service.simulated, "collateral"), kept=fetched)
        clear = openssl("cms", "-decrypt", "-inform", "DER", "-in", fetched, "-inkey", self.folder / "mine.key")
        self.assertIn(self.body, clear)
        # Not with a token of another decision, nor with another key, nor with one bit changed, nor of a record that has none.
        later, other = self.attest()
        self.assertEqual("evidence", json.loads(self.replay(REFUSED, index, "--token", later).stdout)["differs"])
        refused = self.replay(REFUSED, index, key="other.key")
        self.assertEqual("log.kept.open", json.loads(refused.stdout)["failed"])
        self.assertIn("it is for another key, or was changed", refused.stderr)
        blob = bytearray(fetched.read_bytes())
        for place in (len(blob) - 5, len(blob) // 2, 100):
            changed = bytearray(blob)
            changed[place] ^= 1
            fetched.write_bytes(changed)
            self.assertEqual("log.kept.open", json.loads(self.replay(REFUSED, index, "--settings", self.log, kept=fetched).stdout)["failed"])
        self.wait_kept(2)
        fetched.write_bytes(blob)
        self.assertEqual("evidence", json.loads(self.replay(REFUSED, other, "--settings", self.log, kept=fetched).stdout)["differs"])
        self.assertIn("404", self.assay(REFUSED, "log", "inputs", self.url, other + 1, "--out", fetched).stderr)

    def test_keys_of_every_kind_and_one_with_a_passphrase(self):
        """Anybody's OpenSSL opens what is kept; and a key that is locked is asked for on the terminal, as its owner would type."""
        kinds = {"rsa": ("RSA", "-pkeyopt", "rsa_keygen_bits:3072"), "p384": ("EC", "-pkeyopt", "ec_paramgen_curve:P-384")}
        for count, (name, kind) in enumerate(kinds.items(), 1):
            key, public, fetched = (self.folder / f"{name}{end}" for end in (".key", ".pub", ".kept"))
            openssl("genpkey", "-algorithm", *kind, "-aes256", "-pass", "pass:open sesame", "-out", key)
            openssl("pkey", "-in", key, "-passin", "pass:open sesame", "-pubout", "-out", public)
            self.keep(to=public)
            _, index = self.attest()
            self.wait_kept(count)
            self.assay(DONE, "log", "inputs", self.url, index, "--out", fetched)
            self.assertIn(self.body, openssl("cms", "-decrypt", "-inform", "DER", "-in", fetched, "-inkey", key, "-passin", "pass:open sesame"))
            arguments = ("replay", self.proof(index), "--key", "log.key", "--kept", fetched, "--kept-key", key, "--settings", self.log, "--collateral",
                         Path(self.service.simulated, "collateral"))
            status, shown = self.at_a_terminal("open sesame", *arguments)
            self.assertEqual(DONE, status, shown)
            self.assertIn(": the record is in the log, all inputs are those on record", shown)
            self.assertNotIn("sesame", shown)
            status, shown = self.at_a_terminal("open barley", *arguments)
            self.assertNotEqual(DONE, status)
            self.assertIn("its passphrase is another", shown)

    def at_a_terminal(self, typed, *arguments):
        """Exit status and all that the terminal shows."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            # The leak checker cannot trace a process of another session.
            os.execve(ASSAY, [ASSAY, *map(str, arguments)], {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
        shown = b""
        try:
            while not shown.endswith(b":"):
                shown += os.read(terminal, 1024)
            for _ in range(3000):  # what asks writes its prompt before it switches the echo off
                if not termios.tcgetattr(terminal)[3] & termios.ECHO:
                    break
                time.sleep(0.01)
            os.write(terminal, typed.encode() + b"\n")
            while more := os.read(terminal, 4096):
                shown += more
        except OSError:  # its last end is closed
            pass
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()

    def test_an_invented_decision_is_not_taken_for_one_of_the_log(self):
        """Whoever has the disk makes a record up, and the inputs to it, which anybody can encrypt for the provider."""
        self.keep()
        token, index = self.attest()
        self.wait_kept(1)
        proof, kept = self.proof(index), self.folder / "fetched"
        self.assay(DONE, "log", "inputs", self.url, index, "--out", kept)
        lines = proof.read_text().split("\n")
        place, extra = next((i, line.split(" ")[1]) for i, line in enumerate(lines) if line.startswith("extra "))
        record = base64.b64decode(extra)
        invented = record[:-1] + bytes([record[-1] ^ 1])  # of an answer that nobody had
        clear, made, bare, lying = (self.folder / name for name in ("clear", "invented.kept", "invented.record", "invented.proof"))
        clear.write_bytes(openssl("cms", "-decrypt", "-inform", "DER", "-in", kept, "-inkey", self.folder / "mine.key"))
        openssl("req", "-x509", "-key", self.folder / "mine.key", "-subj", "/CN=any", "-out", self.folder / "mine.pem")
        openssl("cms", "-encrypt", "-binary", "-aes-256-gcm", "-outform", "DER", "-in", clear, "-out", made, self.folder / "mine.pem")
        bare.write_bytes(invented)
        lines[place] = "extra " + base64.b64encode(invented).decode()
        lying.write_text("\n".join(lines))
        inputs = ("--kept", made, "--kept-key", "mine.key", "--settings", self.log, "--collateral", Path(self.service.simulated, "collateral"), "--json")
        for path in (bare, lying, proof):
            refused = self.assay(REFUSED, "replay", path, *inputs)
            shown = json.loads(refused.stdout)
            self.assertEqual((False, False), (shown["same"], shown["inLog"]))
            self.assertIn("made it up", shown["unproved"])
            self.assertIn("give the log's key" if path != bare else "give a proof of it", refused.stderr)
        self.assertEqual("log.inclusion", json.loads(self.assay(REFUSED, "replay", lying, "--key", "log.key", *inputs).stdout)["failed"])
        self.assertIn("nothing proves", self.assay(REFUSED, "replay", proof, "--kept", self.url, "--kept-key", "mine.key").stderr)
        self.assay(MISUSE, "replay", bare, "--key", "log.key", *inputs)
        self.assay(MISUSE, "replay", proof, "--key", "log.key", "--unproved", *inputs)
        # Who asks for it sees that the inputs fit, and that this proves nothing; so does who brings the inputs himself.
        (self.folder / "token").write_text(token)
        own = ("--request", Path(self.service.simulated, "request.json"), "--token", "token", "--settings", self.log, "--collateral",
               Path(self.service.simulated, "collateral"))
        self.assay(MISUSE, "replay", bare, "--unproved", *own)
        for arguments in (("--unproved", *inputs[:-1]), own):
            shown = json.loads(self.assay(DONE, "replay", bare, *arguments, "--json").stdout)
            self.assertEqual((True, False), (shown["same"], shown["inLog"]))
            self.assertIn("made it up", shown["unproved"])
            headline = self.assay(DONE, "replay", bare, *arguments).stdout.split("\n")[0]
            self.assertTrue(headline.startswith("same, but unproved: "), headline)
        proved = self.assay(DONE, "replay", proof, "--key", "log.key", *inputs)
        self.assertNotIn("unproved", proved.stdout)
        self.assertTrue(self.assay(DONE, "replay", proof, "--key", "log.key", *inputs[:-1]).stdout.startswith("same: the record is in the log"))

    def test_no_evidence_lies_anywhere_in_clear(self):
        self.keep("other.pem")
        self.attest()
        self.wait_kept(1)
        evidence = json.loads(self.body)["quote"]
        raw = base64.urlsafe_b64decode(evidence + "=" * (-len(evidence) % 4))
        secrets = (evidence[40:90].encode(), raw[100:140], json.loads(self.body)["runtimeData"]["data"][:40].encode())
        self.service.stop()
        looked = 0
        for folder in (self.log, Path(self.service.folder, "state")):
            for path in (p for p in folder.rglob("*") if p.is_file() and "simulated" not in str(p)):
                looked += 1
                for secret in secrets:
                    self.assertFalse(secret in path.read_bytes(), path)
        self.assertGreater(looked, 5)
        self.assertEqual(0o600, (self.log / "kept.db").stat().st_mode & 0o777)
        self.service.start()
        self.replayed(0, key="other.key")

    def test_only_for_who_may_read_the_policies_and_of_this_provider(self):
        self.keep()
        _, index = self.attest()
        self.wait_kept(1)
        self.proof(index)
        record = json.loads(self.assay(DONE, "log", "show", "--log", self.url, "--json").stdout)["records"][0]["record"]
        paths = (f"/assay/v1/kept/{index}", f"/assay/v1/kept/settings/{record['settings']}", f"/assay/v1/kept/endorsements/{record['endorsements']}",
                 "/assay/v1/keeping")
        for path in paths:
            self.assertEqual(401, self.service.call("GET", path)[0], path)
            self.assertEqual(200, self.service.call("GET", path, headers=self.bearer)[0], path)
        for path in ("/assay/v1/kept/x", "/assay/v1/kept/99999999999999999999", "/assay/v1/kept/-1", "/assay/v1/kept/settings/..", f"/assay/v1/kept/{index}x",
                     "/assay/v1/kept/endorsements/" + "0" * 64):
            self.assertEqual(404, self.service.call("GET", path, headers=self.bearer)[0], path)
        self.assertEqual(405, self.service.call("POST", paths[0], {}, headers=self.bearer)[0])
        with sqlite3.connect(self.log / "kept.db") as db:
            db.execute("UPDATE kept SET provider = 'https://somebody.else'")
        self.assertEqual(404, self.service.call("GET", paths[0], headers=self.bearer)[0])

    def test_what_is_over_goes(self):
        self.keep(days=20)
        _, index = self.attest()
        self.wait_kept(1)
        now = time.time()
        self.assertLess(abs(self.rows()[0][2] - now - 20 * DAY), 100)
        marker = b"PASSED-" * 300
        with sqlite3.connect(self.log / "kept.db") as db:
            db.execute("INSERT INTO kept VALUES (1000, ?, 0, ?, ?)", (self.url, int(now) - 1, marker))
        self.assertEqual(404, self.service.call("GET", "/assay/v1/kept/1000", headers=self.bearer)[0])
        self.attest()
        self.wait_kept(2)
        self.assertEqual([index, index + 1], [row[0] for row in self.rows()])
        self.service.stop()
        for path in self.log.glob("kept.db*"):
            self.assertNotIn(marker[:100], path.read_bytes(), path)
        with sqlite3.connect(self.log / "kept.db") as db:
            db.execute("UPDATE kept SET expires = 1 WHERE number = ?", (index,))
        self.service.start()
        self.service.wait(lambda: [row[0] for row in self.rows()] == [index + 1])

    def test_choices_that_are_refused(self):
        put = lambda body: self.service.call("PUT", "/assay/v1/keeping", body, self.bearer)
        recipient = (self.folder / "mine.pub").read_text()
        for body in ({"recipient": recipient, "days": 31}, {"recipient": recipient, "days": 0}, {"recipient": recipient, "days": "3"}, {"recipient": recipient},
                     {"recipient": "no key", "days": 3}, {"recipient": recipient, "days": 3, "more": 1}, [], "{"):
            answer = put(body)
            self.assertEqual((400, "InvalidParameter"), (answer[0], answer[1]["error"]["code"]), body)
        small = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
        (self.folder / "small").write_bytes(small)
        self.assertEqual(400, put({"recipient": openssl("pkey", "-in", self.folder / "small", "-pubout").decode(), "days": 3})[0])
        self.assertIn("neither a certificate nor a public key", self.assay(MISUSE, "provider", "keep-inputs", self.url, "--to", "mine.key", "--days", 3).stderr)
        self.assertEqual(401, self.service.call("PUT", "/assay/v1/keeping", {"recipient": recipient, "days": 3})[0])
        self.assertEqual(405, self.service.call("POST", "/assay/v1/keeping", {}, self.bearer)[0])
        self.attest()
        self.assertEqual([], self.rows())

    def test_a_signed_policy(self):
        with tempfile.TemporaryDirectory() as folder:
            signer = Signer(folder, "signer")
            self.keep()
            policy = json.dumps({"AttestationPolicy": b64u(PERMIT.encode())}).encode()
            status, _, _, raw = self.service.call("PUT", "/policies/SgxEnclave?api-version=2022-08-01", signer.jws(policy),
                                                  {**self.bearer, "Content-Type": "text/plain"})
            self.assertEqual(200, status, raw)
            token, index = self.attest()
            self.wait_kept(1)
            part = token.split(".")[1]
            self.assertIn(signer.der().encode(), base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
            self.replayed(index)
            # Another policy is in force after it; the one on record was kept.
            self.service.call("PUT", "/policies/SgxEnclave?api-version=2022-08-01", unsigned(PERMIT + " "), {**self.bearer, "Content-Type": "text/plain"})
            self.replayed(index)


class OfTwo(KeptCase):
    """Two providers of the control plane: neither reads what is the other's, and what is kept goes with its provider."""

    more = {"control_plane": {"authority": "arm.example", "domain": "attest.example"}, "region Here": {"code": "here"}}

    def arm(self, method, name, body=None):
        path = f"/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/lab/providers/Microsoft.Attestation/attestationProviders/{name}"
        answer = self.named("arm.example", method, f"{path}?api-version=2021-06-01", body)
        self.assertIn(answer.status, (200, 201), answer.body)

    def named(self, name, method, path, body=None):
        headers = {**self.bearer, "Host": name, "Content-Type": "application/json"}
        return call_by_name(self.service, name, method, path, body, headers, unchecked(self.service))

    def at(self, name, path, method="GET", body=None):
        return self.named(f"{name}.here.attest.example", method, path, body)

    def test_neither_reads_the_others(self):
        recipient = (self.folder / "mine.pub").read_text()
        for name in ("first", "second"):
            self.arm("PUT", name, {"location": "here", "properties": {}})
            answer = self.at(name, "/assay/v1/keeping", "PUT", {"recipient": recipient, "days": 5})
            self.assertEqual(200, answer[0], answer[3])
        index = {name: int(self.at(name, PATH, "POST", json.loads(self.body)).headers["x-assay-decision"]) for name in ("first", "second")}
        self.wait_kept(2)
        for name, other in (("first", "second"), ("second", "first")):
            self.assertEqual(200, self.at(name, f"/assay/v1/kept/{index[name]}")[0])
            self.assertEqual(404, self.at(other, f"/assay/v1/kept/{index[name]}")[0])
        self.arm("DELETE", "first")
        self.service.wait(lambda: [row[0] for row in self.rows()] == [index["second"]])
        # Whoever has the name next has nothing of before, not the choice either.
        self.arm("PUT", "first", {"location": "here", "properties": {}})
        self.assertFalse(self.at("first", "/assay/v1/keeping")[1]["keepInputs"])
        with sqlite3.connect(self.log / "kept.db") as db:
            db.execute("UPDATE kept SET provider = replace(provider, 'second', 'first')")
        self.assertEqual(404, self.at("first", f"/assay/v1/kept/{index['second']}")[0])
        self.service.stop()
        with sqlite3.connect(self.log / "kept.db") as db:
            again = db.execute("SELECT * FROM kept").fetchall()
        self.service.start()
        self.service.wait(lambda: self.rows() == [])
        # Also where the operator allows no more.
        self.service.stop()
        with sqlite3.connect(self.log / "kept.db") as db:
            db.executemany("INSERT INTO kept VALUES (?, ?, ?, ?, ?)", [(1000 + i, *again[0][1:]) for i in range(40)])
        self.configure("keep_inputs = on", "keep_inputs = off")
        self.service.start()
        self.service.wait(lambda: self.rows() == [])


class NotAllowed(KeptCase):
    more = {"decisions": {"keep_inputs": "off"}}

    def test_the_operator_allows_it_or_nobody_has_it(self):
        done = self.assay(REFUSED, "provider", "keep-inputs", self.url, "--to", "mine.pub", "--days", 3)
        self.assertIn("The operator of this service keeps no inputs", done.stderr)
        _, index = self.attest()
        self.assertFalse((self.log / "kept.db").exists())
        self.assertFalse((self.log / "endorsements").exists())
        for path in (f"/assay/v1/kept/{index}", "/assay/v1/kept/settings/" + os.listdir(self.log / "settings")[0]):
            self.assertEqual(404, self.service.call("GET", path, headers=self.bearer)[0])


class Later(KeptCase):
    """What was kept, when keeping goes on no more."""

    def test_what_is_over_goes_after_the_operator_allows_none(self):
        self.keep()
        _, index = self.attest()
        self.wait_kept(1)
        self.service.stop()
        with sqlite3.connect(self.log / "kept.db") as db:
            db.executemany("INSERT INTO kept VALUES (?, ?, 0, 1, zeroblob(5000))", [(1000 + i, self.url) for i in range(50)])
        self.configure("keep_inputs = on", "keep_inputs = off")
        self.service.start()
        self.service.wait(lambda: [row[0] for row in self.rows()] == [index])
        self.service.wait(lambda: "inputs of 50 decisions were deleted" in self.service.text())
        self.attest()
        self.assertEqual([index], [row[0] for row in self.rows()])
        self.assertEqual(404, self.service.call("GET", f"/assay/v1/kept/{index}", headers=self.bearer)[0])
        self.assertIn("keeps no inputs", self.assay(REFUSED, "provider", "keep-inputs", self.url, "--to", "mine.pub", "--days", 3).stderr)
        self.assertLess(0, self.metric("assay_kept_inputs_bytes"))
        self.service.stop()
        with sqlite3.connect(self.log / "kept.db") as db:
            db.execute("UPDATE kept SET expires = 1")
        self.service.start()
        self.service.wait(lambda: self.rows() == [])
        self.service.wait(lambda: self.metric("assay_kept_inputs_bytes") == 0)

    def test_endorsements_are_written_once_and_again_where_that_failed(self):
        kept, collateral = self.log / "endorsements", Path(self.service.simulated, "collateral")
        expected = lambda: {hashlib.sha256(p.read_bytes()).hexdigest() for p in collateral.iterdir()}
        there = lambda: {p.name for p in kept.iterdir()} if kept.is_dir() else set()
        reload = lambda: self.service.process.send_signal(signal.SIGHUP)
        self.service.wait(lambda: expected() < there())
        self.service.stop()
        shutil.rmtree(kept)
        kept.write_text("no folder")
        self.service.start()
        failed = "no decision by these endorsements can be replayed"
        self.service.wait(lambda: self.service.text().count(failed) == len(expected()) + 1)
        kept.unlink()

        def written():
            time.sleep(0.5)
            reload()
            time.sleep(0.5)
            return expected() < there()

        self.service.wait(written)
        # What was given already is not given again; what is new is, and the list of all.
        lists = there() - expected()
        gone = sorted(expected())[0]
        (kept / gone).unlink()
        new = next(p for p in collateral.iterdir() if hashlib.sha256(p.read_bytes()).hexdigest() != gone)
        (collateral / f"another-{new.name}").write_bytes(new.read_bytes() + b"\n")
        reload()
        self.service.wait(lambda: expected() - {gone} < there() and len(there() - expected()) == len(lists) + 1)
        self.assertNotIn(gone, there())

    def test_a_file_that_cannot_be_opened_stops_no_token(self):
        self.keep()
        _, index = self.attest()
        self.wait_kept(1)
        self.service.stop()
        good = (self.log / "kept.db").read_bytes()
        (self.log / "kept.db").write_bytes(b"no database" * 1000)
        self.service.start()
        self.attest()
        self.service.wait(lambda: self.metric("assay_kept_inputs_lost_total") == 1)
        self.assertEqual(1, self.metric("assay_kept_inputs_unreadable"))
        self.assertEqual(503, self.service.call("GET", f"/assay/v1/kept/{index}", headers=self.bearer)[0])
        self.assertEqual(1, self.service.text().count("kept.db cannot be opened"))
        (self.log / "kept.db").write_bytes(good)  # somebody saw to it

        def again():
            self.attest()
            return self.metric("assay_kept_inputs_total") > 0
        self.service.wait(again)
        self.assertEqual(0, self.metric("assay_kept_inputs_unreadable"))
        self.replayed(index)


class Full(KeptCase):
    more = {"decisions": {"keep_mib_most": 1}}

    def test_when_there_is_no_room_tokens_go_on(self):
        self.keep()
        big = json.dumps({**json.loads(self.body), "ignored": "x" * 400000})
        for _ in range(6):
            self.attest(big)
        self.service.wait(lambda: self.metric("assay_kept_inputs_total") + self.metric("assay_kept_inputs_lost_total") == 6)
        self.assertEqual(2, len(self.rows()))
        self.assertLess(self.metric("assay_kept_inputs_bytes"), 1 << 20)
        self.assertEqual(1, self.service.text().count("keep_mib_most is reached"))


class KeptTpm(KeptCase, SwtpmCase):
    """A request to /attest/Tpm, whose challenge the service alone can open, and its report."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.machine = Swtpm(log=linux_log())
        cls.addClassCleanup(cls.machine.remove)
        cls.machine.make_ak()
        cls.more = {"collateral": {"anchor": cls.machine.ak_root, "file": cls.machine.ak_root}}

    def decided(self, kind):
        self.keep()
        (self.folder / "policy").write_text(PERMIT)
        self.assay(DONE, "policy", "set", self.url, kind, "policy")
        answer = self.assay(DONE, "attest", self.url, "--self", "--tpm", self.machine.tcti, "--boot-log", self.machine.log_path, "--ima-log", "none", "--type",
                            {"Tpm": "tpm", "AzureGuest": "azure-guest"}[kind])
        self.wait_kept(1)
        return answer.stdout

    def test_a_report(self):
        token = self.decided("Tpm")
        shown = self.replayed(0)
        self.assertEqual("Tpm", shown["record"]["type"])
        self.replayed(0, "--token", token.strip())
        self.assertIn("attreq.context", json.dumps(shown["believed"]))
        unproved = json.loads(self.assay(DONE, "replay", self.proof(0), "--kept", self.url, "--kept-key", "mine.key", "--unproved", "--json").stdout)
        self.assertIn("attreq.context", json.dumps(unproved["believed"]))
        self.assertIn("what is believed of it is proved by nothing", unproved["unproved"])

    def test_a_guest_whose_token_its_tpm_alone_can_open(self):
        self.decided("AzureGuest")
        self.assertEqual("AzureGuest", self.replayed(0)["record"]["type"])


if __name__ == "__main__":
    unittest.main()
