"""Release binaries are built so that a memory error is hard to use, and hold nothing of the test builds: read from the binaries."""
import os
import platform
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from project import ProjectCase

RELEASE = Path(os.environ.get("ASSAY_RELEASE") or "build/release").resolve()
PROGRAMS = ("src/cli/assay", "src/service/assayd", "src/service/assay-witness", "src/core/assay-verifier", "src/core/assay-signer", "src/sealer/assay-sealer")


def readelf(program, *options):
    return subprocess.run(["readelf", "-W", *options, RELEASE / program], capture_output=True, check=True, text=True).stdout


@unittest.skipUnless((RELEASE / PROGRAMS[0]).exists(), f"no release build in {RELEASE.name}: ./dev test makes one")
@unittest.skipUnless(shutil.which("readelf"), "no readelf (binutils)")
class Hardening(ProjectCase):
    def test_position_independent(self):
        for program in PROGRAMS:
            with self.subTest(program):
                self.assertRegex(readelf(program, "-h"), r"Type:\s+DYN \(Position-Independent Executable file\)")
                self.assertRegex(readelf(program, "-d"), r"FLAGS_1.*\bPIE\b")

    def test_relocations_are_read_only_from_the_start(self):
        for program in PROGRAMS:
            with self.subTest(program):
                self.assertIn("GNU_RELRO", readelf(program, "-l"))
                self.assertRegex(readelf(program, "-d"), r"\(FLAGS\).*BIND_NOW|\(FLAGS_1\).*\bNOW\b|\(BIND_NOW\)")

    def test_stack_is_not_executable(self):
        for program in PROGRAMS:
            with self.subTest(program):
                self.assertRegex(readelf(program, "-l"), r"GNU_STACK(\s+0x[0-9a-f]+){5}\s+RW\s")

    def test_no_segment_is_writable_and_executable(self):
        for program in PROGRAMS:
            with self.subTest(program):
                self.assertNotRegex(readelf(program, "-l"), r"LOAD.*\bRWE\b")

    def test_stack_protector(self):
        for program in PROGRAMS:
            with self.subTest(program):
                self.assertIn("__stack_chk_fail", readelf(program, "--dyn-syms"))

    def test_fortified(self):
        for program in PROGRAMS:
            with self.subTest(program):
                symbols = readelf(program, "--dyn-syms")
                self.assertRegex(symbols, r"\b__(v?s?n?f?printf|mem\w+|str\w+|read)_chk\b")

    @unittest.skipUnless(platform.machine() in ("x86_64", "AMD64"), "control-flow enforcement of x86-64 processors")
    def test_return_addresses_are_guarded(self):
        for program in PROGRAMS:
            with self.subTest(program):
                self.assertRegex(readelf(program, "-n"), r"x86 feature:.*\bSHSTK\b")

    @unittest.skipUnless(platform.machine() in ("x86_64", "AMD64"), "control-flow enforcement of x86-64 processors")
    def test_functions_begin_where_calls_may_land(self):
        for program in PROGRAMS:
            with self.subTest(program):
                address = re.search(r"^\s*\d+: ([0-9a-f]+)\s+\d+ FUNC\s+GLOBAL\s+DEFAULT\s+\d+ main$", readelf(program, "-s"), re.M)
                self.assertTrue(address, "a release build is not stripped before it is installed")
                at = int(address.group(1), 16)
                for line in readelf(program, "-l").splitlines():
                    found = re.match(r"\s+LOAD\s+(0x[0-9a-f]+) (0x[0-9a-f]+) 0x[0-9a-f]+ (0x[0-9a-f]+)", line)
                    offset, start, size = (int(g, 16) for g in found.groups()) if found else (0, 0, 0)
                    if start <= at < start + size:
                        code = (RELEASE / program).read_bytes()[offset + at - start:][:4]
                self.assertEqual("f30f1efa", code.hex(), "main does not begin with endbr64")

    def test_the_tpm_is_the_guests_alone(self):
        """tpm2-tss loads drivers by name and speaks to devices: `assay` needs it in guests, assay-sealer to keep the root key, the service
        itself never (its readers of TPM structures are in libtss2-mu, which does neither). So with modules of tokens, which p11-kit loads."""
        for program in PROGRAMS:
            with self.subTest(program):
                needed = readelf(program, "-d")
                linked = re.findall(r"\(NEEDED\).*\[libtss2-(\w+)", needed)
                self.assertEqual(program == "src/sealer/assay-sealer", "[libp11-kit" in needed)
                if program in ("src/cli/assay", "src/sealer/assay-sealer"):
                    self.assertLessEqual({"esys", "tctildr", "rc"}, set(linked))
                else:
                    self.assertLessEqual(set(linked), {"mu"})

    def test_nothing_of_the_test_builds(self):
        for program in PROGRAMS:
            with self.subTest(program):
                data = (RELEASE / program).read_bytes()
                self.assertNotIn(b"ASSAY_MUTANT", data, "a check could be made to answer yes")
                self.assertNotIn(b"__asan_", data)
                self.assertNotIn(b"__ubsan_", data)


if __name__ == "__main__":
    unittest.main()
