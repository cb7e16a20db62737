"""assay login: tokens of development mode, as the command prints them."""
import base64
import json
import os
import subprocess
import tempfile
import time
import unittest

from cli_case import DONE, MISUSE, CliCase


def part(token, index):
    text = token.split(".")[index]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


class Login(CliCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.state = tempfile.TemporaryDirectory(prefix="assay-login-")
        cls.addClassCleanup(cls.state.cleanup)
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
                        os.path.join(cls.state.name, "issuer.key")], check=True, capture_output=True)

    def login(self, *args):
        return self.expect(DONE, "login", "--dev", "--state", self.state.name, *args).out.strip()

    def test_a_token_of_the_developer(self):
        token = self.login()
        header, claims = part(token, 0), part(token, 1)
        self.assertEqual((header["alg"], header["typ"]), ("ES256", "JWT"))
        self.assertEqual((claims["iss"], claims["sub"]), ("https://localhost/assay/development", "developer"))
        self.assertEqual(claims["aud"], ["https://attest.azure.net", "https://management.azure.com"])
        self.assertEqual(claims["assay_roles"], [{"role": "Owner", "scope": "/"}])
        self.assertEqual(claims["exp"] - claims["nbf"], 24 * 3600)
        self.assertLess(abs(claims["nbf"] - time.time()), 3600)

    def test_what_was_asked_for(self):
        claims = part(self.login("--subject", "auditor", "--role", "attestation reader", "--scope", "/subscriptions/a",
                                 "--scope", "/subscriptions/b/resourceGroups/c", "--hours", "1"), 1)
        self.assertEqual((claims["sub"], claims["exp"] - claims["nbf"]), ("auditor", 3600))
        self.assertEqual(claims["assay_roles"], [{"role": "attestation reader", "scope": "/subscriptions/a"},
                                                 {"role": "attestation reader", "scope": "/subscriptions/b/resourceGroups/c"}])

    def test_misuse(self):
        for args, word in (((), "--dev"), (("--dev", "--state", "nowhere"), "assayd --dev"), (("--dev", "x"), ""),
                           (("--dev", "--state", self.state.name, "--role", "King"), "no role King"),
                           (("--dev", "--state", self.state.name, "--scope", "/subscriptions/"), "no scope"),
                           (("--dev", "--state", self.state.name, "--subject", ""), "empty"),
                           (("--dev", "--hours", "0"), "--hours"), (("--dev", "--hours", "1x"), "--hours"),
                           (("--dev", "--hours", "9999"), "--hours")):
            run = self.expect(MISUSE, "login", *args)
            self.assertIn(word, run.err)
            self.assertEqual("", run.out)

    def test_a_key_that_is_none(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "issuer.key"), "w", encoding="utf-8") as f:
                f.write("nonsense")
            self.expect(MISUSE, "login", "--dev", "--state", folder)
            subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-out", os.path.join(folder, "issuer.key")], check=True,
                           capture_output=True)
            self.assertIn("P-256", self.expect(MISUSE, "login", "--dev", "--state", folder).err)


if __name__ == "__main__":
    unittest.main()
