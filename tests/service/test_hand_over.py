"""assayd hand-over as an operator runs it: on a machine that is no TEE, and on one whose hardware is simulated, nothing is given out."""
import os
import subprocess
import tempfile
import unittest

from service_case import BUILD

ASSAYD = os.path.join(BUILD, "src/service/assayd")


class HandOver(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="assay-hand-over-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.key = os.path.join(self.folder, "sealing.key")
        self.config = os.path.join(self.folder, "assayd.conf")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"[server]\ncertificate = {self.folder}/none\nprivate_key = {self.folder}/none\nuser = nobody\n[provider one]\nissuer = https://one.example\n"
                    f"[store]\nurl = sqlite:{self.folder}/assay.db\n[keys]\nsealing_key = {self.key}\nevidence = none\n")

    def run_step(self, *arguments, given=b""):
        # The leak checker needs a process that can be traced; these cannot.
        return subprocess.run([ASSAYD, "hand-over", *arguments], input=given, capture_output=True, check=False, timeout=120,
                              env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})

    def refused(self, done, reason):
        self.assertEqual((1, b""), (done.returncode, done.stdout), done.stderr)
        self.assertIn(reason, done.stderr.decode())

    def test_no_tee_offers_nothing(self):
        self.refused(self.run_step("offer", "--config", self.config), "this machine is no TEE")
        self.assertEqual(["assayd.conf"], os.listdir(self.folder))  # no secret of an offer that never was

    def test_what_is_no_offer_gets_no_grant(self):
        with open(os.open(self.key, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write(os.urandom(32).hex() + "\n")
        for given in (b"", b"an offer", b"\0" * 1024, b"\xff" * (64 * 1024)):
            self.refused(self.run_step("grant", "--config", self.config, given=given), "handover.shape")
        self.assertEqual({"assayd.conf", "sealing.key"}, set(os.listdir(self.folder)))

    def test_nobody_asked_for_a_grant(self):
        self.refused(self.run_step("accept", "--config", self.config, given=b"a grant"), "offer")
        self.assertFalse(os.path.exists(self.key))

    def test_misuse(self):
        for arguments in ((), ("give", "--config", self.config), ("offer",), ("offer", "--config", self.config, "more")):
            done = self.run_step(*arguments)
            self.assertEqual(1, done.returncode)
            self.assertIn("Usage: assayd", done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
