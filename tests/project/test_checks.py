"""The table of checks: ids that can be relied on, sentences that help, no row that nothing makes."""
import os
import re
import subprocess
import unittest

from project import ROOT, SRC, ProjectCase, checks, sources, text


class Samples(ProjectCase):
    def test_those_of_the_self_test_are_what_the_tool_makes(self):
        made = subprocess.run([os.path.join(os.environ.get("ASSAY_BUILD", "build/test"), "tools/selftest-sample")], capture_output=True,
                              check=True, text=True).stdout
        self.assertEqual(text(SRC / "core/selftest_sample.inc"), made)


class Checks(ProjectCase):
    def setUp(self):
        self.rows = checks()

    def test_every_row_is_read(self):
        raw = len(re.findall(r"^CHECK\(", text(SRC / "base/checks.def"), re.M))
        self.assertEqual(raw, len(self.rows))
        self.assertGreater(raw, 20)

    def test_ids_are_well_formed(self):
        self.none([i for _, i, *_ in self.rows if not re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,2}", i)],
                  "an id is a.b or a.b.c, of small letters, digits and _:")

    def test_ids_and_constants_are_unique(self):
        for column in (0, 1):
            names = [row[column] for row in self.rows]
            self.none([n for n in set(names) if names.count(n) > 1], "twice in the table:")

    def test_forms_are_known(self):
        self.none([row for row in self.rows if row[2] not in ("SHAPE", "PROOF", "BACKSTOP")], "unknown form:")

    def test_what_it_proves_and_the_remedy_are_sentences(self):
        # Names that begin with a small letter by right.
        named = ("runtimeData", "initTimeData", "draftPolicyForAttestation")
        found = []
        for _, name, _, proves, remedy in self.rows:
            for sentence in (proves, remedy):
                good = len(sentence.split()) >= 3 and sentence.endswith(".") and not sentence.endswith("..") and "  " not in sentence
                if not good or not (sentence[0].isupper() or sentence.startswith(named)):
                    found.append(f"{name}: {sentence}")
        self.none(found, "no sentence:")

    def test_proves_and_remedy_differ_between_rows(self):
        proves = [row[3] for row in self.rows]
        self.none([p for p in set(proves) if proves.count(p) > 1], "two checks prove the same:")

    def test_every_check_is_made(self):
        code = "\n".join(text(p) for p in sources("src"))
        words = set(re.findall(r"\w+", code))
        pasted = set(re.findall(r"\b\w+##_?(\w+)", code))  # ids made by a macro, as PREFIX##_SIGNATURE
        self.none([c for c, *_ in self.rows if c not in words and f"CHECK_{c}" not in words
                   and not any(c.endswith(tail) for tail in pasted)], "in the table, but nothing makes them:")

    def test_ids_in_texts_exist(self):
        known = {row[1] for row in self.rows}
        roots = {i.split(".")[0] for i in known} - {"request", "policy", "evidence"}  # words of their own elsewhere
        pattern = re.compile(r"`((?:%s)(?:\.[a-z_]+){1,2})`" % "|".join(sorted(roots)))
        found = [f"{p.relative_to(ROOT)}: {name}" for p in ROOT.glob("**/*.md") if "build" not in p.parts
                 for name in pattern.findall(text(p)) if name not in known and not re.search(r"\.(c|h|def|bin|json|ratio)$", name)]
        self.none(found, "checks that a document names and the table does not have:")


if __name__ == "__main__":
    unittest.main()
