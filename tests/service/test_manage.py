"""What a tenant does with policies: every slot, the history of changes, TCB baselines, and the paths of 2018-09-01-preview."""
import base64
import json
import os
import subprocess
import tempfile
import unittest

from service_case import ServiceCase, b64u

PERMIT = "version=1.0;authorizationrules{=>permit();};issuancerules{};"
DENY = "version=1.0;authorizationrules{=>deny();};issuancerules{};"
EMPTY = "eyJhbGciOiJub25lIn0.."
VERSION = "?api-version=2022-08-01"
OLD = "api-version=2018-09-01-preview"


def unsigned(text):
    return ".".join((b64u(b'{"alg":"none"}'), b64u(json.dumps({"AttestationPolicy": b64u(text.encode())}).encode()), ""))


def payload(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class ManageCase(ServiceCase):
    def ask(self, method, path, body=None, status=200):
        answer = self.service.call(method, path, body, {"Authorization": f"Bearer {self.service.token}"})
        self.assertEqual(answer[0], status, answer)
        return answer[1]

    def refused(self, method, path, body, code):
        answer = self.ask(method, path, body, 400)
        self.assertEqual(answer["error"]["code"], code, answer)
        return answer["error"]["message"]

    def history(self, what, query=""):
        return self.ask("GET", f"/assay/v1/history/{what}{query}")["history"]


class History(ManageCase):
    def test_every_change_is_kept(self):
        path = f"/policies/SgxEnclave{VERSION}"
        before = len(self.history("policies/SgxEnclave"))
        first = payload(self.ask("PUT", path, unsigned(PERMIT))["token"])
        self.ask("PUT", path, unsigned(PERMIT + " "))
        self.ask("POST", f"/policies/SgxEnclave:reset{VERSION}", EMPTY)
        self.refused("PUT", path, unsigned("version=1.0;"), "PolicyParsingError")
        self.refused("PUT", path, "nonsense", "InvalidOperation")
        kept = self.history("policies/sgxenclave")
        self.assertEqual([r["result"] for r in kept[:3]], ["Removed", "Updated", "Updated"])
        self.assertEqual([r["version"] for r in kept[:3]], [before + 3, before + 2, before + 1])
        self.assertEqual(kept[2]["tokenHash"], first["x-ms-policy-token-hash"])
        self.assertRegex(kept[0]["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual("https://localhost/assay/development developer", kept[0]["caller"])
        self.assertNotIn("policy", kept[2])
        one = self.history("policies/SgxEnclave", f"?version={before + 1}")
        self.assertEqual(one[0]["policy"], unsigned(PERMIT))
        # Roll back: the old JWS, uploaded again.
        again = payload(self.ask("PUT", path, one[0]["policy"])["token"])
        self.assertEqual(again["x-ms-policy-token-hash"], first["x-ms-policy-token-hash"])
        self.assertEqual([r["version"] for r in self.history("policies/SgxEnclave", f"?limit=1&before={before + 3}")], [before + 2])
        self.ask("POST", f"/policies/SgxEnclave:reset{VERSION}", EMPTY)

    def test_types_have_their_own(self):
        self.assertEqual(self.history("policies/TdxVm"), [])
        self.ask("PUT", f"/policies/Tpm{VERSION}", unsigned(PERMIT))
        self.assertEqual(len(self.history("policies/VbsEnclave")), 1)
        self.assertEqual(self.history("certificates"), [])

    def test_what_is_no_history(self):
        for query in ("?version=0", "?version=x", "?limit=0", "?limit=1001", "?before=-1", "?version=99999999999999999999"):
            self.assertIn("must be a number", self.ask("GET", f"/assay/v1/history/policies/SgxEnclave{query}", status=400)["error"]["message"])
        self.ask("GET", "/assay/v1/history/policies/SgxEnclave?version=4000", status=404)
        self.ask("GET", "/assay/v1/history/policies/Nothing", status=400)
        self.ask("GET", "/assay/v1/history/nothing", status=404)
        self.ask("PUT", "/assay/v1/history/certificates", "x", status=405)
        for path in ("/assay/v1/history/policies/SgxEnclave", "/assay/v1/history/certificates", "/assay/v1/nothing", "/assay/v1/shadow/SgxEnclave"):
            self.assertEqual(self.service.call("GET", path)[0], 401, path)


class Shadow(ManageCase):
    def test_a_slot_of_its_own(self):
        path = "/assay/v1/shadow/SgxEnclave"
        self.assertEqual(payload(self.ask("GET", path)["token"])["x-ms-policy"], EMPTY)
        self.assertEqual(payload(self.ask("PUT", path, unsigned(DENY))["token"])["x-ms-policy-result"], "Updated")
        self.assertEqual(payload(self.ask("GET", path)["token"])["x-ms-policy"], unsigned(DENY))
        self.assertNotEqual(payload(self.ask("GET", f"/policies/SgxEnclave{VERSION}")["token"])["x-ms-policy"], unsigned(DENY))
        self.assertEqual(self.service.attest()[0], 200)
        self.refused("PUT", path, unsigned("nonsense"), "PolicyParsingError")
        self.assertEqual(payload(self.ask("POST", f"{path}:reset", EMPTY)["token"])["x-ms-policy-result"], "Removed")
        self.assertEqual([r["result"] for r in self.history("shadow/SgxEnclave")], ["Removed", "Updated"])


    def report(self, kind="SgxEnclave"):
        return self.ask("GET", f"/assay/v1/shadow/{kind}:report")

    def test_what_it_would_change(self):
        path = "/assay/v1/shadow/SgxEnclave"
        nothing = self.report("OpenEnclave")
        self.assertEqual((nothing["policyHash"], nothing["judged"], nothing["lastDifference"]), (None, 0, None))
        issue = 'version=1.0;authorizationrules{=>permit();};issuancerules{=>issue(type="extra",value=1);};'
        wrong = 'version=1.2;authorizationrules{=>permit();};issuancerules{=>issue(type="x",value=AppendString("a",1));};'
        old = ('version=1.1;configurationrules{=>issueproperty(type="x-ms-sgx-tcbidentifier",value="1");};'
               "authorizationrules{=>permit();};")
        for text, outcome, reason in ((DENY, "wouldDeny", "by the rule =>deny();"), (issue, "claimsDiffer", "issued claim "),
                                      (wrong, "error", "AppendString"), (old, "wouldDeny", "tcb")):
            self.ask("PUT", path, unsigned(text))
            for _ in range(3):
                self.assertEqual(self.service.attest()[0], 200)
            self.service.wait(lambda: self.report()["judged"] == 3)
            found = self.report()
            self.assertEqual(found[outcome], 3, found)
            self.assertIn(reason, found["lastDifference"]["reason"])
            self.assertEqual(found["lastDifference"]["outcome"], outcome)
        self.assertIn("shadow policy of SgxEnclave at https://localhost", self.service.text())
        # A draft is tried by its sender; what is no evidence has no shadow.
        self.service.attest(dict(self.service.request_body(), draftPolicyForAttestation=DENY))
        self.service.attest({"quote": "AAAA"})
        self.assertEqual(self.report()["judged"], 3)
        default = payload(self.ask("GET", f"/policies/SgxEnclave{VERSION}")["token"])["x-ms-policy"]
        self.ask("PUT", path, default)
        self.ask("PUT", f"/policies/SgxEnclave{VERSION}", unsigned(DENY))
        self.assertEqual(self.service.attest()[0], 400)
        self.service.wait(lambda: self.report()["wouldPermit"] == 1)
        self.ask("POST", f"/policies/SgxEnclave:reset{VERSION}", EMPTY)
        self.assertEqual(self.service.attest()[0], 200)
        self.service.wait(lambda: self.report()["same"] == 1)
        self.ask("POST", f"{path}:reset", EMPTY)
        self.assertEqual(self.service.attest()[0], 200)
        self.assertEqual(self.report()["judged"], 2)
        self.ask("POST", f"{path}:report", "", 405)
        self.ask("GET", "/assay/v1/shadow/Nothing:report", status=400)

    def test_it_cannot_fail_a_request(self):
        """A shadow that doubles the claims with each rule, as far as it may."""
        many = 'c:[type!=""]=>add(type="x",value=c.value);' * 40
        self.ask("PUT", "/assay/v1/shadow/SgxEnclave", unsigned("version=1.0;authorizationrules{" + many + "=>permit();};"))
        for _ in range(4):
            self.assertEqual(self.service.attest()[0], 200)
        self.service.wait(lambda: self.report()["judged"] == 4)
        self.assertEqual(self.report()["error"], 4, self.report())
        self.ask("POST", "/assay/v1/shadow/SgxEnclave:reset", EMPTY)


class Explain(ManageCase):
    def explain(self, **members):
        return self.ask("POST", "/assay/v1/explain/SgxEnclave", dict(self.service.request_body(), **members))

    def test_rule_by_rule(self):
        text = ('version=1.2;authorizationrules{[type=="x-ms-sgx-product-id",value>=60000]=>deny();=>permit();};'
                'issuancerules{c:[type=="x-ms-sgx-mrsigner"]=>issue(type="signer",value=AppendString("s-",c.value));};')
        told = self.explain(draftPolicyForAttestation=text)
        self.assertEqual((told["decision"], told["error"], told["draft"]), ("permit", None, True))
        self.assertEqual([r["fired"] for r in told["trace"]], [False, True, True])
        miss = told["trace"][0]["conditions"][0]["nearest"]
        self.assertEqual((miss["property"], miss["operator"], miss["found"]), ("value", ">=", told["claims"]["x-ms-sgx-product-id"]))
        call = told["trace"][2]["calls"][0]
        self.assertEqual((call["function"], call["result"]["values"]), ("AppendString", ["s-" + told["claims"]["x-ms-sgx-mrsigner"]]))
        self.assertEqual(told["issued"], {"signer": "s-" + told["claims"]["x-ms-sgx-mrsigner"]})
        self.assertEqual({c["result"] for c in told["checks"]}, {"pass", "skip"})
        self.assertTrue(all(c["setting"] for c in told["checks"] if c["result"] == "skip"))
        self.assertNotIn("token", told)

    def test_a_property_counts_with_its_last_value(self):
        text = ('version=1.1;configurationrules{=>issueproperty(type="p",value=1);=>issueproperty(type="p",value=2);};'
                'authorizationrules{=>permit();};')
        self.assertEqual(self.explain(draftPolicyForAttestation=text)["properties"], {"p": 2})

    def test_what_is_refused(self):
        told = self.explain(draftPolicyForAttestation=DENY)
        self.assertEqual((told["decision"], told["error"]["code"], told["issued"]), ("deny", "PolicyEvaluationError", {}))
        refused = self.service.attest(dict(self.service.request_body(), draftPolicyForAttestation=DENY))
        self.assertEqual(told["error"], refused[1]["error"])
        told = self.explain(draftPolicyForAttestation=DENY.replace("1.0", "1.2").replace("deny()", 'add(type="x",value=NegateBool(1))'))
        self.assertEqual(told["decision"], "error")
        self.assertIn("NegateBool", told["trace"][0]["error"])
        quote = bytearray(base64.urlsafe_b64decode(self.service.request_body()["quote"] + "=="))
        quote[100] ^= 1
        told = self.explain(quote=b64u(bytes(quote)))
        self.assertEqual((told["decision"], told["claims"]), ("refused", {}))
        self.assertEqual([r["section"] for r in told["trace"]], ["configurationrules"])
        self.assertEqual([c["id"] for c in told["checks"] if c["result"] == "fail"], ["sgx.quote.signature"])
        told = self.explain(draftPolicyForAttestation="version=1.0;")
        self.assertEqual(told["error"]["code"], "PolicyParsingError")

    def test_who_may_ask(self):
        path = "/assay/v1/explain/SgxEnclave"
        self.assertEqual(self.service.call("POST", path, self.service.request_body())[0], 401)
        self.ask("GET", path, status=405)
        self.ask("POST", "/assay/v1/explain/Nothing", "{}", 404)
        self.ask("POST", path, "nonsense", 200)


class Baselines(ManageCase):
    def test_listed_and_selected(self):
        answer = self.ask("GET", f"/tcbbaselines/SgxEnclave?api-version=2022-09-01-preview")["tcbBaselines"]
        self.assertGreaterEqual(len(answer), 1)
        numbers = [b["tcbEvaluationDataNumber"] for b in answer]
        self.assertEqual(numbers, sorted(numbers, reverse=True))
        self.assertEqual([b["isSelectedTcb"] for b in answer], [True] + [False] * (len(answer) - 1))
        for b in answer:
            self.assertEqual(b["tcbIdentifier"], str(b["tcbEvaluationDataNumber"]))
            self.assertRegex(b["tcbReleaseDate"], r"^\d{4}-\d\d-\d\dT00:00:00$")
        only = self.ask("GET", "/tcbbaselines/OpenEnclave?api-version=2025-06-01&provideCurrentTcbInPolicy=true")["tcbBaselines"]
        self.assertEqual(only, answer[:1])

    def test_a_policy_selects(self):
        text = ('version=1.1;configurationrules{=>issueproperty(type="x-ms-sgx-tcbidentifier",value="%s");};'
                "authorizationrules{=>permit();};")
        newest = self.ask("GET", f"/tcbbaselines/SgxEnclave{VERSION}")["tcbBaselines"][0]["tcbIdentifier"]
        for identifier, selected in ((newest, True), ("1", False)):
            self.ask("PUT", f"/policies/SgxEnclave{VERSION}", unsigned(text % identifier))
            found = self.ask("GET", f"/tcbbaselines/SgxEnclave{VERSION}&provideCurrentTcbInPolicy=True")["tcbBaselines"]
            self.assertEqual([b["tcbIdentifier"] for b in found], [newest] if selected else [])
        self.ask("POST", f"/policies/SgxEnclave:reset{VERSION}", EMPTY)

    def test_who_has_none(self):
        for kind in ("Tpm", "SevSnpVm", "Nothing"):
            self.refused("GET", f"/tcbbaselines/{kind}{VERSION}", None, "InvalidParameter")
        self.assertEqual(self.service.call("GET", f"/tcbbaselines/SgxEnclave{VERSION}")[0], 401)
        self.ask("POST", f"/tcbbaselines/SgxEnclave{VERSION}", "", 405)


class Legacy(ManageCase):
    CURRENT = f"/operations/policy/current?{OLD}&tee=SgxEnclave"
    UPDATE = f"/operations/policy/updatepolicy?{OLD}&tee=SgxEnclave"

    def current(self):
        return self.ask("GET", self.CURRENT)["Policy"]

    def test_two_steps(self):
        default = self.current()
        token = self.ask("POST", self.UPDATE, unsigned(DENY))
        self.assertEqual(self.current(), default)
        self.assertIn("aas-policyHash", payload(token))
        self.assertEqual(self.service.call("PUT", self.CURRENT, json.dumps(token), {"Authorization": f"Bearer {self.service.token}"})[3], b"")
        self.assertEqual(self.current(), unsigned(DENY))
        self.assertEqual(self.service.attest()[0], 400)
        self.assertIsNone(self.ask("POST", self.CURRENT, EMPTY))
        self.assertEqual(self.current(), default)
        self.assertEqual(self.service.attest()[0], 200)
        self.assertEqual([r["result"] for r in self.history("policies/SgxEnclave")[:2]], ["Removed", "Updated"])

    def test_only_our_own_token_puts_it_in_force(self):
        kept = self.current()
        stale = self.ask("POST", self.UPDATE, unsigned(PERMIT))
        token = self.ask("POST", self.UPDATE, unsigned(DENY))
        head, body, signature = token.split(".")
        other = b64u(json.dumps(payload(stale)).encode())
        for bad, reason in ((stale, "No policy with this hash waits"), (f"{head}.{other}.{signature}", "not signed by this provider"),
                            (f"{b64u(b'{}')}.{body}.{signature}", "Malformed"), (f"{EMPTY[:-2]}.{body}.", "not signed by this provider"),
                            (payload_token(self), "aas-policyHash"), ("", "empty")):
            self.assertIn(reason, self.refused("PUT", self.CURRENT, bad, "InvalidOperation"))
        self.refused("POST", self.UPDATE, unsigned("version=1.0;"), "PolicyParsingError")
        self.refused("POST", self.CURRENT, unsigned(DENY), "InvalidOperation")
        self.assertEqual(self.current(), kept)

    def test_the_type_must_be_told(self):
        for query in ("", "&tee=VSMEnclave", "&tee="):
            self.refused("GET", f"/operations/policy/current?{OLD}{query}", None, "InvalidParameter")
        self.assertEqual(self.service.call("GET", self.CURRENT)[0], 401)
        self.ask("DELETE", self.CURRENT, status=405)

    def test_no_certificates_without_isolation(self):
        path = f"/operations/policy/certificates?{OLD}"
        claims = payload(self.ask("GET", path))
        self.assertEqual(claims["aas-policyCertificates"], {"keys": []})
        self.assertEqual(claims["maa-policyCertificates"], {"keys": []})
        self.refused("PUT", path, "x", "InvalidOperation")


def payload_token(case):
    """A token of the provider that speaks of no waiting policy."""
    return case.ask("GET", f"/policies/SgxEnclave{VERSION}")["token"]


class Signer:
    """An RSA key with a self-signed certificate, made by openssl."""

    def __init__(self, folder, name):
        self.key, self.certificate = os.path.join(folder, f"{name}.key"), os.path.join(folder, f"{name}.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.certificate,
                        "-subj", f"/CN={name}", "-days", "2"], check=True, capture_output=True)

    def der(self):
        with open(self.certificate, encoding="ascii") as f:
            lines = f.read().splitlines()
        return "".join(line for line in lines if not line.startswith("-"))

    def jws(self, body):
        text = f"{b64u(json.dumps({'alg': 'RS256', 'x5c': [self.der()]}).encode())}.{b64u(body)}"
        made = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=text.encode(), check=True, capture_output=True)
        return f"{text}.{b64u(made.stdout)}"


class LegacyIsolated(ManageCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="assay-test-")
        cls.first, cls.second = Signer(cls.folder.name, "first"), Signer(cls.folder.name, "second")
        cls.settings = {"provider first": {"signers": cls.first.certificate}}
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.folder.cleanup()

    def certificates(self, answer):
        claims = payload(answer)
        self.assertEqual(claims["aas-policyCertificates"], claims["maa-policyCertificates"])
        return sorted(k["x5c"][0] for k in claims["maa-policyCertificates"]["keys"])

    def test_add_remove_and_sign(self):
        path = f"/operations/policy/certificates?{OLD}"
        both = sorted((self.first.der(), self.second.der()))
        change = json.dumps({"maa-policyCertificate": {"kty": "RSA", "x5c": [self.second.der()]}}).encode()
        self.assertEqual(self.certificates(self.ask("GET", path)), [self.first.der()])
        self.refused("PUT", path, json.dumps(self.second.jws(change)), "InvalidOperation")
        self.assertEqual(self.certificates(self.ask("PUT", path, json.dumps(self.first.jws(change)))), both)
        self.assertEqual(self.certificates(self.ask("GET", path)), both)
        self.assertIn("Unsigned", self.refused("POST", Legacy.UPDATE, unsigned(PERMIT), "InvalidOperation"))
        policy = json.dumps({"AttestationPolicy": b64u(PERMIT.encode())}).encode()
        waiting = self.ask("POST", Legacy.UPDATE, self.second.jws(policy))
        self.assertEqual(self.certificates(self.ask("POST", path, json.dumps(self.first.jws(change)))), [self.first.der()])
        # Its signer was removed meanwhile: what waits may not come into force.
        self.assertIn("not signed by a registered", self.refused("PUT", Legacy.CURRENT, waiting, "InvalidOperation"))
        kept = self.history("certificates")
        self.assertEqual([r["version"] for r in kept], [3, 2, 1])  # the first: as created
        self.assertRegex(kept[0]["signerThumbprint"], "^[0-9A-F]{40}$")
        self.assertEqual(len(json.loads(self.history("certificates", "?version=2")[0]["certificates"])["keys"]), 2)


if __name__ == "__main__":
    unittest.main()
