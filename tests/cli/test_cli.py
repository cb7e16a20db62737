"""The command line from outside: exit statuses, what goes to which stream, JSON objects, hostile input."""
import base64
import json
import os
import pty
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cli_case import (ASSAY, DONE, MISUSE, REFUSED, SHARED, CliCase, Server, Signer, b64u, needs_corpus,
                      needs_openssl)

COMMANDS = ("verify", "inspect", "attest", "token show", "token verify", "policy check", "policy format",
            "policy hash", "policy eval", "policy test", "policy get", "policy set", "policy reset", "policy history",
            "policy diff", "policy shadow", "provider create", "provider list", "provider show", "provider update",
            "provider delete", "provider list-default", "provider keys",
            "provider rotate-key", "provider revoke-key", "admin migrate", "audit verify", "simulate")
LONG = bool(os.environ.get("ASSAY_LONG"))
PERMIT = "version=1.0;authorizationrules{=>permit();};issuancerules{c:[type==\"a\"]=>issue(claim=c);};"


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Frame(CliCase):
    def test_help(self):
        overview = self.expect(DONE, "--help")
        self.assertEqual("", overview.err)
        for command in COMMANDS:
            self.assertIn(command, overview.out)
            page = self.expect(DONE, *command.split(), "--help")
            self.assertIn(f"assay {command}", page.out)
            self.assertIn("Options:", page.out)
            self.assertIn("Examples:", page.out)
            self.assertEqual(page.out, self.expect(DONE, "help", *command.split()).out)
            self.assertEqual(page.out, self.expect(DONE, *command.split(), "-h").out)
        for group in ("token", "policy", "provider", "admin", "audit"):
            self.assertIn(f"{group} ", self.expect(DONE, group, "--help").out)

    def test_version(self):
        self.assertRegex(self.expect(DONE, "--version").out, r"^assay \d+\.\d+\.\d+\n$")

    def test_manual_pages_name_every_option(self):
        for command in COMMANDS:
            page = (Path(__file__).resolve().parents[2] / "docs/man" / f"assay-{command.split()[0]}.1").read_text()
            for line in self.expect(DONE, *command.split(), "--help").out.splitlines():
                words = line.split()
                names = [w for w in words[:2] if w.startswith("--") and line.startswith("  ")]
                for name in names:
                    if name != "--help":
                        self.assertIn(name[1:], page, f"{command} {name}")

    def test_misuse(self):
        for args, hint in ((("--hepl",), "--help"), (("verfy",), "verify"), (("token",), "token show"),
                           (("token", "shwo", "x"), "show"), (("policy", "evaluate"), "policy eval"), ((), "assay")):
            run = self.expect(MISUSE, *args)
            self.assertIn(hint, run.err)
            self.assertEqual("", run.out)

    def test_unknown_option_has_a_hint(self):
        for args, hint in ((("verify", "--colateral", "x", "y"), "--collateral"), (("inspect", "--jsno", "x"), "--json"),
                           (("verify", "-Z", "x"), "-Z"), (("policy", "hash", "--zzzzzzzz", "x"), "--zzzzzzzz")):
            run = self.expect(MISUSE, *args)
            self.assertIn(hint, run.err)
            self.assertIn("--help", run.err)

    def test_options_and_operands(self):
        self.assertIn("needs a value", self.expect(MISUSE, "verify", "x", "--at").err)
        self.assertIn("no value", self.expect(MISUSE, "inspect", "--json=1", "x").err)
        self.assertIn("too few", self.expect(MISUSE, "verify").err)
        self.assertIn("unexpected", self.expect(MISUSE, "inspect", "a", "b").err)
        self.expect(DONE, "policy", "hash", "--", self.file("-odd", PERMIT).name)

    def test_missing_file_is_an_io_error(self):
        for args in (("verify", "nowhere"), ("inspect", "nowhere"), ("token", "show", "nowhere"),
                     ("policy", "check", "nowhere"), ("policy", "hash", "nowhere")):
            self.assertIn("nowhere", self.expect(MISUSE, *args).err)

    def test_folder_is_an_io_error(self):
        for args in (("verify", "."), ("inspect", "."), ("token", "show", "."), ("policy", "check", ".")):
            self.expect(MISUSE, *args)

    def test_colour_on_a_terminal_alone(self):
        policy = self.file("p.txt", PERMIT)
        self.assertNotIn("\033", self.expect(DONE, "policy", "check", policy).out)
        self.assertIn(b"\033[32m", self.on_terminal("policy", "check", policy))
        self.assertNotIn(b"\033", self.on_terminal("policy", "check", policy, env={"NO_COLOR": "1"}))
        self.assertNotIn(b"\033", self.on_terminal("policy", "check", policy, env={"TERM": "dumb"}))

    def on_terminal(self, *args, env=None):
        master, slave = pty.openpty()
        environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        run = subprocess.Popen([str(ASSAY), *map(str, args)], stdout=slave, stderr=subprocess.PIPE,
                               env={**environment, "TERM": "xterm", **(env or {})})
        _, _ = run.communicate(timeout=60)
        os.close(slave)
        out = b""
        try:
            while chunk := os.read(master, 65536):
                out += chunk
        except OSError:
            pass  # the other end is closed: all was read
        os.close(master)
        return out

    def test_full_device(self):
        with open("/dev/full", "wb") as full:
            run = subprocess.run([str(ASSAY), "--help"], stdout=full, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(MISUSE, run.returncode)


class Policy(CliCase):
    def test_check(self):
        self.assertIn("valid", self.expect(DONE, "policy", "check", self.file("p.txt", PERMIT)).out)
        bad = self.file("bad.txt", "version=1.0\nauthorizationrules{=>permit();};")
        run = self.expect(REFUSED, "policy", "check", bad)
        self.assertRegex(run.err, rf"(?m)^{bad}:2:1: .+")
        self.assertEqual("", run.out)
        self.expect(DONE, "policy", "check", "-", stdin=PERMIT.encode())

    def test_check_json(self):
        good = self.expect_json(DONE, "policy", "check", "--json", self.file("p.txt", PERMIT))
        self.assertEqual(("accepted", None), (good["verdict"], good["error"]))
        bad = self.expect_json(REFUSED, "policy", "check", self.file("b.txt", "version=1.0;\n  oops"), "--json")
        self.assertEqual("rejected", bad["verdict"])
        self.assertEqual((2, 3), (bad["error"]["line"], bad["error"]["column"]))

    def test_hostile_texts(self):
        for data in (b"", b"\0" * 100, b"\xff" * 1000, b"version=1.0;" + b"(" * 100000,
                     PERMIT.encode() + b" " * (2 * 1024 * 1024), b"version=1.0;authorizationrules{" + b"=>permit();" * 10000):
            self.expect(REFUSED, "policy", "check", self.file("p.txt", data))

    def test_hash(self):
        # The documented minimal policy of the SDKs (a published text and its published hash).
        text = "version= 1.0;authorizationrules{=> permit();};"
        run = self.expect(DONE, "policy", "hash", self.file("p.txt", text))
        self.assertEqual("9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco\n", run.out)

    @needs_corpus
    def test_hash_of_corpus(self):
        rows = [line.split("\t") for line in (SHARED / "corpus/policies/MANIFEST.tsv").read_text().splitlines()]
        names = {name: i for i, name in enumerate(rows[0])}
        for row in rows[1::1 if LONG else 4]:
            path = SHARED / "corpus/policies" / row[names["file"]]
            with self.subTest(path.name):
                self.assertEqual(row[names["x_ms_policy_hash"]], self.expect(DONE, "policy", "hash", path).out.strip())
                status = DONE if row[names["expect"]] == "accept" else REFUSED
                self.expect(status, "policy", "check", path)

    def test_eval(self):
        policy = self.file("p.txt", PERMIT)
        claims = self.file("c.json", json.dumps([{"type": "a", "value": 3, "issuer": "AttestationService"}]))
        result = self.expect_json(DONE, "policy", "eval", policy, "--claims", claims, "--json")
        self.assertEqual(("permit", {"a": 3}, {}), (result["decision"], result["issued"], result["properties"]))
        self.assertIsInstance(result["trace"], list)
        run = self.expect(DONE, "policy", "eval", policy, "-c", claims)
        self.assertTrue(run.out.startswith("permit\n"), run.out)

    def test_eval_explains(self):
        policy = self.file("p.txt", """version=1.2;
authorizationrules {
    [type=="svn", value>=3] && [type=="other"] => deny();
    ![type=="svn"] => deny();
    c:[type=="svn"] => add(type="n", value=AppendString("a", "b"));
    => permit();
};
issuancerules {
    c:[type=="svn"] => issue(type="r", value=NegateBool(c.value));
};
""")
        claims = self.file("c.json", json.dumps({"svn": 2, "\x1b[2Jevil": "\x1b[2J"}))
        run = self.expect(REFUSED, "policy", "eval", policy, "--claims", claims, "--explain")
        for line in (f'{policy}:3 [type=="svn", value>=3] && [type=="other"] => deny();  did not fire', "nearest: svn = 2 (wanted value >= 3, found 2)",
                     '[type=="other"]  (not reached)', "matched: svn = 2", 'AppendString("a", "b") = "ab"', 'add n = "ab"', "=> permit();  fired",
                     "NegateBool(2) failed", "NegateBool takes a Boolean", "\nauthorizationrules\n", "\nissuancerules\n"):
            self.assertIn(line, run.out)
        self.assertNotIn("\x1b", run.out + run.err)
        result = self.expect_json(REFUSED, "policy", "eval", policy, "--claims", claims, "--json")
        self.assertEqual([r["fired"] for r in result["trace"]], [False, False, True, True, True])
        self.assertEqual(result["trace"][0]["conditions"][0]["nearest"]["found"], 2)

    def test_eval_of_named_claims(self):
        policy = self.file("p.txt", "version=1.0;authorizationrules{[type==\"a\",issuer==\"AttestationService\"]=>permit();};")
        for value in ({"a": True}, {"claims": {"a": "x"}}):
            self.expect(DONE, "policy", "eval", policy, "--claims", self.file("c.json", json.dumps(value)))
        for issuer, status in ((None, DONE), ("AttestationService", DONE), ("CustomClaim", REFUSED)):
            claim = {"type": "a", "value": 1, **({"issuer": issuer} if issuer else {})}
            self.expect(status, "policy", "eval", policy, "--claims", self.file("c.json", json.dumps([claim])))

    def test_eval_refusals(self):
        claims = self.file("c.json", "[]")
        deny = self.file("d.txt", "version=1.0;authorizationrules{=>deny();};")
        run = self.expect(REFUSED, "policy", "eval", deny, "--claims", claims)
        self.assertIn("deny", run.err)
        result = self.expect_json(REFUSED, "policy", "eval", deny, "--claims", claims, "--json")
        self.assertEqual("deny", result["decision"])
        broken = self.file("b.txt", "version=1.0;")
        result = self.expect_json(REFUSED, "policy", "eval", broken, "--claims", claims, "--json")
        self.assertEqual("error", result["decision"])

    def test_eval_misuse(self):
        policy = self.file("p.txt", PERMIT)
        self.expect(MISUSE, "policy", "eval", policy)
        for text in ("", "1", "[1]", '[{"type":"a"}]', '[{"type":"a","value":1.5}]', '[{"type":1,"value":1}]',
                     '[{"type":"a","value":1,"issuer":"Nobody"}]', '{"a":null}'):
            self.expect(MISUSE, "policy", "eval", policy, "--claims", self.file("c.json", text))

    @needs_corpus
    def test_vectors(self):
        data = json.loads((SHARED / "corpus/policies/VECTORS.json").read_text())
        decisions = {"permit": "permit", "deny": "deny", "eval-error": "error", "parse-error": "error"}
        for vector in data["vectors"][::1 if LONG else 5]:
            with self.subTest(n=vector["n"]):
                policy = self.file("p.txt", vector["policy"])
                claims = self.file("c.json", json.dumps(data["claim_sets"][vector["claims"]]))
                status = DONE if vector["expect"] == "permit" else REFUSED
                result = self.expect_json(status, "policy", "eval", policy, "--claims", claims, "--json")
                self.assertEqual(decisions[vector["expect"]], result["decision"])
                if status == DONE:
                    self.assertEqual(vector["token"], result["issued"])
                    self.assertEqual(vector["properties"], result["properties"])


def unsigned(payload, header=None):
    return b64u(json.dumps(header or {"alg": "none"}).encode()) + "." + b64u(json.dumps(payload).encode()) + "."


class TokenShow(CliCase):
    def test_show(self):
        token = unsigned({"iss": "https://x", "exp": 1668717000, "note": "plain"})
        run = self.expect(DONE, "token", "show", token)
        self.assertIn("2022-11-17T20:30:00Z", run.out)
        self.assertIn("plain", run.out)
        self.assertIn("verified", run.err)
        tree = self.expect_json(DONE, "token", "show", "--json", token)
        self.assertEqual({"alg": "none"}, tree["header"])
        self.assertEqual(1668717000, tree["payload"]["exp"])
        self.assertEqual({"exp": "2022-11-17T20:30:00Z"}, tree["times"])

    def test_forms(self):
        token = unsigned({"a": 1})
        for data in (token, token + "\n", json.dumps({"token": token}), json.dumps(token)):
            self.assertEqual({"a": 1}, self.expect_json(DONE, "token", "show", "--json", self.file("t", data))["payload"])
        self.expect(DONE, "token", "show", "-", stdin=token.encode())

    def test_not_a_token(self):
        for data in (b"", b"x", b"a.b", b"a.b.c", b"e30.e30", b"....", b"eyJ.\xff\xfe.x", b"{}", b'{"token":1}', b"\0" * 999,
                     b64u(b"[]").encode() + b".e30."):
            self.expect(REFUSED, "token", "show", self.file("t", data))
        self.expect(MISUSE, "token", "show", self.file("t", b"x" * (3 << 20)))

    def test_terminal_is_not_steered(self):
        run = self.expect(DONE, "token", "show", unsigned({"a\033[2J": "b\033]0;x\a\u009b\u202e\r\n"}))
        self.assertFalse(set("\033\a\r\u009b\u202e") & set(run.out), repr(run.out))

    @needs_corpus
    def test_recorded(self):
        for path in sorted((SHARED / "spec/examples").glob("recorded-attest-*-simple.json")):
            token = json.loads(path.read_text())["response"]["body"]["token"]
            self.assertIn("x-ms-sgx-mrenclave", self.expect(DONE, "token", "show", token).out)


@needs_openssl
class TokenVerify(CliCase):
    @classmethod
    def setUpClass(cls):
        import tempfile
        cls.keep = tempfile.TemporaryDirectory(prefix="assay-cli-keys-")
        folder = Path(cls.keep.name)
        cls.signer, cls.other = Signer(folder, "a", "a.example"), Signer(folder, "b", "b")

    @classmethod
    def tearDownClass(cls):
        cls.keep.cleanup()

    ISSUER = "https://a.example"
    AT = "2026-01-01T12:00:00Z"
    NOW = 1767268800

    def token(self, signer=None, header=None, drop=(), **members):
        head = {"alg": "RS256", "jku": f"{members.get('iss', self.ISSUER)}/certs", "kid": "k1", "typ": "JWT"}
        head.update(header or {})
        payload = {"exp": self.NOW + 3600, "iat": self.NOW, "iss": self.ISSUER, "nbf": self.NOW, "x": "y"}
        payload.update(members)
        for name in drop:
            head.pop(name, None)
            payload.pop(name, None)
        return (signer or self.signer).sign(head, payload)

    def jwks(self, *keys):
        return self.file("jwks.json", json.dumps({"keys": list(keys) or [self.other.jwk("k0"), self.signer.jwk("k1")]}))

    def verify(self, status, token, *args):
        return self.expect(status, "token", "verify", token, "--at", self.AT, *args)

    def test_accepted(self):
        run = self.verify(DONE, self.token(), "--jwks", self.jwks(), "--issuer", self.ISSUER)
        for step in ("form", "key", "signature", "iss", "jku", "exp", "nbf", "iat"):
            self.assertRegex(run.out, rf"(?m)^✓ {step} ")
        self.assertTrue(run.out.endswith("accepted\n"))
        self.verify(DONE, self.token(), "--jwks", self.jwks())
        result = json.loads(self.verify(DONE, self.token(), "--jwks", self.jwks(), "--json").out)
        self.assertEqual(("accepted", None, "y"), (result["verdict"], result["failed"], result["claims"]["x"]))

    def refused(self, token, step, *args):
        run = self.verify(REFUSED, token, "--jwks", self.jwks(), "--json", *args)
        result = json.loads(run.out)
        self.assertEqual("rejected", result["verdict"])
        self.assertIsNone(result["claims"])
        self.assertEqual(step, result["steps"][-1]["step"], run.out)
        self.assertEqual("fail", result["steps"][-1]["result"])
        self.assertIn(step, run.err)

    def test_signature(self):
        token = self.token()
        self.refused(self.token(self.other), "signature")
        head, payload, signature = token.split(".")
        self.refused(f"{head}.{b64u(b'{}')}.{signature}", "signature")
        self.refused(f"{head}.{payload}.{b64u(bytes(256))}", "signature")
        self.refused(f"{head}.{payload}.", "form")

    def test_key(self):
        self.refused(self.token(header={"kid": "k9"}), "key")
        self.verify(DONE, self.token(drop=("kid",)), "--jwks", self.jwks())
        self.refused(self.token(self.other, header={"kid": "k1"}), "signature")
        run = self.verify(REFUSED, self.token(), "--jwks", self.file("j", '{"keys":[]}'))
        self.assertIn("no keys", run.err)
        self.verify(REFUSED, self.token(), "--jwks", self.file("j", '{"keys":[{"kid":"k1","kty":"RSA","x5c":["AAAA"]}]}'))
        self.verify(MISUSE, self.token(), "--jwks", "nowhere")

    def test_bare_key(self):
        modulus = bytes.fromhex(subprocess.run(["openssl", "rsa", "-in", str(self.signer.key), "-noout", "-modulus"],
                                               capture_output=True, check=True).stdout.decode().split("=")[1].strip())
        key = {"kid": "k1", "kty": "RSA", "n": b64u(modulus), "e": "AQAB"}
        self.verify(DONE, self.token(), "--jwks", self.jwks(key))

    def test_issuer(self):
        self.refused(self.token(iss="https://evil.example"), "iss", "--issuer", self.ISSUER)
        self.refused(self.token(drop=("iss",)), "iss")
        self.refused(self.token(header={"jku": "https://evil.example/certs"}), "jku")
        self.verify(DONE, self.token(drop=("jku",)), "--jwks", self.jwks())
        self.verify(DONE, self.token(), "--jwks", self.jwks(), "--issuer", self.ISSUER + "/")

    def test_times(self):
        self.refused(self.token(exp=self.NOW), "exp")
        self.refused(self.token(drop=("exp",)), "exp")
        self.refused(self.token(exp="soon"), "exp")
        self.refused(self.token(exp=2**63 - 1), "exp")
        self.refused(self.token(nbf=self.NOW + 1), "nbf")
        self.refused(self.token(iat=self.NOW + 1), "iat")
        self.verify(DONE, self.token(nbf=self.NOW + 60, iat=self.NOW + 60), "--jwks", self.jwks(), "--leeway", "60")
        self.verify(DONE, self.token(drop=("nbf", "iat")), "--jwks", self.jwks())
        self.expect(REFUSED, "token", "verify", self.token(), "--jwks", self.jwks())  # by the clock
        self.expect(DONE, "token", "verify", self.token(exp=int(time.time()) + 999), "--jwks", self.jwks())
        self.expect(DONE, "token", "verify", self.token(), "--jwks", self.jwks(), "--at", self.NOW + 5)

    def test_unsigned(self):
        token = unsigned({"exp": self.NOW + 1, "iss": self.ISSUER})
        self.refused(token, "signature")
        run = self.verify(DONE, token, "--jwks", self.jwks(), "--allow-unsigned")
        self.assertRegex(run.out, r"(?m)^– signature ")
        head, payload, _ = self.token().split(".")
        none = b64u(b'{"alg":"none"}')
        self.refused(f"{none}.{payload}.AAAA", "form", "--allow-unsigned")

    def test_algorithm_is_the_keys(self):
        for alg in ("HS256", "ES256", "PS256", "RS384", "none "):
            token = self.token(header={"alg": alg})
            self.verify(REFUSED, token, "--jwks", self.jwks())
        self.refused(self.token(header={"crit": ["x"]}), "form")

    def test_misuse(self):
        self.expect(MISUSE, "token", "verify", self.token())
        self.expect(MISUSE, "token", "verify", self.token(), "--jwks", self.jwks(), "--at", "yesterday")
        self.expect(MISUSE, "token", "verify", self.token(), "--jwks", self.jwks(), "--leeway", "-1")

    def serve(self, routes):
        server = Server(self.signer, routes)
        self.addCleanup(server.close)
        return server

    def test_from_issuer(self):
        server = self.serve({})
        keys = json.dumps({"keys": [self.signer.jwk("k1")]}).encode()
        metadata = {"issuer": server.url, "jwks_uri": f"{server.url}/certs"}
        server.routes.update({"/.well-known/openid-configuration": (200, json.dumps(metadata).encode()),
                              "/certs": (200, keys)})
        token = self.token(iss=server.url)
        self.verify(DONE, token, "--issuer", server.url, "--ca", self.signer.pem)
        self.expect(DONE, "token", "verify", token, "--at", self.AT, "--issuer", server.url,
                    env={"NODE_EXTRA_CA_CERTS": str(self.signer.pem)})
        self.verify(MISUSE, token, "--issuer", server.url)  # the server's certificate is not trusted
        self.verify(MISUSE, token, "--issuer", server.url, "--ca", self.other.pem)
        # Metadata that point elsewhere, or name another issuer.
        for change in ({"jwks_uri": "https://evil.example/certs"}, {"issuer": "https://evil.example"}):
            server.routes["/.well-known/openid-configuration"] = (200, json.dumps({**metadata, **change}).encode())
            self.verify(REFUSED, token, "--issuer", server.url, "--ca", self.signer.pem)
        server.routes["/.well-known/openid-configuration"] = (500, b"")
        self.verify(REFUSED, token, "--issuer", server.url, "--ca", self.signer.pem)
        server.routes["/.well-known/openid-configuration"] = (200, b"{" + b" " * (5 << 20))
        self.assertIn("more than", self.verify(MISUSE, token, "--issuer", server.url, "--ca", self.signer.pem).err)

    def test_plain_http_is_refused(self):
        self.assertIn("https", self.verify(MISUSE, self.token(), "--issuer", "http://127.0.0.1:1").err)
        self.verify(MISUSE, self.token(), "--issuer", "file:///etc/passwd")

    @needs_corpus
    def test_recorded(self):
        signed = unsecured = 0
        for path in sorted((SHARED / "spec/recordings/cpp-sdk").glob("Attestation-AttestationTests.*.json")):
            bodies = [json.loads(record["Response"]["BODY"]) for record in json.loads(path.read_text())["networkCallRecords"]]
            keys = [body for body in bodies if "keys" in body]
            jwks = self.file("jwks.json", json.dumps(keys[0]) if keys else '{"keys":[]}')
            for token in (body["token"] for body in bodies if "token" in body):
                payload = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
                args = (token, "--jwks", jwks, "--issuer", payload["iss"], "--at", payload["iat"])
                with self.subTest(path.name):
                    if token.endswith("."):
                        unsecured += 1
                        self.expect(REFUSED, "token", "verify", *args)
                        self.expect(DONE, "token", "verify", *args, "--allow-unsigned")
                    else:
                        signed += 1
                        self.expect(DONE, "token", "verify", *args)
        self.assertGreater(signed, 5)
        self.assertGreater(unsecured, 2)


@needs_openssl
class Attest(CliCase):
    QUOTE = (3).to_bytes(2, "little") + (2).to_bytes(2, "little") + bytes(44 + 384)
    REPORT = (1).to_bytes(4, "little") + (2).to_bytes(4, "little") + len(QUOTE).to_bytes(8, "little") + QUOTE

    @classmethod
    def setUpClass(cls):
        import tempfile
        cls.keep = tempfile.TemporaryDirectory(prefix="assay-cli-keys-")
        cls.signer = Signer(Path(cls.keep.name), "tls", "localhost")
        cls.token = unsigned({"iss": "x", "exp": 1668717000})
        cls.server = Server(cls.signer, {})

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        cls.keep.cleanup()

    def setUp(self):
        super().setUp()
        self.server.requests.clear()
        self.server.routes.clear()
        answer = (200, json.dumps({"token": self.token}).encode())
        self.server.routes.update({"/attest/SgxEnclave": answer, "/attest/OpenEnclave": answer, "/attest/TdxVm": answer,
                                   "/attest/SevSnpVm": answer})

    def attest(self, status, data, *args, **kw):
        return self.expect(status, "attest", self.server.url, self.file("evidence", data), "--ca", self.signer.pem, *args,
                           **kw)

    def body(self):
        method, path, headers, body = self.server.requests[-1]
        self.assertEqual("POST", method)
        self.assertEqual("application/json", headers["Content-Type"])
        return path, headers, json.loads(body)

    def test_quote(self):
        run = self.attest(DONE, self.QUOTE)
        self.assertEqual(self.token + "\n", run.out)
        path, _, body = self.body()
        self.assertEqual("/attest/SgxEnclave?api-version=2022-08-01", path)
        self.assertEqual({"quote": b64u(self.QUOTE)}, body)

    def test_td_quote(self):
        quote = b"\x04\0\x02\0\x81\0\0\0" + bytes(700)
        self.attest(DONE, quote)
        path, _, body = self.body()
        self.assertEqual("/attest/TdxVm?api-version=2025-06-01", path)
        self.assertEqual({"quote": b64u(quote)}, body)

    def test_report_and_every_option(self):
        run_data, init, policy = self.file("r", b"{}\0"), self.file("i", b"\xff"), self.file("p", PERMIT)
        self.attest(DONE, self.REPORT, "--runtime-data", run_data, "--runtime-type", "json", "--init-data", init,
                    "--init-type", "binary", "--nonce", "n\"1", "--draft-policy", policy, "--api-version", "2020-10-01",
                    env={"ASSAY_TOKEN": "abc"})
        path, headers, body = self.body()
        self.assertEqual("/attest/OpenEnclave?api-version=2020-10-01", path)
        self.assertEqual("Bearer abc", headers["Authorization"])
        self.assertEqual({"report": b64u(self.REPORT), "runtimeData": {"data": b64u(b"{}\0"), "dataType": "JSON"},
                          "initTimeData": {"data": b64u(b"\xff"), "dataType": "Binary"}, "nonce": "n\"1",
                          "draftPolicyForAttestation": PERMIT}, body)
        # The token is for the service that ASSAY_URL names.
        for url, sent in ((self.server.url + "/", True), ("https://other.example", False)):
            self.attest(DONE, self.REPORT, env={"ASSAY_TOKEN": "abc", "ASSAY_URL": url})
            self.assertEqual(sent, "Authorization" in self.body()[1])
        self.attest(DONE, self.REPORT, "--token-file", self.file("token", "of-a-file\n"), env={"ASSAY_TOKEN": "abc"})
        self.assertEqual("Bearer of-a-file", self.body()[1]["Authorization"])
        self.attest(MISUSE, self.REPORT, env={"ASSAY_TOKEN": "abc\r\nX-Other: 1"})
        self.attest(DONE, self.REPORT, "--type", "sgx")
        self.assertIn("quote", self.body()[2])

    def test_decoded(self):
        self.assertIn("2022-11-17T20:30:00Z", self.attest(DONE, self.QUOTE, "--show").out)
        tree = json.loads(self.attest(DONE, self.QUOTE, "--json").out)
        self.assertEqual(self.token, tree["token"])
        self.assertEqual("x", tree["payload"]["iss"])

    def test_refused_by_the_service(self):
        error = {"error": {"code": "InvalidParameter", "message": "sgx.quote.signature failed"}}
        self.server.routes["/attest/SgxEnclave"] = (400, json.dumps(error).encode())
        run = self.attest(REFUSED, self.QUOTE)
        self.assertIn("InvalidParameter", run.err)
        self.assertIn("sgx.quote.signature", run.err)
        self.assertEqual("", run.out)
        self.assertEqual(error, json.loads(self.attest(REFUSED, self.QUOTE, "--json").out))

    def test_sev_snp_report(self):
        folder = self.dir / "snp"
        self.expect(DONE, "simulate", "snp", "--seed", "3", "-o", folder)
        report, chain = ((folder / name).read_bytes() for name in ("snp-report.bin", "chain.pem"))
        self.attest(DONE, report, "--certs", f"{folder}/chain.pem")
        path, _, body = self.body()
        self.assertEqual("/attest/SevSnpVm?api-version=2022-08-01", path)
        sent = json.loads(decoded(body["report"]))
        self.assertEqual(report, decoded(sent["SnpReport"]))
        self.assertEqual(chain.split(), decoded(sent["VcekCertChain"]).split())
        self.attest(DONE, report)
        self.assertEqual(["SnpReport"], list(json.loads(decoded(self.body()[2]["report"]))))
        whole = (folder / "report.json").read_bytes()
        self.attest(DONE, whole)
        self.assertEqual(whole, decoded(self.body()[2]["report"]))
        self.attest(MISUSE, whole, "--certs", f"{folder}/chain.pem")
        self.attest(MISUSE, self.QUOTE, "--certs", f"{folder}/chain.pem")
        self.attest(MISUSE, report, "--certs", f"{folder}/snp-report.bin")

    def test_hostile_answers(self):
        for body in (b"", b"x", b"[]", b'{"token":1}', b"\xff" * 99):
            self.server.routes["/attest/SgxEnclave"] = (200, body)
            self.attest(MISUSE, self.QUOTE)
        self.server.routes["/attest/SgxEnclave"] = (500, b"\033[2J not json")
        self.assertNotIn("\033", self.attest(REFUSED, self.QUOTE).err)
        self.server.routes["/attest/SgxEnclave"] = (302, b"", ("Location", "/attest/OpenEnclave"))
        self.attest(REFUSED, self.QUOTE)
        self.assertFalse([r for r in self.server.requests if "OpenEnclave" in r[1] or r[0] == "GET"])

    def test_misuse(self):
        self.expect(MISUSE, "attest", "https://localhost:1", self.file("q", self.QUOTE))
        self.expect(MISUSE, "attest", "http://localhost:1", self.file("q", self.QUOTE))
        self.attest(MISUSE, self.QUOTE, "--runtime-type", "xml")
        self.attest(MISUSE, self.QUOTE, "--type", "zebra")
        self.attest(MISUSE, self.QUOTE, "--runtime-data", "nowhere")
        self.assertIn("ima", self.attest(REFUSED, b"whatever", "--type", "ima").err)
        self.attest(REFUSED, b"whatever else")


if __name__ == "__main__":
    unittest.main()
