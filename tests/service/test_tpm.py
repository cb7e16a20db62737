"""The first exchange of the protocol of TPMs over HTTPS, and what is round it: policy, sign-in, headers, keys."""
import base64
import hashlib
import json
import unittest

from service_case import ServiceCase, b64u

INIT = {"data": b64u(b'{"payload":{"type":"aikcert"}}')}
POLICY = "version=1.0; authorizationrules{=> permit();}; issuancerules{};"
VERSIONS = ("2020-10-01", "2022-08-01", "2025-06-01")


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Tpm(ServiceCase):
    def bearer(self):
        return {"Authorization": f"Bearer {self.service.token}", "Content-Type": "application/json"}

    def attest(self, body=None, version="2022-08-01", path="/attest/Tpm", headers=None):
        return self.service.call("POST", f"{path}?api-version={version}", INIT if body is None else body, self.bearer() if headers is None else headers)

    def set_policy(self, text=POLICY):
        jws = b64u(b'{"alg":"none"}') + "." + b64u(json.dumps({"AttestationPolicy": b64u(text.encode())}).encode()) + "."
        self.assertEqual(200, self.service.call("PUT", "/policies/Tpm?api-version=2022-08-01", jws, dict(self.bearer(), **{"Content-Type": "text/plain"}))[0])

    def reset_policy(self):
        jws = b64u(b'{"alg":"none"}') + ".."
        self.service.call("POST", "/policies/Tpm:reset?api-version=2022-08-01", jws, dict(self.bearer(), **{"Content-Type": "text/plain"}))

    def challenge(self, answer):
        self.assertEqual(200, answer[0], answer[3])
        self.assertEqual(["data"], list(answer[1]))
        message = json.loads(decoded(answer[1]["data"]))
        self.assertEqual(["payload"], list(message))
        self.assertEqual(["challenge", "service_context"], list(message["payload"]))
        return message["payload"]

    def test_challenges_of_all_versions(self):
        self.set_policy()
        seen = set()
        for version in VERSIONS:
            for path in ("/attest/Tpm", "/attest/tpm", "/attest/TPM"):
                answer = self.attest(version=version, path=path)
                payload = self.challenge(answer)
                self.assertEqual(16, len(decoded(payload["challenge"])))
                context = json.loads(decoded(payload["service_context"]))
                self.assertEqual(["ProtectionKeyName", "ProtectedContext"], list(context))
                self.assertRegex(context["ProtectionKeyName"], "^[0-9A-F]{64}$")
                self.assertRegex(answer[2]["x-ms-request-id"], "^[A-Za-z0-9+/]{16}$")
                self.assertEqual("application/json; charset=utf-8", answer[2]["Content-Type"])
                seen.add(payload["challenge"])
        self.assertEqual(9, len(seen))

    def test_padded_data(self):
        self.set_policy()
        self.challenge(self.attest({"data": base64.urlsafe_b64encode(b'{"payload":{"type":"aikcert"} }').decode()}))

    def test_no_policy(self):
        self.reset_policy()
        answer = self.attest()
        self.assert_error(answer, 400, "Bad request")
        self.assertEqual("A VBS attestation policy has not been set on the attestation provider.", answer[1]["error"]["message"])
        self.assertRegex(answer[2]["x-ms-request-id"], "^00-[0-9a-f]{32}-[0-9a-f]{16}-00$")

    def test_sign_in(self):
        self.set_policy()
        self.assert_error(self.attest(headers={"Content-Type": "application/json"}), 401, "Unauthorized")

    def test_a_request_comes_before_its_challenge(self):
        self.set_policy()
        jws = b64u(b'{"alg":"PS256","typ":"attReqV2"}') + "." + b64u(b"{}") + ".AAAA"
        for message, check in (({"payload": {"request": jws}}, "attreq.payload"), ({"payload": {"request": "x"}}, "attreq.jws"),
                               ({"payload": {"report": jws}}, "attreq.message"), ({"payload": {"type": "aikpub"}}, "attreq.message")):
            answer = self.attest({"data": b64u(json.dumps(message).encode())})
            self.assert_error(answer, 400, "InvalidParameter")
            self.assertIn(check, answer[1]["error"]["message"])

    def test_the_key_is_listed_under_its_thumbprint(self):
        self.set_policy()
        keys = self.service.call("GET", "/certs")[1]["keys"]
        self.assertEqual(2, len(keys))
        self.assertEqual(keys[0]["x5c"], keys[1]["x5c"])
        self.assertEqual(b64u(hashlib.sha1(base64.b64decode(keys[0]["x5c"][0])).digest()), keys[1]["kid"])

    def test_metrics(self):
        self.set_policy()
        self.challenge(self.attest())
        self.assertIn('operation="attest_tpm"', self.service.call("GET", "/metrics")[3].decode())


if __name__ == "__main__":
    unittest.main()
