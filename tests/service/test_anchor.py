"""A store that is put back to what it was, by whoever owns the database: with an anchor the service does not start; without it does, so it is
the anchor that refuses. The TPM is a real swtpm."""
import fcntl
import hashlib
import http.server
import json
import os
import re
import shutil
import signal
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import swtpm
from service_case import BUILD, READY_SECONDS, Service, b64u
from test_health import Door, machine_address
try:
    from witness_case import Log, Witness
    MISSING = ""
except ImportError as error:
    MISSING = str(error)

VERSION = "?api-version=2022-08-01"
INDEX = 0x0180A55A
SEALER = os.path.join(BUILD, "src/sealer/assay-sealer")
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
PERMIT = "version=1.0;authorizationrules{=>permit();};issuancerules{};"
DENY = "version=1.0;authorizationrules{};issuancerules{};"


def policy(text):
    text = '{"AttestationPolicy":"' + b64u(text.encode()) + '"}'
    return ".".join((b64u(b'{"alg":"none"}'), b64u(text.encode()), ""))


class AnchorCase(unittest.TestCase):
    """Edits of the database and of the files beside it, while the service is stopped."""
    more = {}

    def make(self, **state):
        self.service = service = Service({"state": {"name": "test.example/records", "seconds": 1, **state}, "core": {"pairs": 1}, **self.more})
        self.addCleanup(service.remove)
        self.state = os.path.join(service.folder, "state")
        self.db = os.path.join(self.state, "assay.db")
        return service

    def set_up_store(self, **state):
        """Two policies of one provider and one of another kind, all under a checkpoint."""
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.note = os.path.join(folder, "records.checkpoint")
        self.make(checkpoint=self.note, **state)
        self.put("SgxEnclave", DENY)
        self.service.wait(lambda: os.path.exists(self.note) and self.checkpoint()["size"] == self.records())
        self.early = self.copy("early")
        self.put("OpenEnclave", PERMIT)
        self.put("SgxEnclave", PERMIT)
        self.assertEqual(200, self.service.attest()[0])
        self.stop()
        self.late = self.copy("late")

    def put(self, kind, text):
        answer = self.service.call("PUT", f"/policies/{kind}{VERSION}", policy(text), {"Authorization": "Bearer " + self.service.token})
        self.assertEqual(200, answer[0], answer[3])

    def stop(self):
        self.assertEqual(0, self.service.stop(), self.service.text())

    def key_file(self):
        return os.path.join(self.state, "sealing.key")

    def flush(self):
        with sqlite3.connect(self.db) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()

    def copy(self, name):
        """Of the store and its checkpoint, also beside the service."""
        folder = os.path.join(self.service.folder, name)
        os.mkdir(folder)
        with sqlite3.connect(self.db) as db, sqlite3.connect(os.path.join(folder, "db")) as to:
            db.backup(to)
        db.close()
        to.close()
        if os.path.exists(self.note):
            shutil.copy(self.note, os.path.join(folder, "note"))
        return folder

    def put_back(self, folder, note=False):
        for end in ("", "-wal", "-shm"):
            if os.path.exists(self.db + end):
                os.remove(self.db + end)
        shutil.copy(os.path.join(folder, "db"), self.db)
        if note:
            shutil.copy(os.path.join(folder, "note"), self.note)

    def edit(self, *statements):
        with sqlite3.connect(self.db) as db:
            for sql in statements:
                self.assertGreater(db.execute(sql).rowcount, 0, sql)
        db.close()

    def point_index_back(self, where, version, *before):
        """The index by which SQLite finds the newest version lacks this row; the table has it. Statements before it are part of the same commit."""
        with sqlite3.connect(self.db) as db:
            for sql in before:
                db.execute(sql)
            columns = db.execute("SELECT sql FROM sqlite_master WHERE name = 'record'").fetchone()[0].split("(", 1)[1]
            db.execute("CREATE TABLE stale (" + columns)
            db.execute(f"INSERT INTO stale SELECT * FROM record WHERE NOT ({where} AND version = {version})")
            db.execute("PRAGMA writable_schema = ON")
            db.execute("UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_stale_1') "
                       "WHERE name = 'sqlite_autoindex_record_1'")
            db.execute("DELETE FROM sqlite_master WHERE tbl_name = 'stale'")
        db.close()
        with sqlite3.connect(self.db) as db:
            provider, there = db.execute(f"SELECT provider, max(version) FROM record NOT INDEXED WHERE {where}").fetchone()
            found = db.execute(f"SELECT max(version) FROM record WHERE provider = ? AND {where}", (provider,)).fetchone()[0]
        db.close()
        self.assertEqual((version, version - 1), (there, found))

    def records(self):
        with sqlite3.connect(self.db) as db:
            n = db.execute("SELECT count(*) FROM record").fetchone()[0]
        db.close()
        return n

    def refused(self, *words, config=None):
        done = subprocess.run([self.service.program, "--config", config or self.service.config], capture_output=True, text=True, env=self.service.env,
                              check=False, timeout=READY_SECONDS, stdin=subprocess.DEVNULL)
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertNotIn("serving ", done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        return done.stderr

    def without(self):
        """The configuration without its anchor."""
        path = self.service.config + ".without"
        with open(self.service.config, encoding="utf-8") as f:
            text = re.sub(r"^\[state\]\n(\w.*\n)*", "", f.read(), flags=re.M)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def serves_without(self):
        with_it, self.service.config = self.service.config, self.without()
        status = self.starts()
        self.service.config = with_it
        return status

    def starts(self):
        self.service.start()
        status = self.service.attest()[0]
        self.stop()
        return status

    def checkpoint(self, path=None):
        with open(path or self.note, encoding="utf-8") as f:
            lines = f.read().split("\n")
        self.assertEqual("test.example/records", lines[0])
        return {"size": int(lines[1]), "root": lines[2], **{line.split()[0]: int(line.split()[1]) for line in lines[3:lines.index("")]}}

    def adopt(self, *more):
        return subprocess.run([os.path.join(BUILD, "src/service/assayd"), "adopt", "--config", self.service.config, *more], capture_output=True, text=True,
                              env=self.service.env, check=False, timeout=READY_SECONDS, stdin=subprocess.DEVNULL)

    def anchor_line(self):
        return self.service.call("GET", "/readyz")[1]["anchor"]

    def with_audit(self):
        path = os.path.join(self.service.folder, "audit.log")
        with open(self.service.config, "a", encoding="utf-8") as f:
            f.write(f"[audit]\nfile = {path}\n")
        return path

    def judged(self, path):
        """Why starts were refused, by the audit log."""
        with open(path, encoding="utf-8") as f:
            return [r["properties"]["failureDetails"] for r in map(json.loads, f) if r["operationName"] == "JudgeState"]

    def accept(self):
        state = self.adopt().stdout.split()[-1]
        done = self.adopt("--accept", state)
        self.assertEqual((0, "accepted"), (done.returncode, done.stdout.split()[-1]), done.stderr)


KIND = "kind = 'policy/SgxEnclave'"
EDITS = {  # of a store, by what was done to it
    "a provider's newest policy is taken away": [f"DELETE FROM record WHERE {KIND} AND version = 2"],
    "the newest record is an older one": [f"DELETE FROM record WHERE {KIND} AND version = 2",
                                          f"UPDATE record SET sequence = 1000 WHERE {KIND} AND version = 1"],
    "all of a provider is taken away": ["DELETE FROM record"],
    "two records have changed places": ["UPDATE record SET sequence = 1000 WHERE kind = 'policy/OpenEnclave'",
                                        f"UPDATE record SET sequence = 1001 WHERE {KIND} AND version = 1"],
    "a record's time is another": ["UPDATE record SET time = time + 1 WHERE kind = 'policy/OpenEnclave'"],
}


class File(AnchorCase):
    """The checkpoint in its file alone."""

    def setUp(self):
        self.set_up_store()

    def test_a_store_that_was_put_back_or_edited(self):
        before = self.checkpoint()
        self.assertEqual(before["size"], self.records())
        for name, statements in EDITS.items():
            with self.subTest(name):
                self.put_back(self.late)
                self.edit(*statements)
                self.refused("the store is refused: state.growth", "assayd adopt")
                self.serves_without()
        with self.subTest("the whole store is an older one"):
            self.put_back(self.early)
            self.refused("the store is refused: state.growth", f"Found {self.records()}, expected {before['size']}")
            self.serves_without()
        with self.subTest("what was there is there again"):
            self.put_back(self.late)
            self.assertEqual(200, self.starts())
            self.assertEqual(before, {**self.checkpoint(), "time": before["time"]})

    def test_an_older_record_that_an_index_gives(self):
        """Every record is where it was; but the question for the newest ones is answered from something else."""
        self.point_index_back(KIND, 2)
        said = self.refused("the store is refused: state.view", "Found 1, expected 0", "REINDEX")
        self.assertNotIn("state.growth", said)
        self.assertEqual(400, self.serves_without())  # by the older policy
        with sqlite3.connect(self.db) as db:
            db.execute("REINDEX")
        db.close()
        self.assertEqual(200, self.starts())

    def test_a_newer_record_that_an_index_hides(self):
        """The same while the service runs: what is not served is not signed for."""
        self.service.start()
        size = self.checkpoint()["size"]
        self.point_index_back(KIND, 3, "INSERT INTO record (provider, kind, version, time, body, hash, signer, caller, seal) SELECT provider, kind, 3, time, body, "
                                       f"hash, signer, caller, seal FROM record WHERE {KIND} AND version = 2")
        self.service.wait(lambda: "no newer checkpoint of the store: of 1 kinds of records another one is served than the newest (state.view)" in self.service.text())
        self.assertEqual(size, self.checkpoint()["size"])
        self.stop()

    def test_other_checkpoints(self):
        with open(self.note, "rb") as f:
            good = f.read()
        size = str(self.checkpoint()["size"]).encode()
        for what, bad, check in (("another size", good.replace(b"\n" + size + b"\n", b"\n1\n", 1), "state.signature"),
                                 ("another time", re.sub(rb"\ntime \d", b"\ntime 9", good), "state.signature"),
                                 ("another store's", good.replace(b"test.example", b"best.example"), "state.signature"),
                                 ("cut", good[:-20], "state.signature"), ("of nothing", b"", "state.shape"), ("half a line", good[:30], "state.shape")):
            with self.subTest(what):
                with open(self.note, "wb") as f:
                    f.write(bad)
                self.refused("the store is refused: " + check)
        # Whoever can take the file away too is not noticed: it takes a TPM, or a witness.
        os.remove(self.note)
        self.put_back(self.early)
        self.assertEqual(400, self.starts())

    def test_a_clock_that_was_ahead(self):
        """When the checkpoint was signed: by the core's own key, which the test makes from its root, as no clock can be turned here."""
        if MISSING:
            self.skipTest(f"python3-cryptography is needed: {MISSING}")
        with open(self.key_file(), encoding="utf-8") as f:
            root = bytes.fromhex(f.read().split()[-1])
        core = Log("test.example/records", hashlib.sha256(b"\0\0\0\1" + root + b"assay store checkpoint key 1").digest())
        with open(self.note, encoding="utf-8") as f:
            signed = f.read()

        def at(when):
            text = re.sub(r"(?m)^time \d+$", f"time {when}", signed.split("\n\n")[0]) + "\n"
            with open(self.note, "w", encoding="utf-8") as f:
                f.write(core.sign(text))

        at(self.checkpoint()["time"])
        with open(self.note, encoding="utf-8") as f:
            self.assertEqual(signed, f.read())  # it is the core's key
        at(int(time.time()) + 30)  # what setting a clock right may take back
        self.assertEqual(200, self.starts())
        ahead = int(time.time()) + 3600
        at(ahead)
        self.refused("the store is refused: state.time")
        self.assertEqual(ahead, self.checkpoint()["time"])
        self.accept()  # lowers it
        self.assertLessEqual(abs(self.checkpoint()["time"] - time.time()), READY_SECONDS)
        self.assertEqual(200, self.starts())

    def test_an_operator_accepts(self):
        audit = self.with_audit()
        self.put_back(self.early)
        self.refused("state.growth")
        shown = self.adopt()
        self.assertIn("0 of ", shown.stdout)
        self.refused("state.growth")  # to look changes nothing
        self.accept()
        self.assertEqual(self.records(), self.checkpoint()["size"])
        with open(audit, encoding="utf-8") as f:
            text = f.read()
        self.assertRegex(text, r'"operationName":"JudgeState".*state\.growth')
        self.assertRegex(text, r'"operationName":"AdoptState".*anchored anew')
        self.assertEqual(400, self.starts())  # the older policy is what was accepted

    def trigger(self, when, then):
        """What whoever writes the database does in the moment when a record gets its seal."""
        with sqlite3.connect(self.db) as db:
            db.execute(f"CREATE TRIGGER meanwhile AFTER UPDATE OF seal ON record WHEN {when} BEGIN {then}; END")
        db.close()

    def test_an_operator_accepts_what_was_shown(self):
        # A checkpoint is of that, and not of what came after it.
        self.edit("UPDATE record SET time = time + 1 WHERE kind = 'policy/OpenEnclave'")
        self.trigger("1", f"DELETE FROM record WHERE {KIND} AND version = 2")
        count = self.records()
        self.accept()
        self.assertEqual((count, count - 1), (self.checkpoint()["size"], self.records()))
        self.refused("the store is refused: state.growth")

        # Nor is what was changed meanwhile sealed: in another batch than the first.
        self.put_back(self.late)
        self.edit("UPDATE record SET time = time + 1 WHERE sequence = 1",
                  "INSERT INTO record (provider, kind, version, time, body, hash, signer, caller) WITH RECURSIVE n (v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n "
                  "WHERE v < 600) SELECT 'https://other.example', 'signers', v, 1, x'', x'', x'', x'' FROM n")
        self.trigger("new.sequence = 1", "UPDATE record SET body = x'00' WHERE kind = 'signers' AND version = 600")
        state = self.adopt().stdout.split()[-1]
        done = self.adopt("--accept", state)
        self.assertEqual(1, done.returncode)
        self.assertIn("the store was changed while it was accepted", done.stderr)
        with sqlite3.connect(self.db) as db:
            self.assertEqual((b"\0", b""), db.execute("SELECT body, seal FROM record WHERE kind = 'signers' AND version = 600").fetchone())
        db.close()
        self.refused("the store is refused: state.growth")

    def test_what_it_tells(self):
        self.service.start()
        self.assertRegex(self.service.text(), r"the store is anchored: \d+ records by \S+records.checkpoint, which no TPM counts; newest checkpoint found good")
        metrics = self.service.call("GET", "/metrics")[3].decode()
        self.assertIn(f"assay_anchored_records {self.records()}\n", metrics)
        size = self.checkpoint()["size"]
        self.put("OpenEnclave", DENY)
        self.service.wait(lambda: self.checkpoint()["size"] == size + 1)
        self.service.wait(lambda: f"assay_anchored_records {size + 1}\n" in self.service.call("GET", "/metrics")[3].decode())
        self.assertIn("assay_anchor_failures_total 0\n", self.service.call("GET", "/metrics")[3].decode())
        self.assertEqual("file", self.anchor_line())
        second = self.refused("is another process's", config=self.second_config())
        self.assertNotIn("anchored:", second)
        self.stop()

    def second_config(self):
        """On another port, over the same store and checkpoint."""
        with open(self.service.config, encoding="utf-8") as f:
            text = f.read()
        path = self.service.config + ".second"
        with open(path, "w", encoding="utf-8") as f:
            f.write(re.sub(r"^port = .*$", "port = 0", text, flags=re.M))
        return path

    def test_a_kill_at_any_moment(self):
        for i in range(6):
            self.service.start()
            self.put("SgxEnclave", PERMIT if i % 2 else DENY)
            self.put("OpenEnclave", PERMIT)
            time.sleep(i * 0.3)
            self.service.kill()
        self.assertEqual(200, self.starts())
        self.assertEqual(self.records(), self.checkpoint()["size"])  # a clean end leaves nothing behind it


class Seen(AnchorCase):
    more = {"server": {"listen": "0.0.0.0"}}

    def test_what_strangers_are_not_told(self):
        """What fails names files and machines: that is for this one."""
        address = machine_address()
        if not address:
            self.skipTest("this machine has no address but the loopback one")
        self.set_up_store()
        self.service.start()
        os.mkdir(self.note + ".next.new")
        self.put("OpenEnclave", DENY)
        self.service.wait(lambda: self.note in self.anchor_line())
        said = Door(self.service, self.service.port, address).call("GET", "/readyz")[1]["anchor"]
        self.assertRegex(said, f"^file; fails, seen at {MOMENT}$")
        os.rmdir(self.note + ".next.new")
        self.service.wait(lambda: "failed last" in self.anchor_line())
        self.stop()


class Counter(AnchorCase, swtpm.SwtpmCase):
    """The checkpoint in its file, and its number in a TPM."""

    def setUp(self):
        self.device = self.tpm()
        self.set_up_store(counter="tpm", counter_tpm=self.device.tcti)

    def value(self, index=INDEX):
        return int.from_bytes(self.device.nv_read(index), "big")

    def sealer(self, verb, value):
        """assay-sealer, as assayd asks it."""
        return [SEALER, "counter", verb, self.device.tcti, hex(INDEX), str(value), self.key_file()]

    def ask(self, verb, value=0):
        done = subprocess.run(self.sealer(verb, value), capture_output=True, text=True, env=self.service.env, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        there, in_force, number, name = done.stdout.split()
        return there == "1", in_force == "1", int(number), name

    def test_store_and_file_put_back_together(self):
        self.assertEqual(self.value(), self.checkpoint()["counter"])
        self.assertEqual((True, True, self.value()), self.ask("read")[:3])
        self.put_back(self.early, note=True)
        self.refused("the store is refused: state.counter", f"Found {self.checkpoint()['counter']}, expected {self.value()}")
        self.put_back(self.early)
        os.remove(self.note)
        self.refused("the store is refused: state.counter", "Found 0")
        self.serves_without()
        shutil.copy(os.path.join(self.late, "note"), self.note)
        self.refused("the store is refused: state.growth")
        self.put_back(self.late)
        self.assertEqual(200, self.starts())

    def test_a_counter_that_was_deleted(self):
        """It begins above its old value, and under another name: no way back, but the operator's."""
        value, name = self.value(), self.ask("read")[3]
        self.device.tool("tpm2_nvundefine", "-C", "o", hex(INDEX))
        self.refused("the store is refused: state.counter")
        there, _, again, other = self.ask("add", 0)
        self.assertTrue(there)
        self.assertGreater(again, value)
        self.assertNotEqual(name, other)
        self.refused("the store is refused: state.counter")
        self.accept()
        self.assertEqual(200, self.starts())
        self.assertGreater(self.checkpoint()["counter"], again)
        self.device.tool("tpm2_nvundefine", "-C", "o", hex(INDEX))
        self.device.nv_write(INDEX, b"of somebody else")
        self.refused("not a counter of this service", "counter_index")

    def test_each_step_of_a_checkpoint_that_was_cut_short(self):
        """The files as a kill behind each step leaves them: early is the note in force, late the one under way."""
        good, value = self.late, self.value()
        os.rename(self.note, self.note + ".next")  # counted, not yet in its place
        shutil.copy(os.path.join(self.early, "note"), self.note)
        self.assertEqual(200, self.starts())
        self.assertFalse(os.path.exists(self.note + ".next"))
        self.assertGreaterEqual(self.checkpoint()["counter"], value)

        # Written, and not counted: the next one of the service is kept from counting.
        self.service.start()
        self.device.stop()
        self.put("OpenEnclave", DENY)
        self.service.wait(lambda: "no newer checkpoint of the store: the counter of the TPM cannot be used" in self.service.text())
        self.service.kill()
        self.device.start()
        self.move_tpm()
        before, under_way = self.checkpoint(), self.checkpoint(self.note + ".next")
        self.assertEqual((before["counter"] + 1, before["size"] + 1), (under_way["counter"], under_way["size"]))
        self.assertEqual(before["counter"], self.value())
        with open(self.note + ".next", "rb") as f:
            note = f.read()
        for torn in (b"", note[:40], note[:-30]):  # not whole on the disk: it counts for nothing
            with self.subTest(len(torn)):
                with open(self.note + ".next", "wb") as f:
                    f.write(torn)
                self.assertEqual(before["counter"], self.value())
                self.put_back(good)
        self.put_back(good)  # a store without what is under way
        with open(self.note + ".next", "wb") as f:
            f.write(note)
        self.refused("the store is refused: state.growth")
        self.assertEqual(under_way["counter"], self.value())  # it is completed: what is signed for a value is in force, and nothing else

    def test_a_retry_lets_the_only_copy_alone(self):
        """The TPM counted, and its answer was lost: what is tried again is on the disk already, and the disk may take no more."""
        next_one, draft = self.note + ".next", self.note + ".next.new"
        self.service.start()
        self.device.stop()
        self.put("OpenEnclave", DENY)
        failure = "no newer checkpoint of the store: the counter of the TPM cannot be used"
        self.service.wait(lambda: failure in self.service.text())
        self.assertFalse(os.path.exists(draft))
        self.device.start()  # where the service does not find it
        before, note = self.checkpoint()["counter"], self.checkpoint(next_one)
        self.assertEqual(before + 1, self.ask("add", before)[2])
        os.mkdir(draft)  # as a disk that is full
        written = os.stat(next_one)
        self.service.wait(lambda: self.service.text().count(failure) >= 4)
        now = os.stat(next_one)
        self.assertEqual((written.st_ino, written.st_mtime_ns, written.st_ctime_ns), (now.st_ino, now.st_mtime_ns, now.st_ctime_ns))
        self.service.kill()
        self.move_tpm()
        os.rmdir(draft)
        self.assertEqual(200, self.starts())
        self.assertGreaterEqual(self.checkpoint()["counter"], note["counter"])
        self.assertEqual((self.records(), self.value()), (self.checkpoint()["size"], self.checkpoint()["counter"]))

    def test_a_disk_that_takes_nothing(self):
        """What was in force stays, and is gone on from once there is room."""
        self.service.start()
        before = self.checkpoint()
        os.mkdir(self.note + ".next.new")
        self.put("OpenEnclave", DENY)
        self.service.wait(lambda: re.search(r"no newer checkpoint of the store: .*\.next: ", self.service.text()))
        self.assertEqual((before, before["counter"]), (self.checkpoint(), self.value()))
        os.rmdir(self.note + ".next.new")
        self.service.wait(lambda: self.checkpoint()["size"] == before["size"] + 1)
        self.stop()

    def test_who_keeps_it_from_counting(self):
        """Everybody can lock the program; only who can open the key file keeps others off."""
        with open(SEALER, "rb") as program:
            fcntl.flock(program, fcntl.LOCK_EX)
            self.assertEqual(200, self.starts())
        with open(self.key_file(), "rb") as key:
            self.assertEqual(0o600, os.fstat(key.fileno()).st_mode & 0o777)
            fcntl.flock(key, fcntl.LOCK_EX)
            with subprocess.Popen(self.sealer("read", 0), stdout=subprocess.PIPE, env=self.service.env, text=True) as waits:
                time.sleep(1)
                self.assertIsNone(waits.poll())
                fcntl.flock(key, fcntl.LOCK_UN)
                self.assertTrue(waits.communicate()[0].startswith(f"1 1 {self.value()} "))

    def move_tpm(self):
        """A TPM that was started again has other ports."""
        with open(self.service.config, encoding="utf-8") as f:
            text = f.read()
        with open(self.service.config, "w", encoding="utf-8") as f:
            f.write(re.sub(r"^counter_tpm = .*$", f"counter_tpm = {self.device.tcti}", text, flags=re.M))

    def test_a_tpm_that_is_away(self):
        audit = self.with_audit()
        self.service.start()
        self.assertEqual("file, counter", self.anchor_line())
        before = self.checkpoint()
        self.device.stop()
        self.put("OpenEnclave", DENY)
        self.service.wait(lambda: "the counter of the TPM cannot be used" in self.service.text())
        self.service.wait(lambda: re.fullmatch(rf"file, counter; fails, seen at {MOMENT}: the counter of the TPM cannot be used: .*", self.anchor_line()))
        self.put("OpenEnclave", PERMIT)  # no write waits for it
        self.assertEqual(200, self.service.attest()[0])
        self.assertEqual(before, self.checkpoint())
        self.service.stop()
        self.assertEqual([], self.judged(audit))
        self.refused("the counter of the TPM cannot be used")
        self.assertRegex("\n".join(self.judged(audit)), "^the counter of the TPM cannot be used: .+$")
        self.device.start()
        self.move_tpm()
        self.assertEqual(200, self.starts())
        self.assertEqual((self.records(), self.value()), (self.checkpoint()["size"], self.checkpoint()["counter"]))

    def test_a_kill_at_any_moment(self):
        for i in range(6):
            self.service.start()
            self.put("SgxEnclave", PERMIT)
            self.put("OpenEnclave", PERMIT if i % 2 else DENY)
            time.sleep(i * 0.25)
            self.service.kill()
        self.assertEqual(200, self.starts())
        self.assertEqual((self.records(), self.value()), (self.checkpoint()["size"], self.checkpoint()["counter"]))

    def test_a_child_that_outlives_its_service(self):
        """A TPM that hangs: the service is killed while its child waits. The next one waits for that child, which still counts."""
        self.service.start()
        self.device.process.send_signal(signal.SIGSTOP)
        self.put("OpenEnclave", DENY)
        self.service.wait(lambda: os.path.exists(self.note + ".next"))
        time.sleep(0.5)
        self.service.kill()
        self.service.log = open(self.service.log_path, "wb")
        self.service.process = subprocess.Popen([self.service.program, "--config", self.service.config], stderr=self.service.log,
                                                stdin=subprocess.DEVNULL, env=self.service.env)
        time.sleep(1)
        self.assertNotIn("serving ", self.service.text())
        self.device.process.send_signal(signal.SIGCONT)
        self.service.wait(lambda: "serving " in self.service.text())
        self.stop()
        self.assertEqual((self.records(), self.value()), (self.checkpoint()["size"], self.checkpoint()["counter"]))


class WitnessCase(AnchorCase):
    """The checkpoint before a witness, which answers as C2SP's tlog-witness has it: the program of another floor, a real one."""

    def set_up_witness(self, **state):
        if MISSING:
            self.skipTest(f"python3-cryptography is needed: {MISSING}")
        self.set_up_store(**state)
        self.service.start()
        self.key = re.search(r"witnesses know the log of the store's records by (\S+)", self.service.text()).group(1)
        self.stop()
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.witness = Witness(self.folder, [self.key])
        self.addCleanup(self.witness.end)
        self.configure()

    def configure(self, **more):
        with open(self.service.config, encoding="utf-8") as f:
            text = re.sub(r"^witness\w* = .*\n", "", f.read(), flags=re.M)
        values = {"witness": self.witness.url, "witness_key": self.witness.key, "witness_ca": self.witness.ca, **more}
        with open(self.service.config, "w", encoding="utf-8") as f:
            f.write(text.replace("[state]\n", "[state]\n" + "".join(f"{k} = {v}\n" for k, v in values.items())))

    def count(self, outcome):
        return int(re.search(rf'assay_anchor_witness_total{{outcome="{outcome}"}} (\d+)', self.service.call("GET", "/metrics")[3].decode()).group(1))


class Witnessed(WitnessCase):
    def setUp(self):
        self.set_up_witness()

    def test_what_it_saw_is_not_taken_back(self):
        self.assertEqual(200, self.starts())
        self.service.start()
        self.assertIn("checkpoints are cosigned by witness.example/w1", self.service.text())
        self.put("OpenEnclave", DENY)
        self.service.wait(lambda: self.count("cosigned") >= 2)
        self.assertEqual(0, self.count("refused") + self.count("failed"))
        self.stop()
        grown = self.copy("grown")
        for name, note in (("late", True), ("early", True), ("late", False)):
            with self.subTest(name):  # with a checkpoint that fits it, or without any
                self.put_back(os.path.join(self.service.folder, name), note=note)
                if not note:
                    os.remove(self.note)
                self.refused("the store is refused: state.witness", "entries were taken away")
                self.assertEqual(note, os.path.exists(self.note))  # nothing is put in force that it does not cosign
                self.assertFalse(os.path.exists(self.note + ".next"))
                self.serves_without()
        self.put_back(self.late)
        self.edit("UPDATE record SET time = time + 1 WHERE sequence = 1",
                  "INSERT INTO record (provider, kind, version, time, body, hash, signer, caller, seal) SELECT provider, 'x', sequence, time, body, hash, "
                  "signer, caller, seal FROM record")
        self.refused("the store is refused: state.witness")  # longer, and another
        self.put_back(grown, note=True)
        self.assertEqual(200, self.starts())
        os.remove(self.note)  # what the witness knows is enough
        self.assertEqual(200, self.starts())

    def test_one_that_is_away(self):
        self.assertEqual(200, self.starts())
        port = self.witness.port
        self.witness.end()
        audit = self.with_audit()
        self.refused("nothing starts without the witness", "witness_absent = continue", f"localhost:{port}")
        self.assertRegex("\n".join(self.judged(audit)), f"^nothing starts without the witness .*localhost:{port}")
        self.configure(witness_absent="continue")
        self.service.start()
        self.assertRegex(self.anchor_line(), rf"^file, witness; fails, seen at {MOMENT}: .*localhost:{port}")
        self.assertIn("is not held to what its witness knows", self.service.text())
        self.put("OpenEnclave", DENY)
        self.service.wait(lambda: self.count("failed") >= 2)
        self.assertEqual(200, self.service.attest()[0])
        self.witness.start(port)
        self.put("OpenEnclave", PERMIT)
        self.service.wait(lambda: self.count("cosigned") == 1)
        self.assertRegex(self.anchor_line(), rf"^file, witness; failed last at {MOMENT}: .*localhost:{port}")
        self.assertEqual(1, len(self.judged(audit)))
        self.stop()
        other = Witness(self.enterContext(tempfile.TemporaryDirectory()), [self.key], name="witness.example/w2")
        self.addCleanup(other.end)
        self.configure(witness_key=other.key)
        self.refused("no cosignature by the witness's key")

    def test_another_node_was_quicker(self):
        """The witness tells another size each time it is asked, as when others show it theirs: it is asked again."""
        self.assertEqual(200, self.starts())
        with WitnessBefore(self.witness, ["1", "2"]) as hurried:
            self.configure(witness=hurried.url)
            self.service.start()
            self.assertEqual(1, self.count("failed"))
            self.assertEqual(1, self.count("cosigned"))
            self.assertGreaterEqual(hurried.asked, 3)
            self.stop()


class WitnessBefore:
    """Tells each of the sizes once, then hands on to the real one."""

    def __init__(self, witness, sizes):
        tls, self.asked = ssl.create_default_context(cafile=witness.ca), 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked += 1
                status, answer = 409, f"{sizes[outer.asked - 1]}\n".encode() if outer.asked <= len(sizes) else b""
                if outer.asked > len(sizes):
                    try:
                        with urllib.request.urlopen(witness.url + self.path, body, timeout=30, context=tls) as real:
                            status, answer = real.status, real.read()
                    except urllib.error.HTTPError as error:
                        status, answer = error.code, error.read()
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class WitnessedAndCounted(WitnessCase, swtpm.SwtpmCase):
    def test_a_refused_start_changes_nothing(self):
        device = self.tpm()
        self.set_up_witness(counter="tpm", counter_tpm=device.tcti)
        self.assertEqual(200, self.starts())
        self.put_back(self.early)
        self.accept()  # by the operator, and the TPM counts it; a witness forgets nothing

        def left():
            with open(self.note, "rb") as f:
                return f.read(), device.nv_read(INDEX), sorted(os.listdir(os.path.dirname(self.note)))

        before = left()
        self.refused("the store is refused: state.witness", "entries were taken away")
        self.assertEqual(before, left())
        self.witness.end()
        self.refused("nothing starts without the witness")
        self.assertEqual(before, left())
        self.put_back(self.late)
        self.witness.start(self.witness.port)
        self.accept()
        self.assertEqual(200, self.starts())


class FirstStart(AnchorCase, swtpm.SwtpmCase):
    def test_a_counter_comes_later(self):
        """The setting is new for a store that has a checkpoint; and a kill before the first one that is counted leaves a counter alone."""
        device = self.tpm()
        self.set_up_store()
        self.assertNotIn("counter", self.checkpoint())
        with open(self.service.config, encoding="utf-8") as f:
            text = f.read()
        with open(self.service.config, "w", encoding="utf-8") as f:
            f.write(text.replace("[state]\n", f"[state]\ncounter = tpm\ncounter_tpm = {device.tcti}\n"))
        said = subprocess.run([SEALER, "counter", "add", device.tcti, hex(INDEX), "0", self.key_file()], capture_output=True, text=True, env=self.service.env, check=True).stdout
        self.assertTrue(said.startswith("1 0 "), said)
        self.assertEqual(200, self.starts())
        self.assertIn("counter", self.checkpoint())
        shutil.copy(os.path.join(self.late, "note"), self.note)
        self.refused("the store is refused: state.counter", "Found 0")  # one of before the counter
        self.accept()
        self.assertEqual(200, self.starts())


if __name__ == "__main__":
    unittest.main()
