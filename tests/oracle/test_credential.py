"""Credentials that ours made, activated by a real TPM: the secret comes back for the key that it was made for, and for no other."""
import os
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from swtpm import SwtpmCase  # noqa: E402

BUILD = Path(__file__).resolve().parents[2] / os.environ.get("ASSAY_BUILD", "build")
PROGRAM = BUILD / "tests/oracle/make_credential"


class Credentials(SwtpmCase):
    def setUp(self):
        self.t = self.tpm()
        self.dir = Path(self.t.folder)
        self.tool("tpm2_createek", "-G", "rsa", "-c", "ek.ctx", "-u", "ek.pub")
        for name in ("ak", "other"):
            self.tool("tpm2_createak", "-C", "ek.ctx", "-c", f"{name}.ctx", "-G", "rsa", "-g", "sha256", "-s", "rsassa", "-u", f"{name}.pub", "-n", f"{name}.name")

    def tool(self, *command):
        return self.t.tool(*command)

    def made(self, secret, name="ak"):
        (self.dir / "secret").write_bytes(secret)
        run = subprocess.run([PROGRAM, "ek.pub", f"{name}.name", "secret"], cwd=self.dir, capture_output=True, check=False)
        self.assertEqual(0, run.returncode, run.stderr)
        (self.dir / "cred.blob").write_bytes(run.stdout)
        return run.stdout

    def activate(self, name="ak"):
        env = dict(os.environ, TPM2TOOLS_TCTI=self.t.tcti, TSS2_LOG="all+NONE")
        self.tool("tpm2_startauthsession", "--policy-session", "-S", "s.ctx")
        self.tool("tpm2_policysecret", "-S", "s.ctx", "-c", "e")
        run = subprocess.run(["tpm2_activatecredential", "-c", f"{name}.ctx", "-C", "ek.ctx", "-i", "cred.blob", "-o", "out", "-P", "session:s.ctx"],
                             cwd=self.dir, env=env, capture_output=True, check=False)
        subprocess.run(["tpm2_flushcontext", "s.ctx"], cwd=self.dir, env=env, capture_output=True, check=False)
        subprocess.run(["tpm2_flushcontext", "-t"], cwd=self.dir, env=env, capture_output=True, check=False)
        return (self.dir / "out").read_bytes() if run.returncode == 0 else None

    def test_activation(self):
        seen = set()
        for size in (1, 16, 31, 32):
            secret = os.urandom(size)
            seen.add(self.made(secret))
            self.assertEqual(secret, self.activate(), size)
        self.assertEqual(4, len(seen))

    def test_another_key(self):
        self.made(b"secret", "other")
        self.assertIsNone(self.activate("ak"))
        self.assertEqual(b"secret", self.activate("other"))

    def test_a_bit_changed(self):
        blob = bytearray(self.made(b"secret"))
        for place in (12, 44, 60, 200):
            changed = bytearray(blob)
            changed[place] ^= 1
            (self.dir / "cred.blob").write_bytes(changed)
            self.assertIsNone(self.activate(), place)


if __name__ == "__main__":
    unittest.main()
