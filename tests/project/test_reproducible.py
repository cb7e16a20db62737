"""The same sources give the same core: built again in another folder, of another depth and without a cache, verifier and signer have the bytes
of the release build. Their SHA-256 is how software names the core's measurement (docs/operation.md)."""
import hashlib
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from project import ROOT, ProjectCase

RELEASE = Path(os.environ.get("ASSAY_RELEASE") or "build/release").resolve()
PROGRAMS = ("src/core/assay-verifier", "src/core/assay-signer")
RELEASE_OPTIONS = "-Doptimization=2 -Ddebug=false -Dtests=false"


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@unittest.skipUnless((RELEASE / PROGRAMS[0]).exists(), f"no release build in {RELEASE.name}: ./dev test makes one")
@unittest.skipUnless(shutil.which("git"), "no git, which tells what belongs to the sources")
class Reproducible(ProjectCase):
    def test_another_folder_gives_the_same_core(self):
        options = (RELEASE / "options").read_text().split() if (RELEASE / "options").exists() else []
        compiler = options[0].removeprefix("CC=") if options else "cc"
        self.assertIn(" ".join(options[1:]), (RELEASE_OPTIONS, ""), "./dev builds releases with other options than this test")
        folder = Path(tempfile.mkdtemp(prefix="assay-again-"))
        self.addCleanup(shutil.rmtree, folder, True)
        sources = folder / "a/longer/way/to/the/sources"
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
        for name in filter(None, names):
            if (ROOT / name).exists():
                (sources / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, sources / name)
        env = dict(os.environ, CC=compiler, CCACHE_DISABLE="1", LC_ALL="C", TZ="Pacific/Auckland", SOURCE_DATE_EPOCH="")
        env.pop("SOURCE_DATE_EPOCH")
        for command in (["meson", "setup", "build/release", *RELEASE_OPTIONS.split()], ["ninja", "-C", "build/release", *PROGRAMS]):
            done = subprocess.run(command, cwd=sources, env=env, capture_output=True, text=True, check=False)
            self.assertEqual(0, done.returncode, done.stdout[-3000:] + done.stderr[-3000:])
        for program in PROGRAMS:
            again = sources / "build/release" / program
            print(f"# {Path(program).name} sha256 {digest(again)}")
            self.assertEqual(digest(RELEASE / program), digest(again), f"{program}: other bytes than {RELEASE.name}'s; is that one up to date?")

    def test_no_folder_is_named_in_it(self):
        for program in PROGRAMS:
            with self.subTest(program):
                data = (RELEASE / program).read_bytes()
                for place in {str(ROOT), str(RELEASE), os.path.expanduser("~") + "/"}:
                    self.assertNotIn(place.encode(), data)


if __name__ == "__main__":
    unittest.main()
