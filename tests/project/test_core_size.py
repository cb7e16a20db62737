"""What runs behind the sandbox: its system calls, code, source lines and libraries, printed, and as SECURITY.md has them. Lists must be the
same; figures may be off by a quarter before somebody must look at them."""
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from project import ROOT, SRC, ProjectCase, text

RELEASE = Path(os.environ.get("ASSAY_RELEASE") or "build/release").resolve()
PROGRAMS = ("verifier", "signer")
TOLERANCE = 0.25


def calls(program):
    """Those that the table allows; what it refuses with an error is none."""
    table = re.search(rf"struct call_row {program}_rows\[\] = \{{(.*?)^\}};", text(SRC / "core/confine_calls.c"), re.M | re.S).group(1)
    return sorted(set(re.findall(r"\bALLOW\w*\(\s*\"(\w+)\"", table)))


def row(program):
    found = re.search(rf"^\| `assay-{program}` \|(.*)\|$", text(ROOT / "SECURITY.md"), re.M)
    return [cell.strip() for cell in found.group(1).split("|")]


def run(*command):
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


class Calls(ProjectCase):
    def test_lists(self):
        for program in PROGRAMS:
            with self.subTest(program):
                print(f"# assay-{program} may call: {' '.join(calls(program))}")
                self.assertGreater(len(calls(program)), 8)
                self.assertEqual(" ".join(calls(program)), row(program)[0])

    def test_every_row_has_its_reason(self):
        source = text(SRC / "core/confine_calls.c")
        for kind in ("verifier", "signer", "host"):
            table = re.search(rf"struct call_row {kind}_rows\[\] = \{{(.*?)^\}};", source, re.M | re.S).group(1)
            names = re.findall(r"\w+\(\s*\"\w+\",", table)
            self.assertEqual(len(names), len(re.findall(r"\w+\(\s*\"\w+\",\s*\"[^\"]{5,}\"", table)))


@unittest.skipUnless((RELEASE / "src/core/assay-signer").exists(), f"no release build in {RELEASE.name}: ./dev test makes one")
@unittest.skipUnless(shutil.which("readelf") and shutil.which("size"), "no readelf or size (binutils)")
class Code(ProjectCase):
    def path(self, program):
        return RELEASE / f"src/core/assay-{program}"

    def near(self, figure, written):
        self.assertLessEqual(abs(figure - written), TOLERANCE * figure, f"SECURITY.md says {written}, it is {figure}")

    def test_code(self):
        for program in PROGRAMS:
            with self.subTest(program):
                size = int(run("size", self.path(program)).splitlines()[1].split()[0]) / 1024
                print(f"# assay-{program}: {size:.0f} KiB of code")
                self.near(size, int(row(program)[2].split()[0]))

    def test_source_lines(self):
        for program in PROGRAMS:
            with self.subTest(program):
                names = set(re.findall(r"\bFILE\s+LOCAL\s+DEFAULT\s+ABS (\w+\.c)$", run("readelf", "-W", "-s", self.path(program)), re.M))
                lines = sum(len(text(p).splitlines()) for p in SRC.rglob("*.c") if p.name in names
                            and p.relative_to(SRC).parts[0] not in ("service", "simulate", "cli", "agent", "store", "arm", "net"))
                print(f"# assay-{program}: {lines} source lines in {len(names)} files")
                self.assertGreater(len(names), 20)
                self.near(lines, int(row(program)[1]))

    def test_libraries(self):
        for program in PROGRAMS:
            with self.subTest(program):
                found = sorted(re.findall(r"\(NEEDED\).*\[(lib[\w-]+)\.so", run("readelf", "-W", "-d", self.path(program))))
                print(f"# assay-{program} is linked to: {' '.join(found)}")
                self.assertEqual(" ".join(found), row(program)[3])

    def test_the_signer_has_no_parser_of_evidence(self):
        names = run("readelf", "-W", "-s", self.path("signer"))
        for file in ("sgx.c", "tdx.c", "snp.c", "tpm.c", "event_log.c", "json_parse.c", "lexer.c", "cose.c"):
            self.assertNotRegex(names, rf"\bABS {file}\b")


if __name__ == "__main__":
    unittest.main()
