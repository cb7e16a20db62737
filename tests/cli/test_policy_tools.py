"""What writers of policies use: format, the warnings of check, and test files."""
import collections
import json
import os
import re
import stat
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cli_case import DONE, MISUSE, REFUSED, ROOT, SHARED, CliCase, needs_corpus

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


MISSPELT = 'version=1.0;\nauthorizationrules{\n[type=="x-ms-sgx-svm"]=>deny();\n=>permit();};'
# Warnings about the published policies that parse, for the type that each is of; the others have none. Each was judged by
# hand: two rules of documentation that nothing feeds, one of them lost in a comment; claims that only the policy's author
# knew; names that nothing uses; policies for another type, and two that deny all.
PUBLISHED = {
    "doc-author-deny-all.txt": {"always-denied": 1},
    "doc-tpm-concepts-key-attestation.txt": {"unused-name": 9},
    "doc-tpm-windows-critical.txt": {"never-added": 1},
    "frag-v12-boot-manager-version.txt": {"never-added": 1},
    "doc-jwt-sgx-default-2020.txt": {"unused-name": 1},
    "ps-get-policy-tee-future.txt": {"unused-name": 1, "unknown-claim": 1},
    "gk-oe-custom-greg.txt": {"unused-name": 1, "unknown-claim": 1},
    "maa-signing-tool-deny-all.txt": {"always-denied": 1},
    "terraform-azurerm-test.txt": {"no-permit": 1, "unknown-claim": 1},
    "intel-ta-maa-adapter.txt": {"no-permit": 1, "unknown-claim": 2},
    "portal-script-vbs-with-sgx-config.txt": {"unknown-property": 1, "unknown-claim": 5},
    "imagebuilder-azurevm.txt": {"unknown-claim": 1},
    "illustrative-tdx-ai.txt": {"unknown-claim": 6, "unused-name": 3},
}


class Check(CliCase):
    def test_warnings(self):
        path = self.file("p.txt", MISSPELT)
        run = self.expect(DONE, "policy", "check", path)
        self.assertEqual(f'{path}:3:2: warning: no evidence proves "x-ms-sgx-svm", so the rule never fires; did you mean '
                         f'"x-ms-sgx-svn"? [unknown-claim]\n', run.err)
        self.assertEqual(f"{path}: a valid policy\n", run.out)
        self.assertEqual(run.err, self.expect(REFUSED, "policy", "check", path, "--strict").err)
        self.expect(DONE, "policy", "check", "--strict", self.file("q.txt", FORMATTED))

    def test_json(self):
        path = self.file("p.txt", MISSPELT)
        for options, status in (((), DONE), (("--strict",), REFUSED)):
            result = self.expect_json(status, "policy", "check", path, "--json", *options)
            warning, = result.pop("warnings")
            self.assertEqual({"verdict": "accepted", "error": None}, result)
            self.assertIn("x-ms-sgx-svm", warning.pop("message"))
            self.assertEqual({"line": 3, "column": 2, "id": "unknown-claim"}, warning)
        result = self.expect_json(REFUSED, "policy", "check", self.file("p.txt", "oops"), "--json")
        self.assertEqual([], result["warnings"])
        self.assertEqual([], self.expect_json(DONE, "policy", "check", self.file("p.txt", FORMATTED), "--json")["warnings"])

    def test_type(self):
        path = self.file("p.txt", 'version=1.0;authorizationrules{[type=="secureboot",value==true]=>permit();};')
        self.expect(DONE, "policy", "check", path, "--strict")
        self.expect(DONE, "policy", "check", path, "--strict", "--type", "azureguest")
        self.assertIn("[unknown-claim]", self.expect(REFUSED, "policy", "check", path, "--strict", "--type", "SgxEnclave").err)
        self.assertIn("SgxEnclave?", self.expect(MISUSE, "policy", "check", path, "--type", "SgxEnclav").err)
        self.expect(MISUSE, "policy", "check", path, "--type", "zzzzzzzzzzzzzzzz")

    def test_names_of_the_text_do_not_steer_the_terminal(self):
        path = self.file("p.txt", 'version=1.0;authorizationrules{[type=="\033[2J"]=>deny();=>permit();};')
        run = self.expect(DONE, "policy", "check", path)
        self.assertNotIn("\033", run.err)
        self.assertIn("\\x1b[2J", run.err)

    def test_manual_page_explains_every_warning(self):
        page = (ROOT / "docs/man/assay-policy.1").read_text()
        help_page = self.expect(DONE, "policy", "check", "--help").out
        sources = "".join(path.read_text() for path in (ROOT / "src/policy").glob("lint*.c"))
        ids = set(re.findall(r'"((?:[a-z]+-[a-z]+)|overridden)"', sources))
        self.assertEqual(12, len(ids), ids)
        for word in ids:
            self.assertIn(f".It Li {word}\n", page)
            self.assertIn(word, help_page)

    def test_claims_of_evidence_are_known(self):
        """Whatever simulated evidence proves, a policy that asks for just that is without a warning."""
        for kind, type_ in (("sgx", "SgxEnclave"), ("oe", "OpenEnclave")):
            self.expect(DONE, "simulate", kind, "--kss", "-o", kind)
            evidence = self.dir / kind / ("quote.bin" if kind == "sgx" else "report.bin")
            proved = self.expect_json(DONE, "verify", evidence, "--collateral", f"{kind}/collateral", "--anchor",
                                      f"{kind}/anchor.pem", "--at", "2026-01-01T00:00:00Z", "--json")["claims"]
            seen = {name: value for name, value in proved.items() if isinstance(value, (bool, int, str))}
            for name in ("x-ms-sgx-ehd", "aas-ehd", "maa-ehd", "x-ms-sgx-tcbidentifier"):  # of the token alone
                seen.pop(name, None)
            self.assertGreater(len(seen), 9)
            rules = "".join(f"[type=={json.dumps(name)},value=={json.dumps(value)}]=>deny();" for name, value in seen.items())
            path = self.file("p.txt", "version=1.0;authorizationrules{=>permit();" + rules + "};")
            self.assertEqual("", self.expect(DONE, "policy", "check", path, "--strict", "--type", type_).err)

    @needs_corpus
    def test_published_policies(self):
        for path, kind in accepted():
            kind = {"Vbs": "VbsEnclave"}.get(kind, kind.split("/")[0])
            if kind == "CyResComponent":
                continue
            with self.subTest(path.name):
                warnings = self.expect_json(DONE, "policy", "check", path, "--type", kind, "--json")["warnings"]
                self.assertEqual(PUBLISHED.get(path.name, {}), dict(collections.Counter(w["id"] for w in warnings)))



POLICY = ('version=1.2;\nconfigurationrules{=>issueproperty(type="required_pcr_mask",value=15);};\nauthorizationrules{\n'
          '[type=="debug",value==true]=>deny();\n[type=="svn",value>=2]=>permit();};\n'
          'issuancerules{c:[type=="svn"]=>issue(claim=c);[type=="bad"]=>issue(type="x",value=NegateBool(1));};')
CASES = """# what we release to
policy p.txt
case good
claim debug = false
claim svn = 2
expect permit
expect issues svn = 2
expect issues nothing else
expect no debug
expect property required_pcr_mask = 15
case debugged
claims c.json
expect deny by line 4
expect message "=>deny()"
case old
claim svn = 1
expect deny
case broken
claim svn = 2 CustomClaim
claim bad = "a b \\" c" AttestationPolicy
expect error
expect message "NegateBool"
case locked
claim svn = 2 read-only
expect error
"""


class Cases(CliCase):
    def setUp(self):
        super().setUp()
        self.file("p.txt", POLICY)
        self.file("c.json", '[{"type":"debug","value":true},{"type":"svn","value":9}]')

    def test_all_hold(self):
        run = self.expect(DONE, "policy", "test", self.file("t.txt", CASES))
        names = ("good", "debugged", "old", "broken", "locked")
        self.assertEqual("".join(f"ok   {name}\n" for name in names) + "5 passed, 0 failed\n", run.out)
        self.assertEqual("", run.err)

    def test_the_example_of_the_manual_page(self):
        page = (ROOT / "docs/man/assay-policy.1").read_text()
        example = re.search(r"^policy .*?(?=^\.Ed)", page[page.index("\nA test file:"):], re.M | re.S).group(0)
        self.file("policy.txt", POLICY.replace("debug", "x-ms-sgx-is-debuggable").replace("svn", "x-ms-sgx-svn"))
        self.assertIn("3 passed, 0 failed", self.expect(DONE, "policy", "test", self.file("t.txt", example)).out)

    def test_each_expectation_can_fail(self):
        for line, wrong in (("expect permit", "expect deny"), ("expect permit", "expect error"),
                            ("expect issues svn = 2", "expect issues svn = 3"), ("expect issues svn = 2", "expect issues y = 2"),
                            ("expect issues svn = 2", 'expect issues svn = "2"'), ("expect issues svn = 2\n", ""),
                            ("expect no debug", "expect no svn"), ("mask = 15", "mask = 16"),
                            ("=>deny()", "=>permit()"), ("by line 4", "by line 3"), ("claim svn = 1", "claim svn = 2"), ("NegateBool", "JmesPath"),
                            ("2 read-only", "2")):
            self.assertIn(line, CASES)
            run = self.expect(REFUSED, "policy", "test", self.file("t.txt", CASES.replace(line, wrong)))
            self.assertIn("\n4 passed, 1 failed\n", run.out, wrong)
            self.assertEqual(1, run.out.count("FAIL "))
            self.assertRegex(run.out, r"  line \d+: expected .*, found (permit|deny|error) ")

    def test_json(self):
        result = self.expect_json(DONE, "policy", "test", self.file("t.txt", CASES), "--json")
        self.assertEqual((5, 0), (result["passed"], result["failed"]))
        self.assertEqual(["permit", "deny", "deny", "error", "error"], [c["decision"] for c in result["cases"]])
        result = self.expect_json(REFUSED, "policy", "test", self.file("t.txt", CASES.replace("by line 4", "by line 3")), "--json")
        self.assertEqual((4, 1), (result["passed"], result["failed"]))
        self.assertEqual({"name": "debugged", "line": 11, "result": "fail", "decision": "deny", "failed": None,
                          "failures": [{"line": 13, "expected": "deny by line 3"}]}, result["cases"][1])

    def test_syntax(self):
        head = "policy p.txt\ncase a\n"
        for text, line in (("", 0), ("policy p.txt", 1), ("case a\n", 1), ("policy p.txt\ncase", 2), ("expect permit", 1), (head, 2),
                           (head + "claim a = 1.5\n", 3), (head + "claim a 1\n", 3), (head + "claim a = x\n", 3),
                           (head + "claim a = 1 nobody\n", 3), (head + "claims nowhere\n", 3), (head + "expect maybe\n", 3),
                           (head + "expect permit\nexpect deny", 4), (head + "expect message 1", 3), (head + "oops", 3), (head + "expect deny by line x", 3), (head + "expect permit by line 1", 3),
                           (head + "claim \xff", 3),
                           (head + "expect issues a = ", 3), ("policy nowhere", 1)):
            path = self.file("t.txt", text)
            run = self.expect(MISUSE, "policy", "test", path)
            self.assertIn(f"{path}:{line}: ", run.err, text)
            self.assertEqual("", run.out)

    def test_a_policy_that_is_not_valid(self):
        self.file("p.txt", "oops")
        self.assertIn("p.txt:1:1: ", self.expect(REFUSED, "policy", "test", self.file("t.txt", CASES)).err)

    def test_bounds(self):
        self.expect(MISUSE, "policy", "test", self.file("t.txt", "#" * (1024 * 1024 + 1)))
        self.expect(MISUSE, "policy", "test", self.file("t.txt", "policy p.txt\n" + "case a\nexpect deny\n" * 4097))


EVIDENCE_POLICY = ('version=1.0;\nauthorizationrules{[type=="x-ms-sgx-is-debuggable",value==true]=>deny();=>permit();};\n'
                   'issuancerules{c:[type=="x-ms-sgx-svn"]=>issue(type="svn",value=c.value);};')


class EvidenceCases(CliCase):
    """Cases over evidence, in a folder of their own: what they name stands beside them."""

    def setUp(self):
        super().setUp()
        (self.dir / "cases").mkdir()
        self.file("cases/p.txt", EVIDENCE_POLICY)
        self.simulated = "evidence made/quote.bin --collateral made/collateral --anchor made/anchor.pem --at 2026-01-01T00:00:00Z"

    def simulate(self, *words):
        self.expect(DONE, "simulate", "sgx", "-o", "cases/made", *words)

    def cases(self, status, text, *words):
        return self.expect(status, "policy", "test", self.file("cases/t.txt", "policy p.txt\n" + text), *words)

    def test_evidence_of_files(self):
        self.simulate()
        run = self.cases(DONE, f"case good\n{self.simulated} --runtime-data made/runtime.bin\nexpect permit\nexpect issues svn = 2\nexpect issues nothing else\n"
                         f"case other data\n{self.simulated} --runtime-data made/anchor.pem\nexpect failed sgx.runtime_data\nexpect no svn\n"
                         f"case too late\n{self.simulated} --at 2036-01-01T00:00:00Z\nexpect failed intel.pck.validity\n")
        self.assertEqual("ok   good\nok   other data\nok   too late\n3 passed, 0 failed\n", run.out)
        self.assertEqual("", run.err)

    def test_a_quoted_word(self):
        self.simulate()
        (self.dir / "cases/made/quote.bin").rename(self.dir / "cases/made/a quote")
        quoted = self.simulated.replace("made/quote.bin", '"made/a quote"')
        self.cases(DONE, f"case good\n{quoted}\nexpect permit\n")

    def test_simulated_evidence(self):
        run = self.cases(DONE, "case good\nsimulate sgx\nexpect permit\ncase debug\nsimulate sgx --debug\nexpect deny by line 2\n"
                         "case report\nsimulate oe --kss\nexpect permit\ncase evidence\nsimulate oe --evidence\nexpect permit\n"
                         "case forged\nsimulate sgx --fault sgx.quote.signature\nexpect failed sgx.quote.signature\nexpect message \"quote is signed\"\n"
                         "case old\nsimulate sgx --status OutOfDate\nexpect failed intel.tcb.status\n"
                         "case other\nsimulate oe --fault oe.custom_claims\nexpect failed oe.custom_claims\n")
        self.assertIn("\n7 passed, 0 failed\n", run.out)

    def test_each_expectation_can_fail(self):
        for evidence, expectation, found in (
                ("sgx", "failed sgx.quote.signature", "permit"), ("sgx", "deny", "permit"), ("sgx --debug", "permit", "deny"),
                ("sgx --debug", "error", "deny"), ("sgx --fault sgx.quote.signature", "permit", "refused sgx.quote.signature failed: "),
                ("sgx --fault sgx.quote.signature", "deny", "refused sgx.quote.signature failed: "),
                ("sgx --fault sgx.quote.signature", "error", "refused sgx.quote.signature failed: "),
                ("sgx --fault sgx.quote.signature", "failed sgx.qe.signature", "refused sgx.quote.signature failed: "),
                ("sgx", 'permit\nexpect message "no such word"', "permit")):
            run = self.cases(REFUSED, f"case a\nsimulate {evidence}\nexpect {expectation}\n")
            self.assertTrue(run.out.startswith("FAIL a\n  line "), run.out)
            self.assertIn(f", found {found}", run.out)
            self.assertIn("\n0 passed, 1 failed\n", run.out)

    def test_an_error_of_the_policy(self):
        self.file("cases/p.txt", EVIDENCE_POLICY.replace("value=c.value", "value=NegateBool(c.value)").replace("1.0", "1.2"))
        self.cases(DONE, 'case a\nsimulate sgx\nexpect error\nexpect message "NegateBool"\n')

    def test_json(self):
        result = json.loads(self.cases(REFUSED, "case a\nsimulate sgx --fault sgx.quote.signature\nexpect permit\n"
                                       "case b\nsimulate sgx\nexpect permit\n", "--json").out)
        self.assertEqual([("refused", "sgx.quote.signature"), ("permit", None)], [(c["decision"], c["failed"]) for c in result["cases"]])
        self.assertEqual((1, 1), (result["passed"], result["failed"]))

    def test_what_cannot_be_run(self):
        for words, reason in (("evidence", "too few arguments"), ("evidence a b", "unexpected argument b"), ("evidence a --oops", "unknown option"),
                              ("evidence a --policy p.txt", "have no place"), ("evidence a --json", "have no place"),
                              ("evidence a --explain", "have no place"), ("evidence a --at never", "no time"),
                              ("simulate sgx -o there", "have no place"), ("simulate --list-faults sgx", "have no place"),
                              ("simulate pluton", "can be simulated"), ("simulate sgx --fault sgx.nothing", "--list-faults names those"),
                              ("evidence nowhere", "nowhere: No such file"), ("evidence p.txt --collateral nowhere", "nowhere: No such file"),
                              ("evidence p.txt --runtime-data nowhere", "cases/nowhere: No such file")):
            run = self.cases(MISUSE, f"case a\n{words}\nexpect permit\n")
            self.assertIn(reason, run.err, words)
            self.assertRegex(run.err, r"cases/t\.txt:3: (these words|this evidence) cannot be ")
            self.assertFalse((self.dir / "there").exists() or (self.dir / "cases/there").exists())

    def test_nothing_runs_before_all_was_read(self):
        run = self.cases(MISUSE, "case a\nsimulate sgx\nexpect permit\ncase b\nsimulate sgx --oops\nexpect permit\n")
        self.assertEqual("", run.out)

    def test_what_is_no_evidence(self):
        self.cases(DONE, "case a\nevidence p.txt\nexpect failed evidence.kind\n")


if __name__ == "__main__":
    unittest.main()
