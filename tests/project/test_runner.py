"""The runner counts what truly ran: it would be the first thing to hide a failure."""
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import textwrap
import unittest

from project import ROOT, ProjectCase


def load_runner():
    loader = importlib.machinery.SourceFileLoader("runner", str(ROOT / "tests/run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("runner", loader))
    loader.exec_module(module)
    return module


class Runner(ProjectCase):
    runner = load_runner()

    def counted(self, output, code):
        o = self.runner.Outcome("name", textwrap.dedent(output), code, 0.0)
        return o.passed, o.failed, o.skipped

    def test_passed_failed_skipped(self):
        self.assertEqual((1, 1, 2), self.counted("1..4\nok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP why\nnot ok 4 # SKIP d\n", 1))

    def test_reasons_of_skips(self):
        o = self.runner.Outcome("name", "1..2\n# SKIP one: no corpus\nnot ok 1 # SKIP one\nok 2 - two # SKIP no openssl\n", 0, 0.0)
        self.assertEqual(["one: no corpus", "no openssl"], o.reasons)

    def test_plan_may_stand_behind(self):
        self.assertEqual((2, 0, 0), self.counted("ok 1 - a\nok 2 - b\n1..2\n", 0))

    def test_plans_of_several_groups_add_up(self):
        self.assertEqual((2, 0, 0), self.counted("1..1\nok 1 - a\n1..1\nok 1 - b\n", 0))
        self.assertEqual((1, 1, 0), self.counted("1..1\nok 1 - a\n1..1\n", 0))

    def test_a_program_that_dies_has_failed(self):
        self.assertEqual((1, 1, 0), self.counted("1..3\nok 1 - a\n", -6))
        self.assertEqual((1, 1, 0), self.counted("1..1\nok 1 - a\n", -11))
        self.assertEqual((0, 2, 0), self.counted("1..1\nnot ok 1 - a\n", -9))

    def test_a_sanitizer_at_the_end_has_failed(self):
        self.assertEqual((1, 1, 0), self.counted("1..1\nok 1 - a\n==1==ERROR: LeakSanitizer: detected memory leaks\n", 1))

    def test_silence_has_failed(self):
        self.assertEqual((0, 1, 0), self.counted("", 0))
        self.assertEqual((0, 1, 0), self.counted("Traceback (most recent call last):\n", 1))

    def test_what_overruns_is_killed_with_its_children(self):
        job = self.runner.Job("slow", ["sh", "-c", "echo 1..1; sleep 600 & wait"], seconds=1)
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            shown, sys.stdout = sys.stdout, nowhere
            try:
                o = self.runner.run(job, self.runner.Screen())
            finally:
                sys.stdout = shown
        self.assertEqual((0, 1, 0), (o.passed, o.failed, o.skipped))
        self.assertIn("over its 1 seconds", o.output)
        self.assertLess(o.seconds, 60)

    def test_every_folder_of_tests_is_run(self):
        options = type("options", (), {"build": "", "long": False, "only": []})
        self.runner.programs, kept = (lambda *_: []), self.runner.programs
        try:
            commands = [" ".join(job.command) for job in self.runner.plan(options)]
        finally:
            self.runner.programs = kept
        for path in ROOT.glob("tests/*/test_*.py"):
            self.assertTrue(any(str(path) in command for command in commands), f"{path} is never run")

    def test_every_c_test_is_built(self):
        named = "".join((ROOT / "tests" / folder / "meson.build").read_text() for folder in ("unit", "vectors"))
        for path in ROOT.glob("tests/*/test_*.c"):
            self.assertIn(f"'{path.stem[len('test_'):]}'", named, f"{path} is in no meson.build")


class Tap(ProjectCase):
    def told(self, body):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "test_of_tap.py")
            with open(path, "w", encoding="utf-8") as f:
                f.write("import unittest\nclass T(unittest.TestCase):\n" + textwrap.indent(textwrap.dedent(body), "    "))
            run = subprocess.run([sys.executable, ROOT / "tests/tap.py", path], capture_output=True, text=True, check=False)
        return run.returncode, [line for line in run.stdout.splitlines() if not line.startswith("#")]

    def test_each_outcome(self):
        code, lines = self.told("""
            def test_a(self): pass
            def test_b(self): self.fail("so")
            @unittest.skip("not here")
            def test_c(self): pass
            def test_d(self): raise KeyError
            @unittest.expectedFailure
            def test_e(self): pass
        """)
        self.assertEqual(1, code)
        self.assertEqual(["ok 1 - T.test_a", "not ok 2 - T.test_b", "ok 3 - T.test_c # SKIP not here", "not ok 4 - T.test_d",
                          "not ok 5 - T.test_e", "1..5"], lines)

    def test_failed_subtests_are_one_failed_case(self):
        code, lines = self.told("""
            def test_a(self):
                for i in range(3):
                    with self.subTest(i=i):
                        self.assertEqual(1, i)
        """)
        self.assertEqual((1, ["not ok 1 - T.test_a", "1..1"]), (code, lines))

    def test_failed_set_up_is_a_failure(self):
        code, lines = self.told("""
            @classmethod
            def setUpClass(cls): raise OSError("no")
            def test_a(self): pass
        """)
        self.assertEqual(1, code)
        self.assertTrue(lines[0].startswith("not ok 1"))


if __name__ == "__main__":
    unittest.main()
