"""assay-witness from outside: it answers as C2SP tlog-witness says, keeps what it cosigned whatever ends it, and never signs a fork."""
import base64
import hashlib
import os
import pwd
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    from witness_case import Log, Witness, cosigned_at
    MISSING = ""
except ImportError as error:
    MISSING = str(error)

TEXT, SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"


@unittest.skipIf(MISSING, f"python3-cryptography is needed: {MISSING}")
class WitnessCase(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="assay-test-witness-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.log, self.other = Log("log.example/1").grow(20), Log("log.example/2", seed=2).grow(20)
        self.witness = Witness(self.folder, [self.log.key, self.other.key])
        self.addCleanup(self.witness.end)

    def cosigned(self, old, size, extra="", log=None):
        log = log or self.log
        status, kind, lines = self.witness.submit(log.submission(old, size, extra))
        self.assertEqual((200, TEXT), (status, kind), lines)
        self.assertAlmostEqual(time.time(), cosigned_at(log.text(size, extra), lines, self.witness.key), delta=60)

    def test_it_cosigns_what_goes_on(self):
        self.cosigned(0, 0)
        self.cosigned(0, 3)
        self.cosigned(3, 3)
        self.cosigned(3, 17, "of the log's own\n")
        self.cosigned(17, 20)
        self.cosigned(0, 20, log=self.other)
        self.assertEqual((200, TEXT, self.witness.key + "\n"), self.witness.call("GET", "/key"))
        shown = self.witness.run("show")
        self.assertEqual(0, shown.returncode, shown.stderr)
        self.assertEqual({"log.example/1 20", "log.example/2 20"}, {line.rsplit(" ", 1)[0] for line in shown.stdout.splitlines()})

    def test_it_refuses_everything_else(self):
        self.cosigned(0, 7)
        good = self.log.submission(7, 20)
        fork = Log("log.example/1").grow(3).grow(20, "another")
        stranger = Log("log.example/3", seed=3).grow(3)
        note = self.log.note(20)
        for status, body in ((409, self.log.submission(0, 20)), (409, self.log.submission(3, 20)), (409, self.log.submission(8, 20)), (409, self.log.submission(0, 3)),
                             (409, fork.submission(7, 7)), (422, fork.submission(7, 20)), (422, f"old 7\n\n{note}"), (422, good.replace("old 7\n", "old 7\n" + "A" * 43 + "=\n")),
                             (400, self.log.submission(20, 7)), (404, stranger.submission(0, 3)), (403, self.log.submission(7, 20, signer=stranger)),
                             (403, good.replace("\n20\n", "\n19\n")), (400, ""), (400, "old 7\n"), (400, f"old 07\n\n{note}"), (400, f"old 7\n{note}"),
                             (400, "old 7\n" + ("A" * 43 + "=\n") * 64 + f"\n{note}"), (400, "old 7\n\n" + self.log.text(20)), (400, good.replace("\n", "\r\n")),
                             (413, "old 7\n\n" + note + "x" * 40000)):
            got = self.witness.submit(body)
            self.assertEqual(status, got[0], (body[:200], got))
            if status == 409:
                self.assertEqual((409, SIZE, "7\n"), got)
        self.assertEqual(1, self.witness.text().count("HAS SIGNED TWO HISTORIES of 7 entries: both are kept"))
        self.assertEqual(405, self.witness.call("GET", "/add-checkpoint")[0])
        self.assertEqual(404, self.witness.call("POST", "/other", b"")[0])
        self.cosigned(7, 20)  # nothing of that moved it

    def judged(self, note):
        """A note of the log's, by its own key: its size and root."""
        text, _, lines = note.partition("\n\n")
        line = lines.splitlines()[0]
        signature = base64.b64decode(line.split(" ")[2])[4:]
        self.log.private.public_key().verify(signature, f"{text}\n".encode())
        return text.splitlines()[:3]

    def test_a_fork_is_proved_by_one_file(self):
        self.cosigned(0, 7)
        forked = Log("log.example/1").grow(3).grow(20, "another")
        for _ in range(3):
            self.assertEqual((409, SIZE, "7\n"), self.witness.submit(forked.submission(7, 7)))
        self.cosigned(7, 20)  # growth leaves it as it is
        self.assertEqual((409, SIZE, "20\n"), self.witness.submit(forked.submission(20, 20)))
        self.assertEqual(1, self.witness.text().count("HAS SIGNED TWO HISTORIES of 7 entries: both are kept"))
        self.assertEqual(1, self.witness.text().count("HAS SIGNED TWO HISTORIES of 20 entries: both are kept"))
        name = hashlib.sha256(b"log.example/1").hexdigest()
        for size in (7, 20):
            with open(os.path.join(self.witness.state, f"{name}.{size}.fork"), encoding="utf-8") as f:
                parts = f.read().split("\n\n")
            self.assertEqual(4, len(parts))
            first, second = self.judged("\n\n".join(parts[:2])), self.judged("\n\n".join(parts[2:]))
            self.assertEqual([self.log.text(size).splitlines(), forked.text(size).splitlines()], [first, second])
            cosigned_at(self.log.text(size), parts[1].splitlines()[1] + "\n", self.witness.key)

    def test_a_proof_that_cannot_be_kept_is_told(self):
        self.cosigned(0, 7)
        name = hashlib.sha256(b"log.example/1").hexdigest()
        os.rename(os.path.join(self.witness.state, name), os.path.join(self.witness.state, name + ".aside"))
        self.assertEqual(409, self.witness.submit(Log("log.example/1").grow(20, "another").submission(7, 7))[0])
        self.assertIn("HAS SIGNED TWO HISTORIES of 7 entries; the proof is not kept: ", self.witness.text())

    def test_a_strangers_bad_proof_is_no_alarm(self):
        self.cosigned(0, 7)
        for size in (9, 20, 20, 9):  # checkpoints that are public, hashes that are not theirs
            self.assertEqual(422, self.witness.submit("old 7\n" + "A" * 43 + "=\n\n" + self.log.note(size))[0])
        for size in (9, 20):
            self.assertEqual(1, self.witness.text().count(f"of {size} entries, came with a proof that does not hold"))
        self.assertEqual(0, self.witness.text().count("HAS SIGNED"))
        self.assertNotIn("<3>", self.witness.text())
        self.assertNotIn("error", self.witness.text())
        self.cosigned(7, 20)

    def ended(self, s, seconds):
        """Has the witness closed it, within so long?"""
        s.settimeout(seconds)
        try:
            return s.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def test_one_address_does_not_hold_the_listener(self):
        held = []
        for _ in range(20):
            held.append(socket.create_connection(("127.0.0.1", self.witness.port), source_address=("127.0.0.2", 0)))
            self.addCleanup(held[-1].close)
        self.assertEqual([True] * 4, [self.ended(s, 5) for s in held[16:]])
        self.assertEqual([False] * 16, [self.ended(s, 0.05) for s in held[:16]])
        self.cosigned(0, 5)  # from another address
        held[0].close()  # its place is free again
        deadline = time.time() + 5
        while True:
            last = socket.create_connection(("127.0.0.1", self.witness.port), source_address=("127.0.0.2", 0))
            self.addCleanup(last.close)
            if not self.ended(last, 0.3):
                break
            self.assertLess(time.time(), deadline)

    def test_an_idle_connection_is_soon_ended(self):
        raw = socket.create_connection(("localhost", self.witness.port))
        s = ssl.create_default_context(cafile=self.witness.ca).wrap_socket(raw, server_hostname="localhost")
        self.addCleanup(s.close)
        s.sendall(b"GET /key HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertIn(b"200", s.recv(4096))
        began = time.time()
        s.settimeout(30)
        try:
            while s.recv(4096):
                pass
        except (ConnectionResetError, ssl.SSLEOFError):
            pass
        self.assertLess(time.time() - began, 10)

    def test_it_remembers_whatever_ends_it(self):
        size = 0
        for cycle in range(4):
            stop = threading.Event()
            reached = [size]

            def submit(reached=reached, stop=stop):
                while not stop.is_set() and reached[0] < 400:
                    self.log.grow(reached[0] + 1)
                    try:
                        status = self.witness.submit(self.log.submission(reached[0], reached[0] + 1))[0]
                    except OSError:
                        return  # it was killed; what it had answered counts
                    self.assertEqual(200, status)
                    reached[0] += 1
            thread = threading.Thread(target=submit)
            thread.start()
            time.sleep(0.2 + 0.1 * cycle)
            self.witness.end("kill")
            stop.set()
            thread.join(60)
            self.witness.start()
            status, _, body = self.witness.submit(Log("log.example/1").grow(reached[0] + 1, "fork").submission(0, reached[0] + 1))
            self.assertEqual((409, True), (status, int(body) in (reached[0], reached[0] + 1)), body)
            size = int(body)
            self.assertGreater(size, 0)
            self.log.grow(size)
            self.cosigned(size, size)

    def test_two_at_once_are_judged_in_turn(self):
        self.cosigned(0, 5)
        answers = []
        bodies = [Log("log.example/1").grow(5).grow(20, f"branch {i}").submission(5, 20) for i in range(8)]
        threads = [threading.Thread(target=lambda b=b: answers.append(self.witness.submit(b)[0])) for b in bodies]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual([200] + 7 * [409], sorted(answers))

    def test_its_key_and_its_folder_are_its_own(self):
        self.assertEqual(0o600, stat.S_IMODE(os.stat(self.witness.key_path).st_mode))
        self.cosigned(0, 5)
        second = subprocess.run(self.witness.arguments(), capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((1, True), (second.returncode, "another process writes it" in second.stderr), second.stderr)
        self.assertEqual(1, self.witness.run("forget", "log.example/1").returncode)  # while it runs
        key = self.witness.key
        self.assertEqual(0, self.witness.end())
        os.chmod(self.witness.key_path, 0o644)
        self.assertIn("its owner alone", subprocess.run(self.witness.arguments(), capture_output=True, text=True, timeout=60, check=False).stderr)
        os.rename(self.witness.key_path, self.witness.key_path + ".old")
        lost = subprocess.run(self.witness.arguments(), capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((2, True), (lost.returncode, "this folder was begun before" in lost.stderr), lost.stderr)
        os.replace(self.witness.key_path + ".old", self.witness.key_path)
        os.chmod(self.witness.key_path, 0o600)
        forgot = self.witness.run("forget", "log.example/1")
        self.assertEqual((0, True), (forgot.returncode, "had 5 entries" in forgot.stdout), forgot.stderr)
        self.assertEqual(1, self.witness.run("forget", "log.example/1").returncode)
        self.witness.start()
        self.assertEqual(key, self.witness.key)
        self.cosigned(0, 3)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_it_becomes_its_user(self):
        self.witness.end()
        os.chmod(self.folder, 0o711)
        own = os.path.join(self.folder, "own")
        os.mkdir(own)
        somebody = pwd.getpwnam("nobody")
        os.chown(own, somebody.pw_uid, somebody.pw_gid)
        self.witness.key_path, self.witness.state, self.witness.user = os.path.join(own, "key"), os.path.join(own, "state"), "nobody"
        self.witness.start()
        self.cosigned(0, 5)
        with open(f"/proc/{self.witness.process.pid}/status", encoding="utf-8") as f:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        self.assertEqual({str(somebody.pw_uid)}, set(fields["Uid"].split()))
        self.assertEqual({str(somebody.pw_gid)}, set(fields["Gid"].split()))
        self.assertEqual({somebody.pw_uid}, {os.stat(os.path.join(own, n)).st_uid for n in ("key", "state", *(f"state/{n}" for n in os.listdir(self.witness.state)))})
        if fields["Seccomp"] == "2":  # a release; builds with the address sanitizer become the user, and no more
            self.assertEqual({0}, {int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")})

    def refused(self, *more):
        done = subprocess.run([*self.witness.arguments(), *more], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(2, done.returncode, done.stderr)
        return done.stderr

    def test_a_lost_folder_stops_it(self):
        self.cosigned(0, 5)
        self.witness.end()
        state, aside = self.witness.state, self.witness.state + ".aside"
        os.rename(state, aside)
        self.assertIn("not the folder that this witness's key was used with", self.refused())
        self.assertFalse(os.path.exists(state))
        os.mkdir(state)  # where a volume would be
        self.assertIn("not the folder that this witness's key was used with", self.refused())
        self.assertEqual(2, self.witness.run("show").returncode)
        os.rmdir(state)
        os.rename(aside, state)
        # One file of it.
        path = next(os.path.join(state, n) for n in os.listdir(state) if len(n) == 64)
        os.rename(path, path + ".aside")
        self.assertIn("log.example/1", self.refused())
        os.rename(path + ".aside", path)
        third = Log("log.example/3", seed=3).grow(3)
        self.assertIn("log.example/3", self.refused("--log", third.key))
        done = self.witness.run("begin", "log.example/3")
        self.assertEqual(0, done.returncode, done.stderr)
        for words in (("begin",), ("begin", "log.example/3"), ("begin", "log.example/1")):
            self.assertIn("before", self.witness.run(*words).stderr)
        self.witness.logs.append(third.key)
        self.witness.start()
        self.cosigned(0, 3, log=third)
        self.cosigned(5, 7)

    def test_a_key_that_is_there_begins_a_folder_by_the_word_alone(self):
        self.witness.end()
        shutil.rmtree(self.witness.state)
        self.assertEqual(0, self.witness.run("begin").returncode)
        self.assertIn("log.example/1", self.refused())
        for log in (self.log, self.other):
            self.assertEqual(0, self.witness.run("begin", log.name).returncode)
        self.witness.start()
        self.cosigned(0, 3)

    def test_wrong_use_is_told(self):
        for words in ((), ("show",), ("forget", "x"), ("--key", "k", "--state", "s"), ("show", "x", "--key", "k", "--state", "s"),
                      ("begin", "x", "y", "--key", "k", "--state", "s")):
            done = subprocess.run([self.witness.arguments()[0], *words], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((1, True), (done.returncode, "usage:" in done.stderr), words)
        done = subprocess.run([self.witness.arguments()[0], "--help"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((0, True), (done.returncode, done.stdout.startswith("usage:")))
        broken = [a if not a.startswith("log.example/1") else "log.example/1+00000000+AAAA" for a in self.witness.arguments()]
        self.assertIn("neither the key of a log", subprocess.run(broken, capture_output=True, text=True, timeout=60, check=False).stderr)


if __name__ == "__main__":
    unittest.main()
