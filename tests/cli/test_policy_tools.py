"""What writers of policies use: format, the warnings of check, and test files."""
import os
import stat
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cli_case import DONE, MISUSE, REFUSED, SHARED, CliCase, needs_corpus

FORMATTED = 'version=1.0;\n\nauthorizationrules {\n    // all\n    => permit();\n};\n'
CRAMPED = 'Version=1.0;authorizationrules{\n// all\n=>permit();};'


def accepted():
    """The published policies that parse: their paths and the types they are for."""
    rows = [line.split("\t") for line in (SHARED / "corpus/policies/MANIFEST.tsv").read_text().splitlines()]
    names = {name: i for i, name in enumerate(rows[0])}
    return [(SHARED / "corpus/policies" / row[names["file"]], row[names["attestation_type"]])
            for row in rows[1:] if row[names["expect"]] == "accept"]


class Format(CliCase):
    def test_prints_and_says_that_the_hash_changes(self):
        path = self.file("p.txt", CRAMPED)
        run = self.expect(DONE, "policy", "format", path)
        self.assertEqual(FORMATTED, run.out)
        for text in (CRAMPED, FORMATTED):
            self.assertIn(self.expect(DONE, "policy", "hash", "-", stdin=text.encode()).out.strip(), run.err)
        self.assertEqual(CRAMPED, path.read_text())
        run = self.expect(DONE, "policy", "format", "-", stdin=FORMATTED.encode())
        self.assertEqual((FORMATTED, ""), (run.out, run.err))

    def test_write(self):
        path = self.file("p.txt", CRAMPED)
        path.chmod(0o640)
        link = self.dir / "link"
        link.symlink_to("p.txt")
        run = self.expect(DONE, "policy", "format", link, "--write")
        self.assertEqual("", run.out)
        self.assertIn("x-ms-policy-hash", run.err)
        self.assertTrue(link.is_symlink())
        self.assertEqual(FORMATTED, path.read_text())
        self.assertEqual(0o640, stat.S_IMODE(path.stat().st_mode))
        before = path.stat()
        self.assertEqual("", self.expect(DONE, "policy", "format", "-w", path).err)
        self.assertEqual(before.st_ino, path.stat().st_ino, "an unchanged file is left alone")
        self.assertEqual({"p.txt", "link"}, set(os.listdir(self.dir)))

    def test_check(self):
        path = self.file("p.txt", CRAMPED)
        run = self.expect(REFUSED, "policy", "format", "--check", path)
        self.assertIn(f"{path}: not formatted", run.err)
        self.assertEqual(("", CRAMPED), (run.out, path.read_text()))
        run = self.expect(DONE, "policy", "format", "--check", self.file("q.txt", FORMATTED))
        self.assertEqual(("", ""), (run.out, run.err))

    def test_refusals_leave_the_file(self):
        for text in ("version=1.0;\n oops", "", "\xff"):
            path = self.file("p.txt", text)
            before = path.read_bytes(), path.stat().st_ino
            refused = self.expect(REFUSED, "policy", "check", path).err
            for option in ((), ("--write",), ("--check",)):
                run = self.expect(REFUSED, "policy", "format", path, *option)
                self.assertEqual(("", refused), (run.out, run.err))
            self.assertEqual(before, (path.read_bytes(), path.stat().st_ino))

    def test_misuse(self):
        path = self.file("p.txt", CRAMPED)
        for args in ((), ("nowhere",), (path, "--write", "--check"), ("-", "--write"), (path, path), (".",)):
            self.expect(MISUSE, "policy", "format", *args, stdin=CRAMPED.encode())
        self.assertEqual(CRAMPED, path.read_text())

    def test_what_cannot_be_replaced(self):
        run = self.expect(MISUSE, "policy", "format", "-w", "/dev/stdin", stdin=CRAMPED.encode())
        self.assertIn("/dev/stdin: ", run.err)
        self.assertEqual("", run.out)

    @needs_corpus
    def test_published_policies(self):
        for path, _ in accepted():
            with self.subTest(path.name):
                once = self.expect(DONE, "policy", "format", path).stdout
                again = self.expect(DONE, "policy", "format", "-", stdin=once)
                self.assertEqual((once, ""), (again.stdout, again.err))
                self.assertEqual(path.read_text().count("//"), once.decode().count("//"))


if __name__ == "__main__":
    unittest.main()
