"""assay provider: what goes to a control plane, and what is made of its answers."""
import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "service"))
from cli_case import DONE, MISUSE, REFUSED, CliCase, Server, Signer, b64, needs_openssl
from service_case import Service

SUB = "/subscriptions/s1"
SPACE = "/providers/Microsoft.Attestation"
LIST, GROUP_LIST = SUB + SPACE + "/attestationProviders", SUB + "/resourceGroups/lab" + SPACE + "/attestationProviders"
FIRST = GROUP_LIST + "/first"
PROVIDER = {"id": FIRST, "name": "first", "type": "Microsoft.Attestation/attestationProviders", "location": "westus", "tags": {"owner": "ada"},
            "properties": {"trustModel": "AAD", "status": "Ready", "attestUri": "https://first.wus.attest.example",
                           "publicNetworkAccess": None, "tpmAttestationAuthentication": "Disabled"}}
ESCAPE = "\x1b[2J"


def reply(status, body=None):
    return status, b"" if body is None else json.dumps(body).encode()


def error(status, code, message):
    return reply(status, {"error": {"code": code, "message": message}})


@needs_openssl
class Provider(CliCase):
    def setUp(self):
        super().setUp()
        self.signer = Signer(self.dir, "server", "localhost")
        self.server = Server(self.signer, {})
        self.addCleanup(self.server.close)

    def provider(self, status, member, *args, env=None):
        environment = {"ASSAY_ARM_URL": self.server.url, "ASSAY_SUBSCRIPTION": "s1", "ASSAY_RESOURCE_GROUP": "lab",
                       "NODE_EXTRA_CA_CERTS": str(self.signer.pem)}
        environment.update(env or {})
        return self.expect(status, "provider", member, *args, env={k: v for k, v in environment.items() if v is not None})

    def sent(self):
        method, path, headers, body = self.server.requests[-1]
        return method, path, headers, json.loads(body) if body else None

    def test_create(self):
        self.server.routes[FIRST] = reply(201, PROVIDER)
        run = self.provider(DONE, "create", "-n", "first", "-l", "West US", "--tags", "owner=ada", "--tags", "x=a=b", "--public-network-access",
                            "disabled", "--tpm-authentication", "Enabled")
        method, path, headers, body = self.sent()
        self.assertEqual(("PUT", FIRST + "?api-version=2021-06-01"), (method, path))
        self.assertEqual("application/json", headers["Content-Type"])
        self.assertEqual({"location": "WestUS", "tags": {"owner": "ada", "x": "a=b"},
                          "properties": {"publicNetworkAccess": "Disabled", "tpmAttestationAuthentication": "Enabled"}}, body)
        self.assertIn("https://first.wus.attest.example", run.out)
        self.assertIn("owner=ada", run.out)
        self.assertEqual("", run.err)

    def test_create_isolated(self):
        self.server.routes[FIRST] = reply(201, PROVIDER)
        other = Signer(self.dir, "other", "other")
        both = self.file("both.pem", self.signer.pem.read_bytes() + other.pem.read_bytes())
        self.provider(DONE, "create", "-n", "first", "-l", "westus", "--signers", both, "--signers", other.pem)
        self.assertEqual([{"kty": "RSA", "x5c": [b64(der)]} for der in (self.signer.der, other.der, other.der)],
                         self.sent()[3]["properties"]["policySigningCertificates"]["keys"])
        count = len(self.server.requests)
        self.provider(MISUSE, "create", "-n", "first", "-l", "westus", "--signers", self.file("bad.pem", "no certificate"))
        self.assertIn("nowhere", self.provider(MISUSE, "create", "-n", "first", "-l", "westus", "--signers", "nowhere").err)
        self.assertEqual(count, len(self.server.requests))

    def test_show(self):
        self.server.routes[FIRST] = reply(200, PROVIDER)
        run = self.provider(DONE, "show", "--name", "first")
        self.assertRegex(run.out, r"(?m)^resource group +lab$")
        self.assertRegex(run.out, r"(?m)^public network access +-$")
        self.assertRegex(run.out, r"(?m)^TPM authentication +Disabled$")
        self.assertEqual(PROVIDER, json.loads(self.provider(DONE, "show", "--name", "first", "--json").out))

    def test_list(self):
        other = {"id": 1, "name": "other" + ESCAPE, "location": None, "properties": []}
        self.server.routes[LIST] = reply(200, {"value": [PROVIDER, other]})
        self.server.routes[GROUP_LIST] = reply(200, {"value": []})
        lines = self.provider(DONE, "list").out.splitlines()
        self.assertEqual(["NAME", "GROUP", "LOCATION", "TRUST", "MODEL", "ADDRESS"], lines[0].split())
        self.assertEqual(["first", "lab", "westus", "AAD", "https://first.wus.attest.example"], lines[1].split())
        self.assertEqual(3, len(lines))
        self.assertNotIn("\x1b", lines[2])
        self.assertEqual(1, len(self.provider(DONE, "list", "-g", "lab").out.splitlines()))
        self.assertEqual({"value": []}, json.loads(self.provider(DONE, "list", "-g", "lab", "--json").out))

    def test_list_default(self):
        self.server.routes[SUB + SPACE + "/defaultProviders"] = reply(200, {"value": [PROVIDER]})
        self.server.routes[SUB + SPACE + "/locations/westus/defaultProvider"] = reply(200, PROVIDER)
        self.assertEqual(2, len(self.provider(DONE, "list-default").out.splitlines()))
        self.assertRegex(self.provider(DONE, "list-default", "-l", "west us").out, r"(?m)^name +first$")

    def test_update(self):
        self.server.routes[FIRST] = reply(200, PROVIDER)
        self.provider(DONE, "update", "-n", "first", "--tpm-authentication", "disabled")
        self.assertEqual(("PATCH", {"properties": {"tpmAttestationAuthentication": "Disabled"}}), (self.sent()[0], self.sent()[3]))
        self.provider(DONE, "update", "-n", "first", "--no-tags")
        self.assertEqual({"tags": {}}, self.sent()[3])
        self.assertIn("nothing to change", self.provider(MISUSE, "update", "-n", "first").err)

    def test_delete(self):
        for status, deleted in ((200, True), (202, True), (204, False)):
            self.server.routes[FIRST] = reply(status)
            self.assertEqual({"deleted": deleted}, json.loads(self.provider(DONE, "delete", "-n", "first", "--json").out))
        self.assertEqual("DELETE", self.sent()[0])
        self.assertIn("no such provider", self.provider(DONE, "delete", "-n", "first").out)

    def test_refused(self):
        self.server.routes[FIRST] = error(409, "NameNotAvailable", "The name is taken." + ESCAPE)
        for member, *rest in (("create", "-l", "westus"), ("show",), ("update", "--no-tags"), ("delete",)):
            run = self.provider(REFUSED, member, "-n", "first", *rest)
            self.assertIn("409, NameNotAvailable", run.err)
            self.assertIn("The name is taken.", run.err)
            self.assertNotIn("\x1b[2J", run.err)
            self.assertEqual("", run.out)
        self.server.routes[FIRST] = error(401, "Unauthorized", "A token is needed.")
        self.assertIn("--token-file", self.provider(REFUSED, "show", "-n", "first").err)
        self.server.routes[FIRST] = 200, b"<html>"
        self.assertIn("no JSON", self.provider(MISUSE, "show", "-n", "first").err)

    def test_token_goes_to_its_service_alone(self):
        self.server.routes[LIST] = reply(200, {"value": []})
        for env, is_sent in (({}, True), ({"ASSAY_URL": "https://elsewhere.example"}, True),
                             ({"ASSAY_ARM_URL": "https://elsewhere.example", "ASSAY_URL": self.server.url + "/"}, True),
                             ({"ASSAY_ARM_URL": None}, True),
                             ({"ASSAY_ARM_URL": "https://elsewhere.example"}, False),
                             ({"ASSAY_ARM_URL": None, "ASSAY_URL": "https://elsewhere.example"}, False)):
            self.provider(DONE, "list", "--url", self.server.url, env={"ASSAY_TOKEN": "secret", **env})
            self.assertEqual("Bearer secret" if is_sent else None, self.sent()[2].get("Authorization"), env)

    def test_misuse(self):
        for args, hint in ((("list", "--url", ""), "--url"), (("list", "--subscription", "a/b"), "--subscription"),
                           (("list", "--group", "a?b"), "--group"), (("show",), "--name"), (("show", "-n", "a/../b"), "--name"),
                           (("create", "-n", "first"), "--location"), (("create", "-n", "first", "-l", "a/b"), "--location"),
                           (("create", "-n", "first", "-l", "westus", "--tags", "x"), "--tags"),
                           (("create", "-n", "first", "-l", "westus", "--tags", "=x"), "--tags"),
                           (("create", "-n", "first", "-l", "westus", "--tags", "x=1", "--tags", "X=2"), "--tags"),
                           (("create", "-n", "first", "-l", "westus", "--public-network-access", "no"), "--public-network-access"),
                           (("create", "-n", "first", "-l", "westus", "--tpm-authentication", "1"), "--tpm-authentication"),
                           (("show", "first"), "unexpected"), (("list-default", "-l", "?"), "--location")):
            self.assertIn(hint, self.provider(MISUSE, *args).err, args)
        self.assertIn("--url", self.provider(MISUSE, "list", env={"ASSAY_ARM_URL": None}).err)
        self.assertIn("--subscription", self.provider(MISUSE, "list", env={"ASSAY_SUBSCRIPTION": None}).err)
        self.assertIn("--group", self.provider(MISUSE, "show", "-n", "first", env={"ASSAY_RESOURCE_GROUP": None}).err)
        self.assertEqual([], self.server.requests)


@needs_openssl
class AtAService(CliCase):
    """The control plane of assayd --dev."""

    def test_a_provider_comes_and_goes(self):
        service = Service()
        self.addCleanup(service.remove)
        url = f"https://localhost:{service.port}"
        env = {"ASSAY_ARM_URL": url, "ASSAY_TOKEN": service.token, "NODE_EXTRA_CA_CERTS": service.ca, "ASSAY_RESOURCE_GROUP": "lab",
               "ASSAY_SUBSCRIPTION": "00000000-0000-0000-0000-000000000001"}

        def provider(status, *args):
            return self.expect(status, "provider", *args, env=env)

        def show(name):
            return json.loads(provider(DONE, "show", "-n", name, "--json").out)
        provider(DONE, "create", "-n", "Open", "-l", "West US", "--tags", "owner=ada", "--tpm-authentication", "disabled")
        signer = Signer(self.dir, "policy", "policy")
        provider(DONE, "create", "-n", "strict", "-l", "westus", "--signers", signer.pem)
        self.assertEqual("Isolated", show("STRICT")["properties"]["trustModel"])
        self.assertEqual({"owner": "ada"}, show("open")["tags"])
        listed = provider(DONE, "list", "-g", "lab").out.splitlines()
        self.assertEqual(["Open", "strict"], sorted(line.split()[0] for line in listed[1:]))
        provider(DONE, "update", "-n", "open", "--no-tags", "--public-network-access", "disabled")
        self.assertNotIn("tags", show("open"))
        self.assertEqual("Disabled", show("open")["properties"]["publicNetworkAccess"])
        self.assertIn("sharedwus", provider(DONE, "list-default", "-l", "westus").out)
        self.assertIn("InvalidRequestContent", provider(REFUSED, "create", "-n", "open", "-l", "westus", "--signers", signer.pem).err)
        self.assertIn("LocationNotAvailable", provider(REFUSED, "create", "-n", "third", "-l", "nowhere").err)
        self.change_keys(provider)
        for name in ("open", "strict"):
            self.assertEqual("deleted\n", provider(DONE, "delete", "-n", name).out)
            self.assertIn("ResourceNotFound", provider(REFUSED, "show", "-n", name).err)
        self.assertIn("no such provider", provider(DONE, "delete", "-n", "open").out)

    def change_keys(self, provider):
        def keys(status, *args):
            return [(k["kid"], k["state"]) for k in json.loads(provider(status, *args, "-n", "open", "--json").out)["signingKeys"]]
        (first, state), = keys(DONE, "keys")
        self.assertEqual("signing", state)
        self.assertRegex(provider(DONE, "keys", "-n", "open").out, r"^\S{44}  signing +since 20\S+Z\n$")
        second = keys(DONE, "rotate-key")
        self.assertEqual(((first, "signing"), "published"), (second[0], second[1][1]))
        self.assertIn("published already", provider(REFUSED, "rotate-key", "-n", "open").err)
        third = keys(DONE, "rotate-key", "--now")
        self.assertEqual([(second[1][0], "signing"), (first, "retired")], third)
        self.assertIn("no signing key of this kid", provider(REFUSED, "revoke-key", "-n", "open", "--kid", "x").err)
        self.assertIn("--kid is needed", provider(MISUSE, "revoke-key", "-n", "open").err)
        self.assertEqual(third[:1], keys(DONE, "revoke-key", "--kid", first))
        last = keys(DONE, "revoke-key", "--kid", third[0][0])
        self.assertEqual(["signing"], [state for _, state in last])
        self.assertNotIn(last[0][0], [first, third[0][0]])


if __name__ == "__main__":
    unittest.main()
