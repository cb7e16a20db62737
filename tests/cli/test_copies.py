"""Backups and migrations, by the programs as people run them: what comes out is what went in, damaged files change nothing, and what is
killed in the middle leaves nothing half."""
import hashlib
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from postgres import Postgres  # noqa: E402

BUILD = ROOT / os.environ.get("ASSAY_BUILD", "build/test")
ASSAY, ASSAYD = BUILD / "src/cli/assay", BUILD / "src/service/assayd"
COLUMNS = "sequence, provider, kind, version, time, body, hash, signer, caller, seal"
HEAD = b"assay backup 2\n"
KILLS = 40 if os.environ.get("ASSAY_LONG") else 6


def sealed(content):
    """A backup of this content, with the right digest."""
    return content + hashlib.sha256(content).digest()


class Copies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        cls.addClassCleanup(cls.server.remove)
        cls.databases = 0

    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="assay-copies-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def postgres(self):
        """An empty database."""
        type(self).databases += 1
        name = f"copy{self.databases}"
        self.server.make_database(name)
        return self.server.url(name)

    def sqlite(self, name):
        return f"sqlite:{self.dir}/{name}.db"

    def either(self, name):
        return (self.sqlite(name), self.postgres())

    def run_program(self, *command):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=300)
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def config(self, url):
        path = self.dir / f"{hashlib.sha256(url.encode()).hexdigest()[:8]}.conf"
        path.write_text(f"[store]\nurl = {url}\n", encoding="utf-8")
        return path

    def backup_command(self, verb, url, file):
        return [str(ASSAYD), verb, "--config", str(self.config(url)), str(file)]

    def backup(self, verb, url, file):
        return self.run_program(*self.backup_command(verb, url, file))

    def done(self, run, records):
        self.assertEqual((0, ""), (run.returncode, run.stderr))
        self.assertTrue(run.stdout.startswith(f"{records} records "), run.stdout)

    def refused(self, run, why):
        self.assertEqual((1, ""), (run.returncode, run.stdout), run.stderr)
        self.assertIn(why, run.stderr)

    def migrate(self, one, other):
        return self.run_program(ASSAY, "admin", "migrate", one, other)

    def fill(self, url, count, size=0):
        """Providers with histories, deletions, and bytes of every kind."""
        self.done(self.backup("restore", url, self.empty()), 0)  # makes the tables
        chance = random.Random(7)
        rows, versions = [], {}
        for sequence in range(1, count + 1):
            key = (f"https://p{chance.randrange(1 + count // 3)}.example", chance.choice(["provider", "policy/Tpm", "key é"]))
            versions[key] = versions.get(key, 0) + 1
            body = b"" if chance.randrange(4) == 0 else chance.randbytes(chance.randrange(200) + size)
            rows.append((sequence, *key, versions[key], -5 + sequence * 2**33, body, chance.randbytes(32), b"", b"\0caller\xff", chance.randbytes(64)))
        with sqlite3.connect(url.split(":", 1)[1]) as db:
            db.executemany(f"INSERT INTO record ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)", rows)
        db.close()
        return count

    def empty(self):
        path = self.dir / "empty.backup"
        path.write_bytes(sealed(HEAD + b"e" + bytes(8)))
        return path

    def content(self, url):
        """Through a backup, which is the same bytes for the same records."""
        path = self.dir / "content"
        path.unlink(missing_ok=True)
        self.assertEqual(0, self.backup("backup", url, path).returncode)
        return path.read_bytes()

    def count(self, url):
        return int.from_bytes(self.content(url)[-40:-32], "little")

    def test_there_and_back(self):
        first = self.sqlite("first")
        n = self.fill(first, 700)
        before = self.content(first)
        second, third = self.postgres(), self.sqlite("third")
        self.done(self.migrate(first, second), n)
        self.done(self.migrate(second, third), n)
        self.assertEqual(before, self.content(second))
        self.assertEqual(before, self.content(third))
        with sqlite3.connect(first[7:]) as a, sqlite3.connect(third[7:]) as b:
            query = f"SELECT {COLUMNS} FROM record ORDER BY sequence"
            self.assertEqual(a.execute(query).fetchall(), b.execute(query).fetchall())
        a.close()
        b.close()
        for url in self.either("restored"):
            file = self.dir / "a.backup"
            file.write_bytes(before)
            self.done(self.backup("restore", url, file), n)
            self.assertEqual(before, self.content(url))
            for again in (self.backup("restore", url, file), self.migrate(first, url)):
                self.refused(again, f"the store is not empty: it holds {n} records")
            self.assertEqual(before, self.content(url))

    def test_the_file_is_private_and_new(self):
        url, file = self.sqlite("a"), self.dir / "a.backup"
        self.fill(url, 3)
        self.done(self.backup("backup", url, file), 3)
        self.assertEqual(0o600, stat.S_IMODE(file.stat().st_mode))
        self.assertEqual(hashlib.sha256(file.read_bytes()[:-32]).digest(), file.read_bytes()[-32:])
        before = file.read_bytes()
        self.refused(self.backup("backup", url, file), "exists already")
        self.assertEqual(before, file.read_bytes())
        self.refused(self.backup("backup", url, self.dir / "no/such/folder"), "No such file")
        self.assertEqual([], list(self.dir.glob("*part*")))

    def test_a_full_disk_leaves_nothing(self):
        url = self.sqlite("a")
        self.fill(url, 50, 100000)
        command = " ".join(self.backup_command("backup", url, self.dir / "the-backup"))
        self.refused(self.run_program("sh", "-c", f"trap '' XFSZ; ulimit -f 64; exec {command}"), "File too large")
        self.assertEqual([], [p.name for p in self.dir.iterdir() if p.name.startswith("the-backup")])

    def test_damaged_files_change_nothing(self):
        source, file = self.sqlite("source"), self.dir / "bad.backup"
        self.fill(source, 4)
        good = self.content(source)
        targets = self.either("target")
        chance = random.Random(1)

        def bad(content, why, targets=targets[:1]):
            file.write_bytes(content)
            for target in targets:
                self.refused(self.backup("restore", target, file), why)

        for at in chance.sample(range(len(HEAD), len(good)), 25):
            bad(good[:at] + bytes([good[at] ^ (1 << chance.randrange(8))]) + good[at + 1:], "")  # whatever is seen first
        for n in [*chance.sample(range(len(good)), 15), len(good) - 1]:
            bad(good[:n], "the backup is damaged")
        bad(good + b"\0", "something stands behind its end", targets)
        bad(good[:-33] + good[-33:-32] + bytes(32), "its digest is not that of its content", targets)
        bad(sealed(good[:-40] + bytes(8)), "its digest is not that of its content", targets)  # of another count
        bad(sealed(HEAD.replace(b"2", b"3") + b"anything"), "written by a newer release")
        bad(b"x" * 100, "this is no backup")
        # Well formed, but not what a store can have written: the second record without the first, a version left out.
        record = lambda sequence, version: b"r" + sequence.to_bytes(8, "little") + version.to_bytes(8, "little") + bytes(8) + (
            b"\1\0\0\0a" * 2 + bytes(20))
        end = lambda n: b"e" + n.to_bytes(8, "little")
        bad(sealed(HEAD + record(2, 1) + end(1)), "some are missing", targets)
        bad(sealed(HEAD + record(1, 1) + record(2, 3) + end(2)), "some are missing", targets)
        bad(sealed(HEAD + record(1, 1)[:-16] + b"\xff" * 16 + end(1)), "longer than any can be")
        for target in targets:
            self.assertEqual(0, self.count(target))
            file.write_bytes(sealed(HEAD + record(1, 1) + record(2, 2) + end(2)))
            self.done(self.backup("restore", target, file), 2)

    def killed(self, command, longest):
        """Ended somewhere in the middle, or not."""
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        time.sleep(random.uniform(0, longest))
        process.kill()
        return process.wait() != 0

    def whole_or_nothing(self, command_for, target, n, again):
        """Kills a run again and again; there is nothing until one was quick enough, and then it works."""
        killed, longest = 0, 0.5
        for _ in range(KILLS):
            if not self.killed(command_for, longest):
                break
            killed += 1
            found = self.count(target)
            self.assertIn(found, (0, n))
            if found == n:
                return killed
        else:
            self.done(self.run_program(*command_for), n)
        self.assertEqual(again, self.content(target))
        return killed

    def test_kill_in_the_middle_leaves_nothing_half(self):
        source, file = self.sqlite("source"), self.dir / "source.backup"
        n = self.fill(source, 6000, 400)
        good = self.content(source)
        file.write_bytes(good)
        killed = 0
        for name, target in zip(("a", "b"), self.either("restored")):
            with self.subTest(restore=name):
                killed += self.whole_or_nothing(self.backup_command("restore", target, file), target, n, good)
        for name, target in zip(("a", "b"), self.either("moved")):
            with self.subTest(migrate=name):
                killed += self.whole_or_nothing([str(ASSAY), "admin", "migrate", source, target], target, n, good)
        self.assertGreater(killed, 0)
        copy = self.dir / "killed.backup"
        for _ in range(KILLS):
            self.killed(self.backup_command("backup", source, copy), 0.3)
            if copy.exists():
                self.assertEqual(good, copy.read_bytes())
                copy.unlink()

    def test_misuse(self):
        url = self.sqlite("a")
        for words in ([], ["--config", "x"], ["file"], ["--config", "x", "a", "b"], ["--no", "x"]):
            self.assertEqual(1, self.run_program(ASSAYD, "backup", *words).returncode, words)
        self.assertIn("assayd restore", self.run_program(ASSAYD, "restore", "--help").stdout)
        self.refused(self.run_program(ASSAYD, "backup", "--config", "/no/such", "x"), "cannot read /no/such")
        self.refused(self.backup("restore", url, self.dir / "none"), "cannot read")
        self.refused(self.migrate(url, "paper:x"), "no such kind of store")
        self.refused(self.migrate(url, "postgresql://u:secret@localhost/x"), "a password may stand neither")
        self.refused(self.migrate(url, f"postgresql://127.0.0.1:{self.server.dead_port}/x"), "does not answer")


if __name__ == "__main__":
    unittest.main()
