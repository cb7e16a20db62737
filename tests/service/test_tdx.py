"""Quotes of TDX over HTTPS: as the published clients send them, and in the looser forms that are met."""
import base64
import hashlib
import json
import os
import subprocess
import tempfile
import time
import unittest

from service_case import BUILD, Service, ServiceCase, b64u

CLAIMS = """attester_tcb_status dbgstat eat_profile exp iat intuse iss jti nbf tdx_mrconfigid tdx_mrowner tdx_mrownerconfig tdx_mrseam tdx_mrsignerseam
tdx_mrtd tdx_report_data tdx_rtmr0 tdx_rtmr1 tdx_rtmr2 tdx_rtmr3 tdx_seam_attributes tdx_seamsvn tdx_td_attributes tdx_td_attributes_debug
tdx_td_attributes_key_locker tdx_td_attributes_perfmon tdx_td_attributes_protection_keys tdx_td_attributes_septve_disable tdx_tee_tcb_svn tdx_xfam
x-ms-attestation-type x-ms-inittime x-ms-policy-hash x-ms-runtime x-ms-ver""".split()


class TdxVm(ServiceCase):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory(prefix="assay-test-")
        cls.made = cls.kept.name
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        assay = os.path.join(BUILD, "src/cli/assay")
        for name, options in (("good", ()), ("fifteen", ("--quote-version", "5")), ("debug", ("--debug",))):
            subprocess.run([assay, "simulate", "tdx", "--seed", "99", "--at", now, "-o", f"{cls.made}/{name}", *options], check=True, capture_output=True)
        cls.service = Service({"collateral": {"folder": f"{cls.made}/good/collateral", "anchor": f"{cls.made}/good/anchor.pem"}})

    @classmethod
    def tearDownClass(cls):
        cls.service.remove()
        cls.kept.cleanup()

    def request(self, name="good"):
        with open(f"{self.made}/{name}/request.json", encoding="utf-8") as file:
            return json.load(file)

    def attest(self, body, version="2025-06-01", path="/attest/TdxVm"):
        return self.service.call("POST", f"{path}?api-version={version}", body, {"Content-Type": "application/json"})

    def payload(self, answer):
        return self.assert_token(answer)[1]

    def refused(self, check, answer):
        self.assertIn(check, self.assert_error(answer, 400, "InvalidParameter"))

    def manage(self, method, path, text=None):
        claims = {"AttestationPolicy": b64u(text.encode())} if text else {}
        jws = b64u(b'{"alg":"none"}') + "." + (b64u(json.dumps(claims).encode()) if text else "") + "."
        headers = {"Authorization": f"Bearer {self.service.token}", "Content-Type": "text/plain"}
        self.assertEqual(200, self.service.call(method, f"{path}?api-version=2025-06-01", jws, headers)[0])

    def test_claims_of_the_profile(self):
        payload = self.payload(self.attest(self.request()))
        self.assertEqual(CLAIMS, list(payload))
        self.assertEqual(("tdxvm", "https://aka.ms/maa-eat-profile-tdxvm", "disabled", "generic", "UpToDate"),
                         tuple(payload[k] for k in ("x-ms-attestation-type", "eat_profile", "dbgstat", "intuse", "attester_tcb_status")))
        self.assertEqual(("e718060000000000", "0000001000000000", 5 + 256), tuple(payload[k] for k in ("tdx_xfam", "tdx_td_attributes", "tdx_seamsvn")))
        self.assertEqual({"key": {"kid": "simulated", "kty": "oct"}}, payload["x-ms-runtime"])
        self.assertEqual("9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco", payload["x-ms-policy-hash"])

    def test_versions_and_spellings(self):
        """2023-04-01-preview is no published version, but what clients in the field send."""
        for version in ("2025-06-01", "2026-03-11-preview", "2023-04-01-preview", "2022-08-01", "2020-10-01"):
            self.payload(self.attest(self.request(), version))
        self.payload(self.attest(self.request("fifteen"), path="/attest/tdxvm"))
        body = self.request()
        raw = base64.urlsafe_b64decode(body["quote"] + "==")
        self.payload(self.attest({"Quote": base64.b64encode(raw + bytes(3000)).decode()}))
        self.payload(self.attest({"quote": b64u(raw), "runtimeData": None, "initTimeData": {"data": "", "dataType": ""}}))

    def test_nonce(self):
        for nonce, text in (("abc", "abc"), (12345, "12345")):
            self.assertEqual(text, self.payload(self.attest({**self.request(), "nonce": nonce}))["nonce"])

    def test_bindings(self):
        body = self.request()
        for member, check in (("runtimeData", "tdx.runtime_data"), ("initTimeData", "tdx.init_data")):
            self.refused(check, self.attest({**body, member: {"data": b64u(b"{}"), "dataType": "JSON"}}))
            data = base64.urlsafe_b64decode(body[member]["data"] + "==")
            payload = self.payload(self.attest({"quote": body["quote"], member: {"data": b64u(data), "dataType": "Binary"}}))
            self.assertFalse({"x-ms-runtime", "x-ms-inittime", "x-ms-sgx-ehd"} & set(payload))
        self.assertEqual(hashlib.sha256(base64.urlsafe_b64decode(body["initTimeData"]["data"] + "==")).hexdigest() + "0" * 32,
                         self.payload(self.attest(body))["tdx_mrconfigid"])

    def test_policy_decides_over_debug(self):
        self.assertEqual(("enabled", True), tuple(self.payload(self.attest(self.request("debug")))[k] for k in ("dbgstat", "tdx_td_attributes_debug")))
        text = 'version=1.0;authorizationrules{[type=="dbgstat",value=="disabled"]=>permit();};issuancerules{c:[type=="tdx_seamsvn"]=>issue(type="svn",value=c.value);};'
        self.manage("PUT", "/policies/TdxVm", text)
        self.assertEqual({"svn": 261}, self.payload(self.attest(self.request()))["x-ms-policy"])
        self.assert_error(self.attest(self.request("debug")), 400, "PolicyEvaluationError")
        self.manage("POST", "/policies/TdxVm:reset")

    def test_refusals(self):
        body = self.request()
        self.refused("tdx.quote.tee", self.attest({"quote": b64u(bytes.fromhex("0300020000000000") + bytes(1100))}))
        quote = base64.urlsafe_b64decode(body["quote"] + "==")
        self.refused("sgx.quote.shape", self.attest({"quote": b64u(quote[:-8])}))  # bytes, not characters: the last of these might be no end
        self.refused("request.evidence", self.attest({"report": body["quote"]}))
        self.refused("sgx.quote.tee", self.attest(body, path="/attest/SgxEnclave"))

    def test_it_is_counted(self):
        self.payload(self.attest(self.request()))
        self.assertRegex(self.service.call("GET", "/metrics")[3].decode(), r'assay_requests_total\{[^}]*operation="attest_tdx_vm"')


if __name__ == "__main__":
    unittest.main()
