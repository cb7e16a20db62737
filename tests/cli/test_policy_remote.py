"""assay policy get | set | reset | history | diff | shadow: against a real service, and against ones that lie."""
import base64
import difflib
import hashlib
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "service"))
from cli_case import ASSAY, DONE, MISUSE, REFUSED, ROOT, CliCase, Server, Signer, b64u, needs_openssl, openssl
from service_case import Service

PERMIT = "version=1.0;\nauthorizationrules{\n    => permit();\n};\nissuancerules{};\n"
DENY = PERMIT.replace("permit", "deny")
EMPTY = "eyJhbGciOiJub25lIn0.."


def unsigned(text):
    return ".".join((b64u(b'{"alg":"none"}'), b64u(json.dumps({"AttestationPolicy": b64u(text.encode())}, separators=(",", ":")).encode()), ""))


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def token_hash(jws):
    return b64u(hashlib.sha256(jws.encode()).digest())


def text_of(jws):
    return decoded(json.loads(decoded(jws.split(".")[1]))["AttestationPolicy"]).decode()


class RemoteCase(CliCase):
    """Beside one service for the whole class. `policy` runs a member of `assay policy` on SgxEnclave there."""
    settings = None

    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory(prefix="assay-cli-keys-")
        cls.addClassCleanup(cls.keep.cleanup)
        cls.prepare(Path(cls.keep.name))
        cls.service = Service(cls.settings)
        cls.addClassCleanup(cls.service.remove)
        cls.url = f"https://localhost:{cls.service.port}"

    @classmethod
    def prepare(cls, folder):
        pass

    def environment(self):
        return {"ASSAY_TOKEN": self.service.token, "ASSAY_URL": self.url, "NODE_EXTRA_CA_CERTS": self.service.ca}

    def policy(self, status, words, *args, kind="SgxEnclave", url=None, env=None, **kw):
        return self.expect(status, "policy", *words.split(), self.url if url is None else url, kind, *args,
                           env=self.environment() if env is None else env, **kw)

    def changes(self, *args):
        return json.loads(self.policy(DONE, "history", "--json", *args).out)["history"]

    def setUp(self):
        super().setUp()
        self.permit, self.deny = self.file("permit.txt", PERMIT), self.file("deny.txt", DENY)


class GetAndSet(RemoteCase):
    def test_get(self):
        self.policy(DONE, "reset")
        run = self.policy(DONE, "get")
        self.assertIn("=> permit()", run.out)
        self.assertIn("signed by nobody\n", run.err)
        hash_ = self.expect(DONE, "policy", "hash", "-", stdin=run.stdout).out.strip()
        self.assertIn(f"x-ms-policy-hash {hash_}\n", run.err)
        jws = self.policy(DONE, "get", "--jws")
        self.assertEqual(("", run.out), (jws.err, text_of(jws.out.strip())))
        told = json.loads(self.policy(DONE, "get", "--json").out)
        self.assertEqual({"policy": run.out, "policyHash": hash_, "signer": None, "jws": jws.out.strip()}, told)
        run = self.policy(DONE, "get", kind="tpm")
        self.assertEqual("", run.out)
        self.assertIn("there is no policy for Tpm", run.err)

    def test_set_says_what_changed(self):
        self.policy(DONE, "reset")
        before = self.policy(DONE, "get").out
        run = self.policy(DONE, "set", self.permit)
        self.assertIn("Updated", run.out)
        self.assertIn(token_hash(unsigned(PERMIT)), run.out)
        expected = list(difflib.unified_diff(before.splitlines(True), PERMIT.splitlines(True), "before", "now"))
        self.assertEqual(sorted(line.strip() for line in expected if line[0] in "+-"),
                         sorted(line.strip() for line in run.out.splitlines() if line[:1] in ("+", "-")))
        self.assertEqual(PERMIT, self.policy(DONE, "get").out)
        self.assertIn("the same as before", self.policy(DONE, "set", self.permit).out)
        told = json.loads(self.policy(DONE, "set", "-", "--json", stdin=DENY.encode()).out)
        self.assertEqual(("Updated", None), (told["result"], told["signer"]))
        for name, path in (("policyHash", self.deny), ("previousPolicyHash", self.permit)):
            self.assertEqual(self.expect(DONE, "policy", "hash", path).out.strip(), told[name])
        self.assertEqual(400, self.service.attest()[0])
        told = json.loads(self.policy(DONE, "reset", "--json").out)
        self.assertEqual(("Removed", None), (told["result"], told["tokenHash"]))
        self.assertEqual(before, self.policy(DONE, "get").out)
        self.assertEqual(200, self.service.attest()[0])

    def test_bytes_are_kept(self):
        text = "version=1.0;\r\nauthorizationrules{=>permit();};// \u00e4\u202e end"
        self.policy(DONE, "set", self.file("crlf", text))
        self.assertEqual(text.encode(), self.policy(DONE, "get").stdout)

    def test_wrong_text_is_not_sent(self):
        before = len(self.changes())
        path = self.file("bad.txt", "version=1.0;\nauthorizationrules{\n  => perm();\n};")
        run = self.policy(REFUSED, "set", path)
        self.assertRegex(run.err, rf"^{re.escape(str(path))}:3:6: .*perm")
        self.assertEqual(run.err, self.expect(REFUSED, "policy", "check", path).err)
        jws = self.policy(REFUSED, "set", self.file("bad.jws", unsigned("version=1.0;\n oops")))
        self.assertIn("bad.jws:2:2: ", jws.err)
        for data in (b"", b"\xff", EMPTY, "e30.e30.", "!.!.!", "a.b.c"):
            self.assertEqual("", self.policy(REFUSED, "set", self.file("bad", data)).out)
        self.policy(MISUSE, "set", "nowhere")
        # Nothing of that needs a service at all.
        self.policy(REFUSED, "set", path, url="https://localhost:1")
        self.assertEqual(before, len(self.changes()))

    def test_misuse(self):
        for words, args in (("get", ("x",)), ("set", ()), ("set", (self.permit, "x")), ("set", ("--jws", self.permit)),
                            ("reset", (self.permit, "x")), ("get", ("--shadow",))):
            self.policy(MISUSE, words, *args)
        run = self.policy(MISUSE, "get", kind="SgxEnclav")
        self.assertIn("there are SgxEnclave, ", run.err)
        for url in ("http://localhost", "localhost", self.url + "?x", self.url + "#x", "https://a@localhost", "https://l h", ""):
            self.assertEqual("", self.policy(MISUSE, "get", url=url).out)
        self.policy(DONE, "get", url=self.url + "//")
        self.policy(DONE, "get", kind="sgxenclave")


class History(RemoteCase):
    def test_list_and_roll_back(self):
        self.policy(DONE, "set", self.permit)
        self.policy(DONE, "set", self.deny)
        self.policy(DONE, "reset")
        rows = self.changes()
        self.assertEqual(["Removed", "Updated", "Updated"], [r["result"] for r in rows[:3]])
        lines = self.policy(DONE, "history").out.splitlines()
        self.assertEqual(["VERSION", "TIME", "RESULT", "SIGNER", "CALLER", "HASH"], lines[0].split())
        self.assertEqual(len(rows), len(lines) - 1)
        version = str(rows[2]["version"])
        for word in (version, rows[2]["time"], "Updated", rows[2]["caller"], token_hash(unsigned(PERMIT))):
            self.assertIn(word, lines[3])
        self.assertEqual(rows[:1], self.changes("--limit", "1"))
        self.assertEqual(rows[1:2], self.changes("--limit", "1", "--before", rows[0]["version"]))
        self.assertEqual(PERMIT, self.policy(DONE, "history", "--version", version).out)
        jws = self.policy(DONE, "history", "--version", version, "--jws")
        self.assertEqual((unsigned(PERMIT) + "\n", ""), (jws.out, jws.err))
        self.assertEqual(unsigned(PERMIT), json.loads(self.policy(DONE, "history", "--version", version, "--json").out)["policy"])
        self.policy(DONE, "set", "-", stdin=jws.stdout)
        self.assertEqual(PERMIT, self.policy(DONE, "get").out)
        self.assertEqual(rows[2]["tokenHash"], self.changes()[0]["tokenHash"])
        run = self.policy(REFUSED, "history", "--version", rows[0]["version"])
        self.assertIn("assay policy reset", run.err)
        run = self.policy(REFUSED, "history", "--version", "4000")
        self.assertIn("NotFound\nThere is no such version.\n", run.err)

    def test_misuse(self):
        for args in (("--version", "0"), ("--version", "x"), ("--version", "1", "--limit", "1"), ("--limit", "1001"), ("--jws",),
                     ("--limit", "-1"), ("--before", "00"), ("--version", "1&limit=2"), ("x",), ("--version", "9" * 19)):
            self.policy(MISUSE, "history", *args)
        for args in (("--shadow",), ("--version", "1", "--jws")):
            self.policy(MISUSE, "history", *args, kind="certificates")
        self.assertEqual("VERSION", self.policy(DONE, "history", kind="certificates").out.split()[0])

    def test_diff(self):
        self.policy(DONE, "reset")
        self.policy(DONE, "set", self.permit)
        self.policy(DONE, "set", self.deny)
        old, new = (str(r["version"]) for r in reversed(self.changes("--limit", "2")))
        hunk = "@@ -1,5 +1,5 @@\n version=1.0;\n authorizationrules{\n-    => permit();\n+    => deny();\n };\n issuancerules{};\n"
        run = self.policy(REFUSED, "diff")
        self.assertRegex(run.out, rf"^--- SgxEnclave version {old}, \S+Z\n\+\+\+ SgxEnclave version {new}, \S+Z\n@@")
        for args in ((), (old, new), (old,), (self.permit, self.deny), (self.permit, "current"), (self.permit, new),
                     (old, self.file("deny.jws", unsigned(DENY)))):
            run = self.policy(REFUSED, "diff", *args)
            self.assertTrue(run.out.endswith(hunk), f"{args}: {run.out}")
            self.assertEqual("", run.err)
        back = self.policy(REFUSED, "diff", self.permit).out
        self.assertIn("\n-    => deny();\n+    => permit();\n", back)
        for args in ((new,), (self.deny,), ("current", "current"), (old, old)):
            self.assertEqual("", self.policy(DONE, "diff", *args).out)
        for args, status in ((("nowhere",), MISUSE), (("4000",), REFUSED), (("1", "2", "3"), MISUSE)):
            self.assertEqual("", self.policy(status, "diff", *args).out)
        self.assertIn("was ever set", self.policy(REFUSED, "diff", kind="TdxVm").err)
        self.policy(DONE, "reset")
        self.assertIn("(removed)\n@@ -1,5 +0,0 @@", self.policy(REFUSED, "diff").out)


@needs_openssl
class Examples(RemoteCase):
    """What the help and manual pages show runs as it stands."""

    @classmethod
    def prepare(cls, folder):
        cls.writer = Signer(folder, "writer", "writer")

    def test_every_one(self):
        self.file("policy.txt", PERMIT)
        self.file("key.pem", self.writer.key.read_bytes())
        self.file("cert.pem", self.writer.pem.read_bytes())
        for text in (PERMIT, DENY) * 4:
            self.policy(DONE, "set", "-", stdin=text.encode())
        pages = [self.expect(DONE, "policy", name, "--help").out.split("Examples:")[1].split("Exit status:")[0]
                 for name in ("get", "set", "reset", "history", "diff", "shadow")]
        page = (ROOT / "docs/man/assay-policy.1").read_text()
        pages.append(re.sub(r"(?m)^\$ ", "  ", re.search(r"\.Bd -literal -offset indent\n(.*?)\.Ed", page, re.S).group(1)))
        commands = [c for text in pages for c in re.sub(r"\|\n\s+", "| ", text).splitlines() if c.strip()]
        self.assertGreater(len(commands), 15)
        env = {**os.environ, **self.environment(), "PATH": f"{ASSAY.parent}:{os.environ['PATH']}"}
        for command in commands:
            with self.subTest(command):
                self.assertTrue(command.strip().startswith("assay policy "), command)
                run = subprocess.run(["sh", "-ec", command.replace("https://attest.example", self.url)], cwd=self.dir, env=env,
                                     capture_output=True, text=True, timeout=120, check=False)
                self.assertIn(run.returncode, (DONE, REFUSED) if " diff " in command else (DONE,), run.stderr)
                self.assertNotIn("Sanitizer", run.stderr)


class Shadow(RemoteCase):
    def shadow(self, status, action, *args, **kw):
        return self.policy(status, f"shadow {action}", *args, **kw)

    def test_tried_on_live_traffic(self):
        self.policy(DONE, "set", self.permit)
        run = self.shadow(DONE, "get")
        self.assertEqual("", run.out)
        self.assertIn("no shadow policy", run.err)
        run = self.shadow(DONE, "set", self.deny)
        self.assertIn("+    => deny();", run.out)
        self.assertEqual(DENY, self.shadow(DONE, "get").out)
        self.assertEqual(unsigned(DENY) + "\n", self.shadow(DONE, "get", "--jws").out)
        self.assertEqual(PERMIT, self.policy(DONE, "get").out)
        self.assertIn("+    => deny();", self.policy(REFUSED, "diff", "current", "shadow").out)
        self.policy(DONE, "diff", "--shadow", self.deny)
        self.assertEqual(DENY, self.policy(DONE, "history", "--shadow", "--version", "1").out)
        for _ in range(3):
            self.assertEqual(200, self.service.attest()[0])
        self.service.wait(lambda: json.loads(self.shadow(DONE, "report", "--json").out)["judged"] == 3)
        self.assertRegex(self.shadow(DONE, "report").out, r"(?m)^judged +3$[^~]*^would be denied +3$")
        self.assertIn("-    => deny();", self.shadow(DONE, "reset").out)
        self.assertEqual("", self.shadow(DONE, "get").out)

    def test_misuse(self):
        for args in (("shadow get", "x"), ("shadow set",), ("shadow report", "--jws"), ("shadow set", self.permit, "--jws"),
                     ("shadow get", "--sign-key", "x"), ("shadow report", "x")):
            self.policy(MISUSE, *args)
        self.assertIn("did you mean report", self.policy(MISUSE, "shadow reprot").err)
        self.assertIn("get, set, reset or report", self.expect(MISUSE, "policy", "shadow", self.url, "SgxEnclave", "x").err)


@needs_openssl
class Signed(RemoteCase):
    """The service trusts changes that one certificate signed, and no others."""

    @classmethod
    def prepare(cls, folder):
        cls.writer, cls.other = Signer(folder, "writer", "policy writer"), Signer(folder, "other", "somebody else")
        cls.settings = {"provider first": {"signers": cls.writer.pem}}
        cls.ec = folder / "ec.key", folder / "ec.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=ec",
                "-keyout", cls.ec[0], "-out", cls.ec[1])

    def signing(self, signer):
        return "--sign-key", signer.key, "--sign-cert", signer.pem

    def test_set_and_reset(self):
        run = self.policy(REFUSED, "set", self.permit)
        self.assertIn("InvalidOperation\nUnsigned JWS", run.err)
        self.assertIn("--sign-key", run.err)
        run = self.policy(REFUSED, "set", self.permit, *self.signing(self.other))
        self.assertIn("not signed by a registered", run.err)
        self.assertNotIn("--sign-key", run.err)
        run = self.policy(DONE, "set", self.permit, *self.signing(self.writer))
        self.assertRegex(run.out, r"(?m)^signer +CN=policy writer$")
        thumbprint = hashlib.sha1(self.writer.der).hexdigest().upper()
        run = self.policy(DONE, "get")
        self.assertEqual(PERMIT, run.out)
        self.assertIn(f"signed by CN=policy writer, SHA-1 {thumbprint}\n", run.err)
        self.assertEqual(thumbprint, self.changes()[0]["signerThumbprint"])
        self.assertIn(thumbprint, self.policy(DONE, "history").out)
        # A roll-back is signed already.
        old = self.policy(DONE, "history", "--version", self.changes()[0]["version"], "--jws").stdout
        self.policy(DONE, "set", self.deny, *self.signing(self.writer))
        self.policy(DONE, "set", "-", stdin=old)
        self.assertEqual(PERMIT, self.policy(DONE, "get").out)
        self.assertIn("--sign-key", self.policy(REFUSED, "reset").err)
        self.assertIn("-    => permit();", self.policy(DONE, "reset", *self.signing(self.writer)).out)
        # Made elsewhere.
        jws = self.writer.sign({"alg": "RS256", "x5c": [base64.b64encode(self.writer.der).decode()]}, {"AttestationPolicy": b64u(DENY.encode())})
        self.policy(DONE, "set", self.file("made.jws", jws + "\n"))
        head = b64u(json.dumps({"alg": "RS256", "x5c": [base64.b64encode(self.writer.der).decode()]}).encode()) + "."
        empty = f"{head}.{b64u(openssl('dgst', '-sha256', '-sign', self.writer.key, stdin=head.encode()))}"
        self.policy(DONE, "reset", self.file("empty.jws", empty))
        self.policy(REFUSED, "reset", self.file("full.jws", jws))
        self.policy(REFUSED, "reset", self.permit)

    def test_shadow(self):
        self.policy(REFUSED, "shadow set", self.deny)
        self.policy(DONE, "shadow set", self.deny, *self.signing(self.writer))
        self.policy(DONE, "shadow reset", *self.signing(self.writer))

    def test_elliptic_key(self):
        run = self.policy(REFUSED, "set", self.permit, "--sign-key", self.ec[0], "--sign-cert", self.ec[1])
        self.assertIn("not signed by a registered", run.err)  # so it verified

    def test_what_cannot_sign(self):
        jws = self.file("x.jws", unsigned(PERMIT))
        for file, args, reason in (
                (self.permit, ("--sign-key", self.writer.key), "go together"), (self.permit, ("--sign-cert", self.writer.pem), "go together"),
                (self.permit, ("--sign-key", self.writer.key, "--sign-cert", self.other.pem), "is not that of the key"),
                (self.permit, ("--sign-key", self.writer.pem, "--sign-cert", self.writer.pem), "private key"),
                (self.permit, ("--sign-key", "nowhere", "--sign-cert", self.writer.pem), "nowhere"),
                (self.permit, ("--sign-key", self.writer.key, "--sign-cert", self.permit), "--sign-cert"),
                (jws, self.signing(self.writer), "as it stands")):
            self.assertIn(reason, self.policy(MISUSE, "set", file, *args).err)
        forged = self.writer.sign({"alg": "RS256", "x5c": [base64.b64encode(self.other.der).decode()]}, {"AttestationPolicy": b64u(DENY.encode())})
        self.assertIn("does not verify", self.policy(REFUSED, "set", self.file("f.jws", forged)).err)

    def test_history_of_certificates(self):
        self.assertEqual("VERSION", self.policy(DONE, "history", kind="certificates").out.split()[0])


class WhoAsks(RemoteCase):
    def test_tokens(self):
        ca = {"NODE_EXTRA_CA_CERTS": self.service.ca}
        run = self.policy(REFUSED, "get", env=ca)
        self.assertIn("status 401, Unauthorized\n", run.err)
        self.assertIn("--token-file", run.err)
        # The token of one service is not shown to another.
        self.policy(REFUSED, "get", env={**ca, "ASSAY_TOKEN": self.service.token, "ASSAY_URL": "https://other.example"})
        run = self.policy(REFUSED, "get", env={**ca, "ASSAY_TOKEN": "0123456789abcdef0123456789abcdef"})
        self.assertIn("does not count there", run.err)
        self.assertNotIn("0123456789abcdef", run.err)
        path = self.file("token", self.service.token + "\n")
        self.policy(DONE, "get", "--token-file", path, env=ca)
        self.policy(DONE, "get", "--token-file", path, env={**ca, "ASSAY_TOKEN": "wrong"})
        self.policy(DONE, "shadow report", "--token-file", path, env=ca)

    def test_what_is_no_token(self):
        for data in ("", "\n", "a b", "a\r\nX-Other: 1", "\x1b[2J", "\xe4", "x" * 40000):
            run = self.policy(MISUSE, "get", "--token-file", self.file("token", data), env={})
            self.assertIn("token", run.err)
            self.assertNotIn("\x1b", run.err)
        self.policy(MISUSE, "get", "--token-file", "nowhere", env={})
        run = self.policy(MISUSE, "get", env={**self.environment(), "ASSAY_TOKEN": "a\nX-Other: 1"})
        self.assertIn("ASSAY_TOKEN holds no bearer token", run.err)

    def test_nobody_there(self):
        run = self.policy(MISUSE, "get", url="https://localhost:1")
        self.assertIn("https://localhost:1/", run.err)
        self.policy(MISUSE, "set", self.permit, url="https://localhost:1")

    def test_not_trusted(self):
        for env in ({}, {"NODE_EXTRA_CA_CERTS": ""}):
            run = self.policy(MISUSE, "get", env={"ASSAY_TOKEN": self.service.token, **env})
            self.assertIn("certificate is not trusted", run.err)
            self.assertIn("--ca F", run.err)
        self.policy(DONE, "get", "--ca", self.service.ca, env={"ASSAY_TOKEN": self.service.token})
        self.policy(MISUSE, "get", url=f"https://127.0.0.2:{self.service.port}")


@needs_openssl
class Hostile(CliCase):
    """A service that answers what the test likes, with a certificate that is trusted."""

    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory(prefix="assay-cli-keys-")
        cls.addClassCleanup(cls.keep.cleanup)
        folder = Path(cls.keep.name)
        cls.signer, cls.other = Signer(folder, "tls", "localhost"), Signer(folder, "other", "other")
        cls.server = Server(cls.signer, {})
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        super().setUp()
        self.permit = self.file("permit.txt", PERMIT)
        self.server.requests.clear()
        self.server.routes.clear()
        self.server.routes["/certs"] = self.body({"keys": [self.signer.jwk("k1")]})
        self.holds(unsigned(DENY))
        self.says(**{"x-ms-policy-result": "Updated", "x-ms-policy-token-hash": token_hash(unsigned(PERMIT))})

    def body(self, tree):
        return 200, json.dumps(tree).encode()

    def token(self, payload, signer=None, kid="k1"):
        now = int(time.time())
        frame = {"iss": self.server.url, "iat": now, "nbf": now, "exp": now + 3600}
        return (signer or self.signer).sign({"alg": "RS256", "kid": kid, "typ": "JWT"}, {**frame, **payload})

    def holds(self, jws, **kw):
        self.server.routes["GET /policies/SgxEnclave"] = self.body({"token": self.token({"x-ms-policy": jws, **kw})})

    def says(self, **payload):
        self.server.routes["PUT /policies/SgxEnclave"] = self.body({"token": self.token(payload)})

    def policy(self, status, words, *args, **kw):
        run = self.expect(status, "policy", *words.split(), self.server.url, "SgxEnclave", *args, "--ca", self.signer.pem, **kw)
        for text in (run.out, run.err):
            self.assertFalse(set("\x1b\a\r\x7f\u009b\u202e") & set(text), repr(text[:300]))
        return run

    def test_honest(self):
        self.assertEqual(DENY, self.policy(DONE, "get").out)
        self.assertIn("+    => permit();", self.policy(DONE, "set", self.permit).out)
        self.assertEqual(unsigned(PERMIT).encode(), [body for method, _, _, body in self.server.requests if method == "PUT"][0])

    def test_another_hash_or_result(self):
        for payload, reason in (({"x-ms-policy-token-hash": token_hash(unsigned(DENY))}, "x-ms-policy-token-hash"),
                                ({"x-ms-policy-token-hash": None}, "x-ms-policy-token-hash"),
                                ({"x-ms-policy-result": "Removed"}, "x-ms-policy-result"), ({"x-ms-policy-result": None}, "x-ms-policy-result")):
            self.says(**{"x-ms-policy-result": "Updated", "x-ms-policy-token-hash": token_hash(unsigned(PERMIT)), **payload})
            run = self.policy(REFUSED, "set", self.permit)
            self.assertIn(reason, run.err)
            self.assertIn("whether the change was made is not known", run.err)
            self.assertEqual("", run.out)

    def test_tokens_that_do_not_count(self):
        held = {"x-ms-policy": unsigned(DENY)}
        head, rest = self.token(held).split(".", 1)
        past = int(time.time()) - 7200
        for token, reason in ((self.token(held, self.other), "does not verify"), (self.token(held, kid="k2"), "no key with kid k2"),
                              (self.token({**held, "iss": "https://other.example"}), "issued by https://other.example"),
                              (self.token({**held, "iss": 1}), "no issuer"), (self.token({**held, "exp": past}), "not valid now"),
                              (self.token({**held, "nbf": past + 14400}), "not valid now"), (self.token({**held, "exp": "x"}), "when it is valid"),
                              (b64u(b'{"alg":"none"}') + "." + rest.split(".")[0] + ".", "not signed"), (head + "..", "signature"),
                              (b64u(b'{"alg":"none"}') + "." + rest, ""), (self.token({}), "holds no policy"), ("a.b", ""), ("", "")):
            self.server.routes["GET /policies/SgxEnclave"] = self.body({"token": token})
            for action, *options in (("get",), ("get", "--jws"), ("set", self.permit))[:3 if "verify" in reason else 1]:
                run = self.policy(REFUSED, action, *options)
                self.assertIn(reason, run.err)
                self.assertEqual("", run.out)
        self.assertNotIn("PUT", {method for method, *_ in self.server.requests})
        self.holds(unsigned(DENY))
        for keys in ({}, {"keys": []}, {"keys": "x"}, [], {"keys": [self.other.jwk("k1")]}, {"keys": [{"kid": "k1", "x5c": ["AAAA"]}]}):
            self.server.routes["/certs"] = self.body(keys)
            self.policy(REFUSED, "get")

    def test_policies_that_do_not_count(self):
        forged = self.signer.sign({"alg": "RS256", "x5c": [base64.b64encode(self.other.der).decode()]}, {"AttestationPolicy": b64u(DENY.encode())})
        for jws in (forged, "x", "a.b.c", b64u(b'{"alg":"none"}') + ".e30.", b64u(b'{"alg":"none"}') + "." + b64u(b'{"AttestationPolicy":"!"}') + ".",
                    self.signer.sign({"alg": "RS256"}, {"AttestationPolicy": b64u(DENY.encode())})):
            self.holds(jws)
            self.assertEqual("", self.policy(REFUSED, "get").out)
            self.assertEqual(jws + "\n", self.policy(DONE, "get", "--jws").out)
        # Nor do they keep a better one out.
        run = self.policy(DONE, "set", self.permit)
        self.assertIn("cannot be read", run.err)
        self.assertIn("\n+    => permit();\n", run.out)

    def test_bodies(self):
        for data in (b"", b"x", b"\xff\xfe", b"[" * 100000, b'{"a":' * 100000, b'{"token":1}', b"null", b"[]", b"{}", b'{"token":"a"}',
                     b"0" * (5 << 20), b'{"token":"' + b"A" * (3 << 20) + b'"}', b'{"history":[' + b"{}," * 200000 + b'{}]}'):
            for path in ("GET /policies/SgxEnclave", "/assay/v1/history/policies/SgxEnclave", "/assay/v1/shadow/SgxEnclave:report"):
                self.server.routes[path] = 200, data
            for words in ("get", "shadow report", "history --version 1", "diff"):
                run = self.assay("policy", *words.split()[:2 if "shadow" in words else 1], self.server.url, "SgxEnclave",
                                 *words.split()[2 if "shadow" in words else 1:], "--ca", self.signer.pem)
                self.assertIn(run.returncode, (MISUSE, REFUSED), (data[:40], words))
                self.assertEqual("", run.out)
                self.assertTrue(run.err)
                self.assertLess(len(run.err), 5000)

    def test_errors_of_the_service(self):
        steer = "\x1b[2J\a\r\n\x7f\u009b\u202e"
        for status, tree, hint in ((400, {"error": {"code": "PolicyParsingError", "message": steer + "why"}}, "why"),
                                   (403, {"error": {"code": steer, "message": "no"}}, "the operator"), (503, {}, "Try again"), (404, [], "address of"),
                                   (302, {}, "Redirects"),
                                   (400, {"error": {"code": "c" * 100000, "message": "m" * 1000000}}, "mmm"), (500, {"error": {"code": 1, "message": ["x"]}}, "status 500")):
            self.server.routes["GET /policies/SgxEnclave"] = (status, json.dumps(tree).encode(), ("Location", "https://localhost:1/"))
            for options in ((), ("--json",)):
                run = self.policy(REFUSED, "get", *options)
                self.assertIn(hint, run.err)
                self.assertLess(len(run.err), 10000)

    def test_histories(self):
        path = "/assay/v1/history/policies/SgxEnclave"
        row = {"version": 3, "time": "t", "result": "Updated", "tokenHash": token_hash(unsigned(DENY)), "policy": unsigned(DENY)}
        self.server.routes[path] = self.body({"history": [row]})
        self.assertEqual(DENY, self.policy(DONE, "history", "--version", "3").out)
        for change in ({"version": 2}, {"version": "3"}, {"tokenHash": token_hash(unsigned(PERMIT))}, {"tokenHash": None}, {"policy": None},
                       {"policy": unsigned(PERMIT)}):
            self.server.routes[path] = self.body({"history": [{**row, **change}]})
            for options in ((), ("--jws",)):
                self.assertEqual("", self.policy(REFUSED, "history", "--version", "3", *options).out)
            self.assertEqual("", self.policy(REFUSED, "diff", "3").out)
        self.server.routes[path] = self.body({"history": [{**row, "caller": "\x1b]0;x\a\u009b" + "y" * 100000}] + [row] * 500})
        self.assertLess(len(self.policy(DONE, "history").out), 400000)
        self.policy(DONE, "history", "--json")
        self.server.routes["/assay/v1/shadow/SgxEnclave:report"] = self.body({"judged": 1, "lastDifference": {"reason": "\x1b[2J\u202e"}})
        self.policy(DONE, "shadow report")
        self.policy(DONE, "shadow report", "--json")

    def on_a_terminal(self, status, *args, **env):
        master, slave = pty.openpty()
        run = subprocess.Popen([str(ASSAY), *map(str, args)], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                               env={**os.environ, "TERM": "xterm", "NO_COLOR": "", **env})
        os.close(slave)
        seen = b""
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not data:
                break
            seen += data
        os.close(master)
        self.assertEqual(status, run.wait(60), seen)
        return seen.decode()

    def test_on_a_terminal(self):
        text = "version=1.0;\nauthorizationrules{=>permit();};\n//\t\x1b[2J \u009b\u202e\n"
        self.holds(unsigned(text))
        target = (self.server.url, "SgxEnclave")
        trust = ("--ca", self.signer.pem)
        seen = self.on_a_terminal(DONE, "policy", "get", *target, *trust, NO_COLOR="1")
        self.assertIn("//\t\\x1b[2J \\xc2\\x9b\\xe2\\x80\\xae\r\n", seen)
        self.assertFalse(set("\u009b\u202e") & set(seen))
        self.assertEqual(text.encode(), self.policy_raw("get", *target, *trust))
        seen = self.on_a_terminal(REFUSED, "policy", "diff", *target, self.permit, *trust)
        self.assertIn("\x1b[31m-//\t\\x1b[2J \\xc2\\x9b\\xe2\\x80\\xae\x1b[0m\r\n", seen)
        self.assertIn("\x1b[32m+    => permit();\x1b[0m\r\n", seen)
        plain = self.on_a_terminal(REFUSED, "policy", "diff", *target, self.permit, *trust, NO_COLOR="1")
        self.assertNotIn("\x1b[3", plain)
        told = self.on_a_terminal(DONE, "policy", "get", *target, "--json", *trust, NO_COLOR="1")
        self.assertFalse(set("\u009b\u202e") & set(told))
        self.assertEqual(text, json.loads(told[told.index("{"):])["policy"])

    def policy_raw(self, *args):
        return self.expect(DONE, "policy", *args).stdout


if __name__ == "__main__":
    unittest.main()
