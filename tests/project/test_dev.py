"""`./dev run` as a new user sees it: a token on the screen with nothing else typed, and nothing left when it ends."""
import os
import queue
import signal
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from project import ROOT, ProjectCase

RELEASE = ROOT / "build/release"
READY_SECONDS = 120


def descendants(folder):
    """Processes whose command line names something below this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(folder) in command:
                found.append(command)
    return found


@unittest.skipUnless(os.environ.get("ASSAY_RELEASE") == str(RELEASE), "build/release is not this run's: ./dev test makes it")
class Run(ProjectCase):
    def run_dev(self, shared):
        """All that `./dev run` says until it serves; then Ctrl-C."""
        with tempfile.TemporaryDirectory(prefix="assay-dev-") as folder:
            env = dict(os.environ, ASSAY_SHARED=shared, ASSAY_STATE=f"{folder}/state")
            process = subprocess.Popen(["./dev", "run", "--port", "0"], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
            lines, said = queue.Queue(), []
            threading.Thread(target=lambda: [lines.put(line) for line in process.stdout] + [lines.put("")], daemon=True).start()
            try:
                while not said or "curl --cacert" not in said[-1]:
                    line = lines.get(timeout=READY_SECONDS)
                    self.assertTrue(line, "it ended: " + "".join(said))
                    said.append(line)
                self.assertTrue(descendants(folder))
            finally:
                os.killpg(process.pid, signal.SIGINT)  # as a terminal does
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    raise
                process.stdout.close()
            self.none(descendants(folder), "left behind:")
            return "".join(said)

    def check(self, said):
        self.assertRegex(said, r"x-assay-development +yes")
        self.assertRegex(said, r"x-ms-attestation-type +sgx")
        self.assertRegex(said, r"\naccepted\n")
        self.assertRegex(said, r"https://localhost:\d+/attest/SgxEnclave")

    def test_without_real_evidence(self):
        said = self.run_dev("")
        self.assertIn("/simulated/quote.bin", said)
        self.check(said)

    @unittest.skipUnless(os.environ.get("ASSAY_SHARED"), "no evidence of real hardware (ASSAY_SHARED)")
    def test_with_real_evidence(self):
        said = self.run_dev(os.environ["ASSAY_SHARED"])
        self.assertIn("sgx-nondebug.oereport.bin", said)
        self.check(said)


if __name__ == "__main__":
    unittest.main()
