"""`assay audit verify` from outside, over logs that are written here by the rule of assay-audit(1)."""
import hashlib
import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cli_case import DONE, MISUSE, REFUSED, CliCase

START = "0" * 64


def log(count, value=START, first=""):
    """Lines of a log that goes on from a value."""
    lines = []
    for n in range(count):
        record = json.dumps({"n": n, "text": "\u00fc\"\\"})[:-1] + (first if n == 0 else "")
        value = hashlib.sha256((value + record).encode()).hexdigest()
        lines.append(f'{record},"chain":"{value}"}}\n')
    return lines


def last(lines):
    return json.loads(lines[-1])["chain"]


class AuditVerify(CliCase):
    def setUp(self):
        super().setUp()
        self.old = log(5)
        self.new = log(3, last(self.old), f', "previous": "{last(self.old)}"')
        self.files = [self.file("old", "".join(self.old)), self.file("new", "".join(self.new))]

    def test_whole(self):
        run = self.expect(DONE, "audit", "verify", *self.files)
        self.assertEqual(f"whole: 8 records in 2 files\nbegins   with the log\nlast     {last(self.new)}\n", run.out)
        self.assertEqual("", run.err)
        run = self.expect(DONE, "audit", "verify", self.files[1])
        self.assertIn(f"begins   {last(self.old)}\n", run.out)
        self.assertEqual({"whole": True, "files": 2, "records": 8, "recovered": 0, "after": START, "last": last(self.new)},
                         self.expect_json(DONE, "audit", "verify", "--json", *self.files))

    def test_a_value_kept_elsewhere(self):
        for kept, since in ((last(self.new), 0), (last(self.old), 3), (START, 8)):
            told = self.expect_json(DONE, "audit", "verify", "--json", "--expect", kept, *self.files)
            self.assertEqual(since, told["sinceExpected"])
        self.assertIn("3 records before the end", self.expect(DONE, "audit", "verify", "--expect", last(self.old), *self.files).out)
        cut = self.file("cut", "".join(self.new[:-1]))
        self.expect(DONE, "audit", "verify", self.files[0], cut)
        run = self.expect(REFUSED, "audit", "verify", "--expect", last(self.new), self.files[0], cut)
        self.assertIn("its end was cut off", run.err)
        self.assertEqual("", run.out)
        self.assertEqual(False, self.expect_json(REFUSED, "audit", "verify", "--json", "--expect", last(self.new), self.files[0], cut)["whole"])

    def test_not_whole(self):
        changed = self.file("changed", "".join(self.new).replace('"n": 1', '"n": 7'))
        run = self.expect(REFUSED, "audit", "verify", self.files[0], changed)
        self.assertIn("changed, line 2: the chain breaks here", run.err)
        self.assertEqual("", run.out)
        told = self.expect_json(REFUSED, "audit", "verify", "--json", self.files[0], changed)
        self.assertEqual((False, str(changed), 2, 6, last(self.new[:1])), (told["whole"], told["file"], told["line"], told["records"], told["last"]))
        self.assertIn("the chain breaks", told["reason"])
        run = self.expect(REFUSED, "audit", "verify", self.files[1], self.files[0])
        self.assertIn("old, line 1: the file begins a log of its own", run.err)
        torn = self.file("torn", "".join(self.old) + "torn")
        self.assertIn("torn, line 6: this is no whole record", self.expect(REFUSED, "audit", "verify", torn, self.files[1]).err)
        self.assertIn("torn, line 6: this is no whole record", self.expect(REFUSED, "audit", "verify", torn).err)
        noise = self.file("noise", b"\x1b[2J\x00" * 100000)
        self.assertNotIn("\x1b", self.expect(REFUSED, "audit", "verify", noise).err)

    def test_misuse(self):
        self.assertIn("hexadecimal digits", self.expect(MISUSE, "audit", "verify", "--expect", "ABC", *self.files).err)
        self.assertIn("nowhere", self.expect(MISUSE, "audit", "verify", self.files[0], "nowhere").err)
        self.expect(MISUSE, "audit", "verify", ".")
        self.expect(MISUSE, "audit", "verify")


if __name__ == "__main__":
    unittest.main()
