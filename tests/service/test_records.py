"""Whoever owns the database changes, moves, takes away or puts back a record: the provider of that record is refused, with what to do, and no
other one; an operator who looked may accept it."""
import json
import os
import pwd
import re
import shutil
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from service_case import BUILD, Service, b64u
from test_control import SPACE, V, WESTUS, call_by_name

VERSION = "?api-version=2022-08-01"
GROUP = "/subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/g" + SPACE + "/attestationProviders/"
PERMIT = "version=1.0;authorizationrules{=>permit();};issuancerules{};"
DENY = "version=1.0;authorizationrules{};issuancerules{};"


def policy(text):
    return ".".join((b64u(b'{"alg":"none"}'), b64u(json.dumps({"AttestationPolicy": b64u(text.encode())}).encode()), ""))


class Records(unittest.TestCase):
    """One service; the database is edited while it is stopped, or beside it, and put back for the next test."""

    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.remove)
        cls.state = os.path.join(cls.service.folder, "state")
        cls.db = os.path.join(cls.state, "assay.db")
        cls.port = cls.service.port
        for name in ("one", "two"):
            made = cls.service.call("PUT", GROUP + name + V, json.dumps(WESTUS), cls.owner({"Content-Type": "application/json"}))
            assert made[0] == 201, made
        for name, text in (("one", DENY), ("two", PERMIT), ("one", PERMIT)):
            answer = cls.at(name, "PUT", f"/policies/SgxEnclave{VERSION}", policy(text))
            assert answer.status == 200, answer.body
        cls.service.stop()
        cls.copy = os.path.join(cls.service.folder, "copy.db")
        cls.checkpoint()
        shutil.copy(cls.db, cls.copy)

    @classmethod
    def checkpoint(cls):
        with sqlite3.connect(cls.db) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()

    @classmethod
    def owner(cls, more=None):
        return {"Authorization": "Bearer " + cls.service.token, **(more or {})}

    @classmethod
    def host(cls, name):
        return f"{name}.wus.localhost"

    @classmethod
    def at(cls, name, method, path, body=None):
        return call_by_name(cls.service, cls.host(name), method, path, body, cls.owner())

    def issuer(self, name):
        return f"https://{self.host(name)}:{self.port}"

    def edit(self, sql, *values):
        with sqlite3.connect(self.db) as db:
            self.assertGreater(db.execute(sql, values).rowcount, 0, sql)
        db.close()

    def restore(self):
        for end in ("", "-wal", "-shm"):
            if os.path.exists(self.db + end):
                os.remove(self.db + end)
        shutil.copy(self.copy, self.db)

    def start(self):
        """At the port of before, which the providers' names have in them."""
        env = os.path.join(self.state, "dev.env")
        if os.path.exists(env):
            os.remove(env)
        self.service.log = open(self.service.log_path, "wb")
        self.service.process = subprocess.Popen([self.service.program, "--dev", "--state", self.state, "--port", str(self.port)],
                                                stderr=self.service.log, stdin=subprocess.DEVNULL, env=self.service.env)
        self.service.wait(lambda: os.path.exists(env))

    def setUp(self):
        self.restore()
        self.addCleanup(self.service.stop)

    def attest(self, name):
        body = dict(self.service.request_body(), nonce=os.urandom(8).hex())
        return self.at(name, "POST", f"/attest/SgxEnclave{VERSION}", json.dumps(body))

    def refused(self, name, check, kind):
        for answer in (self.attest(name), self.at(name, "GET", f"/policies/SgxEnclave{VERSION}"), self.at(name, "GET", "/certs"),
                       self.at(name, "PUT", f"/policies/SgxEnclave{VERSION}", policy(PERMIT))):
            error = answer.json["error"]
            self.assertEqual((500, "StateRefused"), (answer.status, error["code"]), answer.body)
            for text in (check, kind, self.issuer(name)):
                self.assertIn(text, error["message"])
        self.assertIn(f"a provider's state is refused: {kind}", self.service.text())
        with open(os.path.join(self.state, "audit.log"), encoding="utf-8") as f:
            self.assertIn(f'"failedCheck":"{check}"', f.read())
        answer = self.service.call("GET", "/metrics")
        self.assertRegex(answer[3].decode(), rf'check="{re.escape(check)}"')

    def serves(self, name):
        answer = self.attest(name)
        self.assertEqual(200, answer.status, answer.body)

    def test_every_change_is_refused(self):
        one, two, kind = self.issuer("one"), self.issuer("two"), "policy/SgxEnclave"
        deny = policy(DENY).encode()
        changes = [
            ("UPDATE record SET body = ? WHERE provider = ? AND kind = ? AND version = 2", (policy(DENY), one, kind), kind),
            ("UPDATE record SET body = x'' WHERE provider = ? AND kind = ? AND version = 2", (one, kind), kind),
            ("UPDATE record SET kind = 'policy/OpenEnclave' WHERE provider = ? AND kind = ? AND version = 2", (one, kind), "policy/OpenEnclave"),
            ("UPDATE record SET version = 7 WHERE provider = ? AND kind = ? AND version = 1", (one, kind), kind),
            ("UPDATE record SET caller = 'nobody' WHERE provider = ? AND kind = ? AND version = 2", (one, kind), kind),
            ("UPDATE record SET time = time + 1 WHERE provider = ? AND kind = ? AND version = 2", (one, kind), kind),
            ("UPDATE record SET hash = 'h' WHERE provider = ? AND kind = ? AND version = 2", (one, kind), kind),
            ("UPDATE record SET body = replace(body, 'westus', 'eastus') WHERE provider = ? AND kind = 'provider'", (one,), "provider"),
            ("UPDATE record SET hash = 'isolated' WHERE provider = ? AND kind = 'key'", (one,), "key"),
            ("INSERT INTO record (provider, kind, version, time, body, hash, signer, caller, seal) SELECT ?, kind, 3, time, body, hash, signer, "
             "caller, seal FROM record WHERE provider = ? AND kind = ?", (one, two, kind), kind),
            ("INSERT INTO record (provider, kind, version, time, body, hash, signer, caller, seal) SELECT provider, kind, 3, time, ?, hash, "
             "signer, caller, seal FROM record WHERE provider = ? AND kind = ? AND version = 1", (deny, one, kind), kind),
        ]
        for sql, values, which in changes:
            with self.subTest(sql):
                self.restore()
                self.edit(sql, *values)
                self.start()
                self.refused("one", "record.signature", which)
                self.serves("two")
                self.service.stop()

    def test_a_seal_that_is_gone(self):
        self.edit("UPDATE record SET seal = x'' WHERE provider = ? AND kind = 'policy/SgxEnclave'", self.issuer("one"))
        self.start()
        self.refused("one", "record.seal", "policy/SgxEnclave")
        self.serves("two")

    def test_an_edit_beside_the_service(self):
        """What is there already stays in force; what is added is read, and refused."""
        self.start()
        self.serves("one")
        self.edit("UPDATE record SET body = ? WHERE provider = ? AND kind = 'policy/SgxEnclave'", policy(DENY), self.issuer("one"))
        self.serves("one")
        self.edit("INSERT INTO record (provider, kind, version, time, body, hash, signer, caller, seal) SELECT provider, kind, 9, time, body, hash, "
                  "signer, caller, seal FROM record WHERE provider = ? AND kind = 'key' AND version = 1", self.issuer("one"))
        self.service.wait(lambda: self.attest("one").status == 500)
        self.refused("one", "record.signature", "key")
        self.serves("two")
        self.edit("DELETE FROM record WHERE provider = ?", self.issuer("two"))
        self.serves("two")

    def test_a_rollback_across_restarts_is_not_seen_without_an_anchor(self):
        """As SECURITY.md says."""
        self.edit("DELETE FROM record WHERE provider = ? AND kind = 'policy/SgxEnclave' AND version = 2", self.issuer("one"))
        self.start()
        answer = self.attest("one")
        self.assertEqual((400, "PolicyEvaluationError"), (answer.status, answer.json["error"]["code"]), answer.body)  # the older policy denies

    def adopt(self, *more):
        config = os.path.join(self.service.folder, "adopt.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(f"[store]\nurl = sqlite:{self.db}\n[keys]\nsealing_key = {self.state}/sealing.key\n[audit]\nfile = {self.state}/audit.log\n")
        return subprocess.run([os.path.join(BUILD, "src/service/assayd"), "adopt", "--config", config, *more], capture_output=True, text=True,
                              env=self.service.env, check=False)

    def test_an_operator_accepts(self):
        self.edit("UPDATE record SET body = ? WHERE provider = ? AND kind = 'policy/SgxEnclave' AND version = 2", policy(DENY), self.issuer("one"))
        shown = self.adopt()
        self.assertEqual(0, shown.returncode, shown.stderr)
        self.assertIn(f"{self.issuer('one')} policy/SgxEnclave version 2: record.signature\n1 of ", shown.stdout)
        state = shown.stdout.split()[-1]
        wrong = self.adopt("--accept", "0" * 32)
        self.assertEqual(1, wrong.returncode)
        self.assertIn("look at the list again", wrong.stderr)
        self.start()
        self.refused("one", "record.signature", "policy/SgxEnclave")
        beside = self.adopt("--accept", state)
        self.assertEqual(1, beside.returncode, beside.stdout)  # the audit log is the service's
        self.service.stop()
        done = self.adopt("--accept", state)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertTrue(done.stdout.endswith("accepted\n"))
        self.assertIn("0 of ", self.adopt().stdout)
        with open(os.path.join(self.state, "audit.log"), encoding="utf-8") as f:
            self.assertIn('"operationName":"AdoptState"', f.read())
        self.start()
        self.assertEqual(400, self.attest("one").status)  # it is the policy that counts now
        self.serves("two")

    def test_a_store_of_an_earlier_release(self):
        self.edit("UPDATE record SET seal = x'', hash = CASE kind WHEN 'key' THEN x'' ELSE hash END")
        with sqlite3.connect(self.db) as db:
            db.execute("ALTER TABLE record DROP COLUMN seal")
            db.execute("PRAGMA user_version = 2")
        db.close()
        config = os.path.join(self.service.folder, "old.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(f"[server]\nlisten = 127.0.0.1\nport = 0\ncertificate = {self.state}/server.pem\nprivate_key = {self.state}/server.key\n"
                    f"user = {pwd.getpwuid(os.geteuid()).pw_name}\n"
                    f"[store]\nurl = sqlite:{self.db}\n[keys]\nsealing_key = {self.state}/sealing.key\n"
                    f"[collateral]\nfolder = {self.state}/simulated/collateral\nanchor = {self.state}/simulated/anchor.pem\n"
                    f"[provider first]\nissuer = https://localhost:{self.port}\n")
        refused = subprocess.run([self.service.program, "--config", config], capture_output=True, text=True, env=self.service.env, check=False, timeout=60)
        self.assertEqual(1, refused.returncode)
        self.assertIn("assayd adopt --config FILE", refused.stderr)
        self.start()  # for development it is taken as it is
        self.assertIn("of a release that sealed none are taken as they are", self.service.text())
        self.serves("one")
        self.serves("two")
        self.assertEqual(200, self.at("one", "PUT", f"/policies/SgxEnclave{VERSION}", policy(DENY)).status)


if __name__ == "__main__":
    unittest.main()
