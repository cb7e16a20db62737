"""Who may do what: tokens of real issuers, good and forged, each cell of the table of roles, and keys that come, turn and stay away."""
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

from issuer import CONTROL, DATA, Issuer, Keys
from service_case import Service, ServiceCase, b64u

VERSION = "?api-version=2022-08-01"
OLD = "api-version=2018-09-01-preview"
EMPTY = "eyJhbGciOiJub25lIn0.."
PERMIT = "version=1.0;authorizationrules{=>permit();};issuancerules{};"
SUBSCRIPTION, OTHER = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
ROLES = {"Owner": "rwd", "Contributor": "rwd", "Reader": "r", "Attestation Contributor": "rwd", "Attestation Reader": "r"}
A, B, DEVELOPMENT = "https://login.example/a", "https://login.example/b", "https://localhost/assay/development"


def policy(text=PERMIT):
    return ".".join((b64u(b'{"alg":"none"}'), b64u(json.dumps({"AttestationPolicy": b64u(text.encode())}).encode()), ""))


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def scope(subscription=SUBSCRIPTION, group=None, provider=None):
    text = f"/subscriptions/{subscription}"
    text += f"/resourceGroups/{group}" if group else ""
    return text + (f"/providers/Microsoft.Attestation/attestationProviders/{provider}" if provider else "")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# What each operation needs, with a body that the core would take of an AAD provider.
OPERATIONS = [
    ("GET", f"/policies/SgxEnclave{VERSION}", None, "r"),
    ("PUT", f"/policies/SgxEnclave{VERSION}", policy(), "w"),
    ("POST", f"/policies/SgxEnclave:reset{VERSION}", EMPTY, "d"),
    ("GET", f"/certificates{VERSION}", None, "r"),
    ("POST", f"/certificates:add{VERSION}", "nonsense", "w"),
    ("POST", f"/certificates:remove{VERSION}", "nonsense", "d"),
    ("GET", "/tcbbaselines/SgxEnclave?api-version=2022-09-01-preview", None, "r"),
    ("GET", "/assay/v1/history/policies/SgxEnclave", None, "r"),
    ("GET", "/assay/v1/history/shadow/SgxEnclave", None, "r"),
    ("GET", "/assay/v1/history/certificates", None, "r"),
    ("GET", "/assay/v1/shadow/SgxEnclave", None, "r"),
    ("PUT", "/assay/v1/shadow/SgxEnclave", policy(), "w"),
    ("POST", "/assay/v1/shadow/SgxEnclave:reset", EMPTY, "d"),
    ("GET", "/assay/v1/shadow/SgxEnclave:report", None, "r"),
    ("POST", "/assay/v1/explain/SgxEnclave", "{}", "r"),
    ("POST", f"/attest/SgxEnclave?{OLD}", "{}", "r"),
    ("GET", f"/operations/policy/current?tee=SgxEnclave&{OLD}", None, "r"),
    ("PUT", f"/operations/policy/current?tee=SgxEnclave&{OLD}", "\"nonsense\"", "w"),
    ("POST", f"/operations/policy/current?tee=SgxEnclave&{OLD}", EMPTY, "d"),
    ("POST", f"/operations/policy/updatepolicy?tee=SgxEnclave&{OLD}", policy(), "w"),
    ("GET", f"/operations/policy/certificates?{OLD}", None, "r"),
    ("PUT", f"/operations/policy/certificates?{OLD}", "nonsense", "w"),
    ("POST", f"/operations/policy/certificates?{OLD}", "nonsense", "d"),
]


class SignInCase(ServiceCase):
    """A service that knows the issuer A, which may speak for SUBSCRIPTION, and B, for OTHER; the first provider is in SUBSCRIPTION."""
    more = {}

    @classmethod
    def setUpClass(cls):
        cls.keys, cls.other = Keys("first", "second"), Keys("third")
        cls.files = tempfile.TemporaryDirectory()
        for keys in (cls.keys, cls.other):
            cls.addClassCleanup(keys.folder.cleanup)
        cls.addClassCleanup(cls.files.cleanup)
        cls.settings = {
            "provider first": {"subscription": SUBSCRIPTION, "group": "machines"},
            "issuer a": {"url": A, "jwks_file": cls.keys.write(f"{cls.files.name}/a"), "subscriptions": SUBSCRIPTION, "audiences": "api://assay"},
            "issuer b": {"url": B, "jwks_file": cls.other.write(f"{cls.files.name}/b"), "subscriptions": OTHER},
            "assignment alice": {"issuer": "a", "subject": "alice", "role": "Owner", "scope": "/"},
            "assignment carol": {"issuer": "b", "subject": "carol", "role": "Owner", "scope": "/"},
            **cls.more_settings(),
        }
        super().setUpClass()

    @classmethod
    def more_settings(cls):
        return cls.more

    def send(self, host, method, path, body, headers):
        context = ssl.create_default_context(cafile=self.service.ca)
        context.check_hostname = False
        c = http.client.HTTPSConnection(host, self.service.port, context=context, timeout=30)
        c._create_connection = lambda address, *args: socket.create_connection(("127.0.0.1", address[1]))
        with contextlib.closing(c):
            return self.service.call(method, path, body, headers, connection=c)

    def history(self, host="localhost", what="policies/SgxEnclave"):
        return self.send(host, "GET", f"/assay/v1/history/{what}", None, bearer(self.service.token))[1]["history"]

    def refused(self, token, check):
        before = len(self.history())
        answer = self.service.call("PUT", f"/policies/SgxEnclave{VERSION}", policy(), bearer(token))
        self.assert_error(answer, 401, "Unauthorized")
        challenge = answer[2]["WWW-Authenticate"]
        self.assertTrue(challenge.startswith(f'Bearer authorization_uri="{DEVELOPMENT}", resource="{DATA}"'), challenge)
        if check:
            self.assertIn(f', error="invalid_token", error_description="{check}: ', challenge)
            self.assertIn(check, answer[1]["error"]["message"])
        else:
            self.assertTrue(challenge.endswith(', error="insufficient_scope"'), challenge)
            self.assertIn("Microsoft.Attestation/attestationProviders/attestation/write", answer[1]["error"]["message"])
        self.assertEqual(len(self.history()), before)


class Tokens(SignInCase):
    def good(self, **claims):
        return self.keys.token(A, "alice", **claims)

    def test_good_ones(self):
        now = int(time.time())
        for token in (self.good(), self.good(kid="second"), self.good(aud=DATA + "/"), self.good(aud=["x", DATA]), self.good(aud="api://assay"),
                      self.good(exp=now - 200), self.good(nbf=now + 200), self.good(drop=("nbf", "typ"))):
            self.assertEqual(self.service.call("GET", f"/policies/SgxEnclave{VERSION}", headers=bearer(token))[0], 200)
        answer = self.service.call("GET", f"/policies/SgxEnclave{VERSION}", headers={"authorization": "bearer  " + self.good()})
        self.assertEqual(answer[0], 200)

    def test_who_changed_it_is_kept(self):
        self.assertEqual(self.service.call("PUT", f"/policies/Tpm{VERSION}", policy(), bearer(self.good()))[0], 200)
        self.assertEqual(self.history(what="policies/Tpm")[0]["caller"], f"{A} alice")

    def test_bad_ones(self):
        now = int(time.time())
        public = subprocess.run(["openssl", "x509", "-in", self.keys.signers["first"].pem, "-pubkey", "-noout"], check=True,
                                capture_output=True).stdout
        head, payload, signature = self.good().split(".")
        hs = b64u(json.dumps({"alg": "HS256", "kid": "first"}).encode()) + "." + payload
        none = b64u(json.dumps({"alg": "none", "kid": "first"}).encode()) + "." + payload + "."
        for name, token, check in (
                ("nothing", "", "bearer.form"), ("no token", "nonsense", "bearer.form"), ("cut", f"{head}.{payload}", "bearer.form"),
                ("long", "a" * 9000, "bearer.form"),
                ("a secret that everybody knows", hs + "." + b64u(hmac.new(public, hs.encode(), hashlib.sha256).digest()), "bearer.form"),
                ("not signed", none, "bearer.algorithm"),
                ("another algorithm", self.good(header={"alg": "ES256"}), "bearer.algorithm"),
                ("another padding", self.good(header={"alg": "PS256"}), "bearer.signature"),
                ("critical", self.good(header={"crit": ["exp"]}), "bearer.form"),
                ("another purpose", self.good(header={"typ": "logout+jwt"}), "bearer.type"),
                ("forged", self.other.token(A, "alice", header={"kid": "first"}), "bearer.signature"),
                ("changed", f"{head}.{payload[:-4]}AAAA.{signature}", None),
                ("its own key", self.other.token(A, "alice", header={"kid": "first", "jwk": self.other.signers["third"].jwk("first")}), "bearer.signature"),
                ("key of another issuer", self.other.token(A, "alice"), "bearer.key"),
                ("key without a name", self.good(header={"kid": None}), "bearer.key"),
                ("nobody's issuer", self.good(iss=A + "/"), "bearer.issuer"), ("no issuer", self.good(iss=None), "bearer.issuer"),
                ("issuer in another case", self.good(iss=A.upper()), "bearer.issuer"),
                ("expired", self.good(exp=now - 400), "bearer.expiry"), ("for ever", self.good(exp=None), "bearer.expiry"),
                ("not yet", self.good(nbf=now + 400), "bearer.not_before"),
                ("another service", self.good(aud="https://vault.azure.net"), "bearer.audience"),
                ("the control plane", self.good(aud=CONTROL), "bearer.audience"), ("for nobody", self.good(aud=None), "bearer.audience"),
                ("no subject", self.good(sub=None), "bearer.subject"), ("groups", self.good(groups="all"), "bearer.groups")):
            with self.subTest(name):
                if name == "changed":
                    self.assertEqual(self.service.call("PUT", f"/policies/SgxEnclave{VERSION}", policy(), bearer(token))[0], 401)
                else:
                    self.refused(token, check)

    def test_callers_without_the_right(self):
        for name, token in (("nobody", self.keys.token(A, "bob")), ("another letter case", self.keys.token(A, "Alice")),
                            ("issuer of another subscription", self.other.token(B, "carol")),
                            ("namesake of another issuer", self.other.token(B, "alice")),
                            ("roles of its own", self.keys.token(A, "bob", assay_roles=[{"role": "Owner", "scope": "/"}], roles=["Owner"]))):
            with self.subTest(name):
                self.refused(token, None)

    def test_a_scheme_that_is_none(self):
        for value in ("Basic YTpi", "Bearer", self.good(), "Bearer\t" + self.good()):
            answer = self.service.call("GET", f"/policies/SgxEnclave{VERSION}", headers={"Authorization": value})
            self.assert_error(answer, 401, "Unauthorized")

    def test_without_a_token(self):
        answer = self.service.call("GET", f"/policies/SgxEnclave{VERSION}")
        message = self.assert_error(answer, 401, "Unauthorized")
        self.assertEqual(message, f"Access to /policies/SgxEnclave{VERSION} requires a valid JWT bearer token".replace(VERSION, ""))
        self.assertEqual(answer[2]["WWW-Authenticate"], f'Bearer authorization_uri="{DEVELOPMENT}", resource="{DATA}"')

    def test_anonymous_operations_ignore_it(self):
        for value in ("Bearer nonsense", "Bearer " + self.good(exp=1), "nonsense", ""):
            self.assertEqual(self.service.call("GET", "/certs", headers={"Authorization": value})[0], 200)
            self.assertEqual(self.service.call("GET", "/servicehealth", headers={"Authorization": value})[0], 204)
            self.assert_token(self.service.call("POST", f"/attest/SgxEnclave{VERSION}", self.service.request_body(), {"Authorization": value}))

    def test_the_log_tells_the_check_and_no_token(self):
        token = self.good(exp=1)
        self.refused(token, "bearer.expiry")
        text = self.service.text()
        self.assertIn(" 401 bearer.expiry ", text)
        self.assertNotIn(token.split(".")[1][:40], text)


class RoleTable(SignInCase):
    """Operation by role by trust model."""
    HOSTS = {"AAD": "localhost", "Isolated": "isolated.localhost", "Shared": "shared.localhost"}

    @classmethod
    def more_settings(cls):
        port = free_port()
        settings = {
            "server": {"port": port}, "provider first": {"issuer": f"https://localhost:{port}", "subscription": SUBSCRIPTION, "group": "machines"},
            "provider isolated": {"issuer": f"https://isolated.localhost:{port}", "signers": cls.keys.signers["first"].pem,
                                  "subscription": SUBSCRIPTION, "group": "machines"},
            "provider shared": {"issuer": f"https://shared.localhost:{port}", "shared": "on"},
            "assignment group": {"issuer": "a", "group": "operators", "role": "Attestation Contributor", "scope": scope(SUBSCRIPTION.upper(), "MACHINES")},
            "assignment application": {"issuer": "a", "role_claim": "auditor", "role": "fd1bd22b-8476-40bc-a0bc-69b95687b9f3",
                                       "scope": scope(SUBSCRIPTION, "machines", "FIRST")},
            "assignment elsewhere": {"issuer": "a", "subject": "elsewhere", "role": "Owner", "scope": scope(SUBSCRIPTION, "machine")},
            "assignment outside": {"issuer": "a", "subject": "outside", "role": "Owner", "scope": scope(OTHER)},
        }
        for role in ROLES:
            settings[f"assignment {role}"] = {"issuer": "a", "subject": role, "role": role, "scope": scope()}
        cls.port = port
        return settings

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service.port = cls.port

    def allowed(self, model, operation, token):
        method, path, body, _ = operation
        status, answer, headers, raw = self.send(self.HOSTS[model], method, path, body, bearer(token))
        if status == 401:
            self.assertEqual(answer["error"]["code"], "Unauthorized")
            self.assertIn("insufficient_scope", headers["WWW-Authenticate"])
            return False
        self.assertIn(status, (200, 400, 403), (operation, raw[:300]))
        return True

    def check(self, name, token, rights, models=HOSTS):
        for model in models:
            granted = rights if model != "Shared" else "r"
            for operation in OPERATIONS:
                with self.subTest(caller=name, model=model, operation=operation[:2]):
                    self.assertEqual(self.allowed(model, operation, token), operation[3] in granted)

    def test_1_roles_that_write_nothing(self):
        for role in ("Reader", "Attestation Reader"):
            self.check(role, self.keys.token(A, role), "r")
        self.check("nobody", self.keys.token(A, "nobody"), "")
        self.check("elsewhere", self.keys.token(A, "elsewhere"), "")
        self.check("outside", self.keys.token(A, "outside"), "")
        self.check("of another subscription", self.other.token(B, "carol"), "")
        for host in self.HOSTS.values():
            for what in ("policies/SgxEnclave", "shadow/SgxEnclave", "certificates"):
                self.assertEqual([r for r in self.history(host, what) if r["caller"] != "the configuration"], [], (host, what))

    def test_2_roles_that_write(self):
        for role in ("Owner", "Contributor", "Attestation Contributor"):
            self.check(role, self.keys.token(A, role), "rwd")
        self.assertEqual([r["caller"].split(" ", 1)[0] for r in self.history()], [A] * 9)
        self.assertEqual(self.history(self.HOSTS["Isolated"]), [])  # what was sent was not signed
        self.assertEqual(self.history(self.HOSTS["Shared"]), [])

    def test_3_groups_and_application_roles(self):
        self.check("group", self.keys.token(A, "bob", groups=["others", "operators"]), "rwd")
        self.check("another group", self.keys.token(A, "bob", groups=["Operators", "operators2"], roles=["operators"]), "")
        auditor = self.keys.token(A, "bob", roles=["auditor"])
        self.check("application role", auditor, "r", ["AAD"])
        self.check("application role at another provider", auditor, "", ["Isolated"])

    def test_4_without_a_token_all_but_the_anonymous_is_refused(self):
        for host in self.HOSTS.values():
            for method, path, body, _ in OPERATIONS:
                self.assertEqual(self.send(host, method, path, body, {})[0], 401, path)

    def test_5_a_shared_provider_stays_as_it_is(self):
        answer = self.send(self.HOSTS["Shared"], "PUT", f"/policies/SgxEnclave{VERSION}", policy(), bearer(self.service.token))
        self.assertEqual(answer[0], 403, answer)


class Reloading(SignInCase):
    """Rights change with the configuration, all together or not at all."""

    def hang_up(self, text):
        with open(self.service.config, "w", encoding="utf-8") as f:
            f.write(text)
        before = len(self.service.text())
        self.service.process.send_signal(signal.SIGHUP)
        self.service.wait(lambda: " again\n" in self.service.text()[before:] or "nothing was reloaded" in self.service.text()[before:])
        return "nothing was reloaded" not in self.service.text()[before:]

    def status(self, token):
        return self.service.call("GET", f"/policies/SgxEnclave{VERSION}", headers=bearer(token))[0]

    def test_rights_that_are_taken_away(self):
        with open(self.service.config, encoding="utf-8") as f:
            good = f.read()
        alice, carol = self.keys.token(A, "alice"), self.other.token(B, "carol")
        self.assertEqual((self.status(alice), self.status(carol)), (200, 401))
        for name, change, whose in (
                ("another subject", ("subject = alice", "subject = bob"), (401, 401)), ("another scope", ("scope = /\n", f"scope = {scope(OTHER)}\n"), (401, 401)),
                ("another issuer", (f"url = {A}\n", f"url = {A}/\n"), (401, 401)), ("other keys", (f"{self.files.name}/a", f"{self.files.name}/b"), (401, 401)),
                ("the provider moves", (f"subscription = {SUBSCRIPTION}", f"subscription = {OTHER}"), (401, 200)),
                ("the issuer speaks for more", (f"subscriptions = {OTHER}", f"subscriptions = {OTHER}, {SUBSCRIPTION}"), (200, 200))):
            with self.subTest(name):
                self.assertNotEqual(good, good.replace(*change))
                self.assertTrue(self.hang_up(good.replace(*change)))
                self.assertEqual((self.status(alice), self.status(carol)), whose)
                self.assertTrue(self.hang_up(good))
                self.assertEqual((self.status(alice), self.status(carol)), (200, 401))
        for change in (("role = Owner", "role = King"), ("issuer = a\n", "issuer = x\n"), (f"{self.files.name}/a", f"{self.files.name}/none")):
            with self.subTest(change):
                self.assertFalse(self.hang_up(good.replace(*change).replace("subject = carol", "subject = alice")))
                self.assertEqual((self.status(alice), self.status(carol)), (200, 401))
        self.assertTrue(self.hang_up(good))


class Authority:
    """A CA of client certificates, and what it issues."""

    def __init__(self, name):
        self.folder = tempfile.TemporaryDirectory(prefix="assay-ca-")
        self.pem, self.key = self.path("ca.pem"), self.path("ca.key")
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650", "-keyout", self.key, "-out",
                     self.pem, "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign")
        spki = self.openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")
        self.issuer = "x509:" + hashlib.sha256(spki).hexdigest()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    @staticmethod
    def openssl(*args):
        return subprocess.run(["openssl", *args], check=True, capture_output=True).stdout

    def issue(self, name, subject, extensions="basicConstraints=CA:FALSE", days=("-days", "2")):
        """Files of a certificate with its key in one."""
        path, extfile = self.path(name), self.path(name + ".ext")
        with open(extfile, "w", encoding="utf-8") as f:
            f.write(extensions + "\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path + ".key", "-out", path + ".csr", "-subj",
                     subject, "-utf8")
        self.openssl("x509", "-req", "-in", path + ".csr", "-CA", self.pem, "-CAkey", self.key, "-CAcreateserial", "-out", path + ".pem", *days,
                     "-extfile", extfile)
        with open(path, "w", encoding="utf-8") as whole:
            for part in (path + ".key", path + ".pem"):
                with open(part, encoding="utf-8") as f:
                    whole.write(f.read())
        return path


class ClientCertificates(SignInCase):
    """Machines sign in with a certificate in place of a token."""
    URI = "spiffe://machines.example/agent"

    @classmethod
    def more_settings(cls):
        cls.authority, cls.stranger = Authority("machines"), Authority("machines")
        for authority in (cls.authority, cls.stranger):
            cls.addClassCleanup(authority.folder.cleanup)
        cls.port = port = free_port()
        return {
            "server": {"client_ca": cls.authority.pem, "port": port},
            "provider first": {"issuer": f"https://localhost:{port}", "subscription": SUBSCRIPTION, "group": "machines"},
            "control_plane": {"authority": f"localhost:{port}", "domain": f"localhost:{port}"},
            "assignment maker": {"issuer": "machines", "subject": "CN=maker", "role": "Contributor", "scope": scope(SUBSCRIPTION, "machines")},
            "issuer machines": {"url": cls.authority.issuer, "subscriptions": SUBSCRIPTION},
            "assignment agent": {"issuer": "machines", "subject": cls.URI, "role": "Attestation Reader", "scope": scope()},
            "assignment keeper": {"issuer": "machines", "subject": "CN=keeper,O=Machines", "role": "Attestation Contributor", "scope": scope()},
            "assignment far": {"issuer": "machines", "subject": "CN=far", "role": "Owner", "scope": scope(OTHER)},
        }

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service.port = cls.port

    def call(self, certificate, method="GET", path=f"/policies/SgxEnclave{VERSION}", body=None, headers=None):
        context = ssl.create_default_context(cafile=self.service.ca)
        if certificate:
            context.load_cert_chain(certificate)
        with contextlib.closing(http.client.HTTPSConnection("localhost", self.service.port, context=context, timeout=30)) as connection:
            return self.service.call(method, path, body, headers, connection=connection)

    def write(self, certificate, headers=None):
        return self.call(certificate, "PUT", f"/policies/OpenEnclave{VERSION}", policy(), headers)

    def test_a_uri_names_the_caller(self):
        agent = self.authority.issue("agent", "/O=Machines/CN=keeper", f"subjectAltName=DNS:host.example,URI:{self.URI}")
        self.assertEqual(self.call(agent)[0], 200)
        self.assert_error(self.write(agent), 401, "Unauthorized")

    def test_a_subject_names_the_caller(self):
        keeper = self.authority.issue("keeper", "/O=Machines/CN=keeper")
        self.assertEqual(self.write(keeper)[0], 200)
        self.assertEqual(self.history(what="policies/OpenEnclave")[0]["caller"], f"{self.authority.issuer} CN=keeper,O=Machines")

    def test_whom_nobody_gave_a_role(self):
        before = len(self.history(what="policies/OpenEnclave"))
        for subject, extensions in (("/CN=keeper", "basicConstraints=CA:FALSE"), ("/O=Machines/CN=Keeper", "basicConstraints=CA:FALSE"),
                                    ("/CN=far", "basicConstraints=CA:FALSE"), ("/CN=keeper\\,O=Machines", "basicConstraints=CA:FALSE"),
                                    ("/O=Machines/CN=keeper", "subjectAltName=URI:spiffe://machines.example/other"),
                                    ("/O=Machines/CN=keeper", f"subjectAltName=URI:{self.URI},URI:spiffe://machines.example/other")):
            with self.subTest(subject=subject, extensions=extensions):
                self.assert_error(self.write(self.authority.issue("other", subject, extensions)), 401, "Unauthorized")
        self.assertEqual(len(self.history(what="policies/OpenEnclave")), before)

    def test_certificates_that_are_not_good(self):
        """The handshake ends with them: nobody who has one is somebody without."""
        for name, certificate in (("of a stranger", self.stranger.issue("agent", "/CN=a", f"subjectAltName=URI:{self.URI}")),
                                  ("expired", self.authority.issue("expired", "/CN=a", f"subjectAltName=URI:{self.URI}", ("-days", "-1"))),
                                  ("of a server", self.authority.issue("server", "/CN=a", f"subjectAltName=URI:{self.URI}\nextendedKeyUsage=serverAuth"))):
            with self.subTest(name), self.assertRaises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
                self.call(certificate)

    def test_a_token_wins(self):
        keeper = self.authority.issue("keeper2", "/O=Machines/CN=keeper")
        self.assert_error(self.write(keeper, bearer("nonsense")), 401, "Unauthorized")
        self.assert_error(self.write(keeper, bearer(self.keys.token(A, "bob"))), 401, "Unauthorized")
        self.assertEqual(self.write(keeper, bearer(self.keys.token(A, "alice")))[0], 200)
        self.assertEqual(self.history(what="policies/OpenEnclave")[0]["caller"], f"{A} alice")

    def test_a_machine_makes_a_provider(self):
        maker, agent = self.authority.issue("maker", "/CN=maker"), self.authority.issue("agent2", "/CN=a", f"subjectAltName=URI:{self.URI}")
        path, body = scope(SUBSCRIPTION, "machines", "made") + "?api-version=2021-06-01", {"location": "westus", "properties": {}}
        self.assertEqual(self.call(None, "PUT", path, body)[0], 401)
        answer = self.call(agent, "PUT", path, body)
        self.assert_error(answer, 403, "AuthorizationFailed")
        answer = self.call(maker, "PUT", path, body)
        self.assertEqual(answer[0], 201, answer)
        self.assertEqual(answer[1]["systemData"]["createdByType"], "Key")
        self.assertEqual(self.call(maker, "PUT", path.replace("/machines/", "/others/"), body)[0], 403)
        self.assertEqual(self.call(maker, "DELETE", path)[0], 200)

    def test_without_one_all_goes_on(self):
        self.assertEqual(self.call(None)[0], 401)
        self.assertEqual(self.call(None, headers=bearer(self.keys.token(A, "alice")))[0], 200)
        self.assert_token(self.service.attest())
        self.assertIn(f"as an issuer it is {self.authority.issuer}", self.service.text())

    def test_tokens_cannot_say_that_they_are_of_a_ca(self):
        self.assert_error(self.write(None, bearer(self.keys.token(self.authority.issuer, "CN=keeper,O=Machines"))), 401, "Unauthorized")


class Discovery(unittest.TestCase):
    """Keys that the service fetches itself."""

    def start(self, *issuers, **settings):
        sections = {"core": {"pairs": 1}}
        for i, issuer in enumerate(issuers):
            sections[f"issuer i{i}"] = {"url": issuer.url, "ca_file": issuer.ca, "private_addresses": "on", "subscriptions": "all", **settings}
            sections[f"assignment a{i}"] = {"issuer": f"i{i}", "subject": "alice", "role": "Reader", "scope": "/"}
        service = Service({k: {n: v for n, v in s.items() if v is not None} for k, s in sections.items()})
        self.addCleanup(service.remove)
        return service

    def issuer(self, *kids):
        issuer = Issuer(*kids)
        self.addCleanup(issuer.close)
        return issuer

    def status(self, service, token):
        return service.call("GET", f"/policies/SgxEnclave{VERSION}", headers=bearer(token))[0]

    def test_keys_are_found_by_the_metadata(self):
        issuer, other = self.issuer("a"), self.issuer("b")
        service = self.start(issuer, other)
        service.wait(lambda: service.text().count("has 1 keys") >= 2)
        self.assertEqual(self.status(service, issuer.sign("alice")), 200)
        self.assertEqual(self.status(service, other.sign("alice")), 200)
        self.assertEqual(self.status(service, other.token(issuer.url, "alice", "b")), 401)

    def test_keys_turn(self):
        issuer = self.issuer("old", "new")
        issuer.publish("old")
        service = self.start(issuer, refresh_seconds=1)
        service.wait(lambda: self.status(service, issuer.sign("alice", "old")) == 200)
        issuer.publish("old", "new")
        service.wait(lambda: self.status(service, issuer.sign("alice", "new")) == 200)
        self.assertEqual(self.status(service, issuer.sign("alice", "old")), 200)
        issuer.publish("new")
        service.wait(lambda: self.status(service, issuer.sign("alice", "old")) == 401)
        self.assertEqual(self.status(service, issuer.sign("alice", "new")), 200)

    def test_an_unknown_key_is_asked_for_once(self):
        issuer = self.issuer("old", "new", "newer")
        issuer.publish("old")
        service = self.start(issuer)
        service.wait(lambda: self.status(service, issuer.sign("alice", "old")) == 200)
        asked = issuer.asked()
        began = time.monotonic()
        issuer.publish("new")
        self.assertEqual(self.status(service, issuer.sign("alice", "new")), 401)
        service.wait(lambda: self.status(service, issuer.sign("alice", "new")) == 200)
        self.assertEqual(issuer.asked(), asked + 1)
        for _ in range(5):
            self.assertEqual(self.status(service, issuer.sign("alice", "newer")), 401)
        if time.monotonic() - began < 25:  # else half a minute may be over
            self.assertEqual(issuer.asked(), asked + 1)

    def test_an_issuer_that_goes_away_leaves_its_keys(self):
        issuer = self.issuer("a")
        service = self.start(issuer, refresh_seconds=1)
        service.wait(lambda: self.status(service, issuer.sign("alice")) == 200)
        issuer.server.routes = {}
        service.wait(lambda: "seconds ago stay" in service.text())
        self.assertEqual(self.status(service, issuer.sign("alice")), 200)
        issuer.publish()
        asked = issuer.asked()
        service.wait(lambda: issuer.asked() > asked)
        self.assertEqual(self.status(service, issuer.sign("alice")), 200)

    def test_keys_survive_a_reload(self):
        issuer = self.issuer("a")
        service = self.start(issuer)
        service.wait(lambda: self.status(service, issuer.sign("alice")) == 200)
        asked = issuer.asked()
        service.process.send_signal(signal.SIGHUP)
        service.wait(lambda: " again\n" in service.text())
        self.assertEqual(self.status(service, issuer.sign("alice")), 200)
        self.assertEqual(issuer.asked(), asked)

    def test_what_is_not_believed(self):
        """A start without a good issuer succeeds, and its tokens are refused until it is there."""
        for name, change, reason in (
                ("another issuer", lambda i: i.publish(issuer=i.url + "/"), "of another issuer"),
                ("plain http for keys", lambda i: i.publish(jwks_uri=i.server.url.replace("https", "http") + "/keys"), "no https address"),
                ("a file for keys", lambda i: i.publish(jwks_uri="file:///etc/passwd"), "no https address"),
                ("redirect", lambda i: i.server.routes.update({"/keys": (302, b"", ("Location", "/other"))}), "answered 302"),
                ("too large", lambda i: i.server.routes.update({"/keys": (200, b" " * 300000)}), "more than"),
                ("no keys", lambda i: i.server.routes.update({"/keys": (200, b'{"keys":[]}')}), "no key of the set"),
                ("no JSON", lambda i: i.server.routes.update({"/keys": (200, b"<html>")}), "/tenant: its keys cannot be fetched")):
            with self.subTest(name):
                issuer = self.issuer("a")
                change(issuer)
                service = self.start(issuer, refresh_seconds=1)
                service.wait(lambda: "its tokens are refused until they are" in service.text())
                self.assertIn(reason, service.text())
                self.assertEqual(self.status(service, issuer.sign("alice")), 401)
                self.assertEqual(service.attest()[0], 200)
                issuer.publish(issuer=issuer.url, jwks_uri=issuer.server.url + "/keys")
                service.wait(lambda: self.status(service, issuer.sign("alice")) == 200)

    def test_whom_the_connection_must_be_to(self):
        for name, settings, reason in (("private", {"private_addresses": "off"}, "not a public one"),
                                       ("by default", {"private_addresses": None}, "not a public one"),
                                       ("not trusted", {"ca_file": None}, "certificate")):
            with self.subTest(name):
                issuer = self.issuer("a")
                service = self.start(issuer, **settings)
                service.wait(lambda: "its tokens are refused until they are" in service.text())
                self.assertIn(reason, service.text())
                self.assertEqual(issuer.server.requests, [])
                self.assertEqual(self.status(service, issuer.sign("alice")), 401)

    def test_an_issuer_that_never_answers(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            issuer = self.issuer("a")
            good, issuer.url = issuer.url, f"https://localhost:{silent.getsockname()[1]}/tenant"
            service = self.start(issuer)
            self.assertEqual(service.attest()[0], 200)
            self.assertEqual(self.status(service, issuer.sign("alice")), 401)
            self.assertEqual(service.stop(), 0)  # and ends at once, whatever is under way
            service.start()
            service.wait(lambda: "its tokens are refused until they are" in service.text())
            self.assertNotEqual(good, issuer.url)


class DevelopmentIssuer(ServiceCase):
    """assay login --dev, as it is used."""

    def login(self, *args):
        program = os.path.join(os.environ.get("ASSAY_BUILD", "build/test"), "src/cli/assay")
        run = subprocess.run([program, "login", "--dev", "--state", os.path.join(self.service.folder, "state"), *args], capture_output=True,
                             text=True, check=True)
        return run.stdout.strip()

    def status(self, method, path, token, body=None):
        return self.service.call(method, path, body, bearer(token))[0]

    def test_roles_and_scopes(self):
        here = scope("00000000-0000-0000-0000-000000000001")
        read, write = ("GET", f"/policies/SgxEnclave{VERSION}"), ("POST", f"/policies/SgxEnclave:reset{VERSION}")
        for args, may_read, may_write in (((), 1, 1), (("--role", "Reader"), 1, 0), (("--role", "Attestation Contributor", "--scope", here), 1, 1),
                                          (("--scope", scope("x"), "--scope", here + "/resourceGroups/default"), 1, 1), (("--scope", scope("x")), 0, 0)):
            token = self.login(*args)
            self.assertEqual(self.status(*read, token), 200 if may_read else 401, args)
            self.assertEqual(self.status(*write, token, EMPTY), 200 if may_write else 401, args)

    def test_the_key_is_its_owners_alone(self):
        self.assertEqual(os.stat(os.path.join(self.service.folder, "state/issuer.key")).st_mode & 0o777, 0o600)

    def test_its_tokens_are_nothing_to_a_configured_service(self):
        keys = Keys("a")
        self.addCleanup(keys.folder.cleanup)
        service = Service({"core": {"pairs": 1}, "assignment developer": {"subject": "somebody"}})
        self.addCleanup(service.remove)
        self.assertEqual(service.call("GET", f"/policies/SgxEnclave{VERSION}", headers=bearer(service.token))[0], 401)


if __name__ == "__main__":
    unittest.main()
