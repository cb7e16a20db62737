"""The control plane from outside: providers that come, answer at their own address, change, and go."""
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import unittest
from collections import namedtuple

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from service_case import BUILD, Service, ServiceCase

SUB = "/subscriptions/00000000-0000-0000-0000-000000000001"
SPACE = "/providers/Microsoft.Attestation"
GROUP = SUB + "/resourceGroups/lab" + SPACE + "/attestationProviders"
V = "?api-version=2021-06-01"
Answer = namedtuple("Answer", "status json headers body")
WESTUS = {"location": "westus", "properties": {}}


class Named(http.client.HTTPSConnection):
    """To this machine, by a name that no resolver knows: in SNI and Host."""

    def __init__(self, service, name, context=None):
        super().__init__(name, service.port, context=context or service.tls, timeout=30)
        self.context = context or service.tls

    def connect(self):
        self.sock = self.context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 30), server_hostname=self.host)


def call_by_name(service, name, method, path, body=None, headers=None, context=None):
    connection = Named(service, name, context)
    try:
        return Answer(*service.call(method, path, body, headers, connection=connection))
    finally:
        connection.close()


def unchecked(service):
    """For names that the development certificate is not for."""
    context = ssl.create_default_context(cafile=service.ca)
    context.check_hostname = False
    return context


class Control(ServiceCase):
    def arm(self, method, path, body=None, token=True, version=V, headers=None):
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = "Bearer " + self.service.token
        if body is not None:
            headers["Content-Type"] = "application/json"
        elif method in ("PUT", "PATCH"):
            headers["Content-Length"] = "0"
        return Answer(*self.service.call(method, path + version, body, headers))

    def at(self, name, method, path, body=None, headers=None):
        """At the provider's own address."""
        return call_by_name(self.service, name + ".wus.localhost", method, path, body, headers)

    def assert_arm_error(self, answer, status, code):
        self.assertEqual(status, answer.status, answer.body)
        error = json.loads(answer.body)["error"]
        self.assertEqual({"code", "message"}, set(error))
        self.assertEqual(code, error["code"])
        self.assertEqual(code, answer.headers["x-ms-error-code"])

    def test_lifecycle(self):
        made = self.arm("PUT", GROUP + "/Cycle", {**WESTUS, "tags": {"a": "1"}})
        self.assertEqual(201, made.status, made.body)
        url = f"https://cycle.wus.localhost:{self.service.port}"
        self.assertEqual(url + "/", made.headers["Location"])
        self.assertEqual("no-cache", made.headers["Cache-Control"])
        self.assertEqual(url, json.loads(made.body)["properties"]["attestUri"])
        self.assertEqual(url, json.loads(self.at("cycle", "GET", "/.well-known/openid-configuration").body)["issuer"])
        attested = self.at("cycle", "POST", "/attest/SgxEnclave?api-version=2022-08-01", self.service.request_body())
        self.assertEqual(200, attested.status, attested.body)
        keys = self.at("cycle", "GET", "/certs").body
        updated = self.arm("PATCH", GROUP + "/cycle", {"tags": {"b": "2"}})
        self.assertEqual({"b": "2"}, json.loads(updated.body)["tags"])
        self.assertEqual([json.loads(updated.body)], json.loads(self.arm("GET", GROUP).body)["value"])
        gone = self.arm("DELETE", GROUP + "/CYCLE")
        self.assertEqual((200, b""), (gone.status, gone.body))
        self.assertEqual(204, self.arm("DELETE", GROUP + "/cycle").status)
        self.assert_arm_error(self.arm("GET", GROUP + "/cycle"), 404, "ResourceNotFound")
        self.assertEqual(404, self.at("cycle", "POST", "/attest/SgxEnclave?api-version=2022-08-01", self.service.request_body()).status)
        self.assertEqual(keys, self.at("cycle", "GET", "/certs").body)  # its tokens can still be verified
        self.assertEqual(201, self.arm("PUT", GROUP + "/cycle", WESTUS).status)
        self.assertEqual(200, self.at("cycle", "POST", "/attest/SgxEnclave?api-version=2022-08-01", self.service.request_body()).status)
        self.assertEqual(200, self.arm("DELETE", GROUP + "/cycle").status)

    def test_survives_a_kill(self):
        self.assertEqual(201, self.arm("PUT", GROUP + "/kept", WESTUS).status)
        self.assertEqual(200, self.arm("PATCH", GROUP + "/kept", {"tags": {"k": "v"}}).status)
        self.assertEqual(201, self.arm("PUT", GROUP + "/gone", WESTUS).status)
        self.assertEqual(200, self.arm("DELETE", GROUP + "/gone").status)
        keys = self.at("kept", "GET", "/certs").body
        old = f"kept.wus.localhost:{self.service.port}"
        self.service.kill()
        self.service.start()
        self.assertEqual(404, self.arm("GET", GROUP + "/gone").status)
        kept = json.loads(self.arm("GET", GROUP + "/kept").body)
        self.assertEqual({"k": "v"}, kept["tags"])
        self.assertEqual("https://" + old, kept["properties"]["attestUri"])
        self.assertEqual(keys, self.at("kept", "GET", "/certs", headers={"Host": old}).body)
        self.assertEqual(200, self.arm("DELETE", GROUP + "/kept").status)

    def test_certificates_of_no_use_make_no_provider(self):
        for x5c in ("AAAA", "not base64"):
            answer = self.arm("PUT", GROUP + "/isolated", {"location": "westus", "properties": {
                "policySigningCertificates": {"keys": [{"kty": "RSA", "x5c": [x5c]}]}}})
            self.assert_arm_error(answer, 400, "InvalidParameter")
            self.assertIn("PolicySigningCertificate key is not an X509 security key", json.loads(answer.body)["error"]["message"])
        self.assertEqual(404, self.arm("GET", GROUP + "/isolated").status)
        self.assertEqual(404, self.at("isolated", "GET", "/certs").status)

    def test_closed_to_the_public(self):
        body = {"location": "westus", "properties": {"publicNetworkAccess": "Disabled"}}
        self.assertEqual(201, self.arm("PUT", GROUP + "/closed", body).status)
        attest = "/attest/SgxEnclave?api-version=2022-08-01"
        self.assert_error(self.at("closed", "POST", attest, self.service.request_body()), 403, "Forbidden")
        self.assertEqual(200, self.at("closed", "GET", "/certs").status)
        self.assertEqual(200, self.arm("PATCH", GROUP + "/closed", {"properties": {"publicNetworkAccess": "Enabled"}}).status)
        self.assertEqual(200, self.at("closed", "POST", attest, self.service.request_body()).status)
        self.assertEqual(200, self.arm("DELETE", GROUP + "/closed").status)

    def test_tpm_evidence_needs_a_caller_unless_its_provider_says_no(self):
        self.assertEqual(201, self.arm("PUT", GROUP + "/tpm", WESTUS).status)
        attest, body = "/attest/Tpm?api-version=2022-08-01", {"data": "e30"}
        refused = self.at("tpm", "POST", attest, body)
        self.assert_error(refused, 401, "Unauthorized")
        self.assertIn("WWW-Authenticate", refused.headers)
        signed_in = {"Authorization": "Bearer " + self.service.token}
        self.assertNotEqual(401, self.at("tpm", "POST", attest, body, signed_in).status)
        off = {"properties": {"tpmAttestationAuthentication": "Disabled"}}
        self.assertEqual(200, self.arm("PATCH", GROUP + "/tpm", off).status)
        self.assertNotEqual(401, self.at("tpm", "POST", attest, body).status)
        self.assertEqual(200, self.arm("DELETE", GROUP + "/tpm").status)

    def test_default_provider_stays(self):
        listed = json.loads(self.arm("GET", SUB + SPACE + "/defaultProviders").body)["value"]
        self.assertEqual([f"https://sharedwus.wus.localhost:{self.service.port}"], [p["properties"]["attestUri"] for p in listed])
        one = json.loads(self.arm("GET", SUB + SPACE + "/locations/West%20US/defaultProvider").body)
        self.assertEqual(listed[0], one)
        self.assert_arm_error(self.arm("GET", SUB + SPACE + "/locations/eastus/defaultProvider"), 404, "ResourceNotFound")
        self.assert_arm_error(self.arm("PUT", GROUP + "/sharedwus", WESTUS), 409, "NameNotAvailable")
        self.assertEqual(200, self.at("sharedwus", "POST", "/attest/SgxEnclave?api-version=2022-08-01", self.service.request_body()).status)

    def test_names_are_taken_once(self):
        self.assertEqual(201, self.arm("PUT", GROUP + "/taken", WESTUS).status)
        other = "/subscriptions/other/resourceGroups/lab" + SPACE + "/attestationProviders"
        self.assert_arm_error(self.arm("PUT", other + "/TAKEN", WESTUS), 409, "NameNotAvailable")
        self.assert_arm_error(self.arm("GET", other + "/taken"), 404, "ResourceNotFound")
        self.assertEqual(204, self.arm("DELETE", other + "/taken").status)
        self.assertEqual(200, self.arm("DELETE", GROUP + "/taken").status)

    def test_nothing_without_a_token(self):
        for method, path in (("GET", GROUP), ("GET", GROUP + "/x"), ("PUT", GROUP + "/none"), ("DELETE", GROUP + "/x"), ("POST", GROUP),
                             ("GET", SUB + "/nothing"), ("GET", SPACE + "/operations")):
            for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": self.service.token}):
                answer = self.arm(method, path, WESTUS if method in ("PUT", "POST") else None, token=False, headers=headers)
                self.assertEqual(401, answer.status, (method, path))
                self.assertIn("Bearer", answer.headers["WWW-Authenticate"])
        self.assertEqual(404, self.arm("GET", GROUP + "/none").status)

    def token(self, role, scope):
        return subprocess.run([os.path.join(BUILD, "src/cli/assay"), "login", "--dev", "--state", os.path.join(self.service.folder, "state"), "--role",
                               role, "--scope", scope], capture_output=True, text=True, check=True).stdout.strip()

    def test_roles_and_scopes(self):
        self.assertEqual(201, self.arm("PUT", GROUP + "/roles", WESTUS).status)
        provider, connections = GROUP + "/roles", GROUP + "/roles/privateEndpointConnections"
        state = {"properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}}
        lab, sub = SUB + "/resourceGroups/lab", SUB
        reads = [("GET", GROUP, None), ("GET", provider, None), ("GET", connections, None), ("GET", GROUP + "/roles/privateLinkResources", None)]
        writes = [("PATCH", provider, {"tags": {"a": "1"}}), ("PUT", provider, WESTUS), ("PUT", connections + "/c", state), ("DELETE", connections + "/c", None)]
        for role, scope, may_read, may_write in (("Reader", sub, True, False), ("Contributor", lab, True, True), ("Reader", lab, True, False),
                                                 ("Contributor", SUB + "/resourceGroups/la", False, False), ("Owner", "/subscriptions/other", False, False),
                                                 ("Attestation Contributor", sub, False, False)):
            headers = {"Authorization": "Bearer " + self.token(role, scope)}
            for allowed, calls in ((may_read, reads), (may_write, writes)):
                for method, path, body in calls:
                    answer = self.arm(method, path, body, token=False, headers=headers)
                    if allowed:
                        self.assertEqual(200, answer.status, (role, scope, method, path, answer.body))
                    else:
                        self.assert_arm_error(answer, 403, "AuthorizationFailed")
            self.assertEqual(200 if scope == sub and may_read else 403,
                             self.arm("GET", SUB + SPACE + "/attestationProviders", token=False, headers=headers).status)
            for path in (SUB + SPACE + "/defaultProviders", SPACE + "/operations"):  # every caller's
                self.assertEqual(200, self.arm("GET", path, token=False, headers=headers).status)
        # The provider's own operations ask the same roles, in its scope.
        for role, scope, status in (("Attestation Reader", provider, 200), ("Attestation Reader", GROUP + "/other", 401), ("Reader", lab, 200)):
            answer = self.at("roles", "GET", "/policies/SgxEnclave?api-version=2022-08-01", headers={"Authorization": "Bearer " + self.token(role, scope)})
            self.assertEqual(status, answer.status, (role, scope))
        reader = {"Authorization": "Bearer " + self.token("Reader", sub)}
        self.assert_arm_error(self.arm("DELETE", provider, token=False, headers=reader), 403, "AuthorizationFailed")
        self.assertEqual(200, self.arm("DELETE", provider).status)

    def test_odd_paths(self):
        for path in (SUB, GROUP + "/", GROUP + "//x", GROUP + "/x/..", GROUP + "/a%2fb", GROUP + "/a%2Fb",
                     SUB + "%2FresourceGroups/lab" + SPACE + "/attestationProviders", SUB + "/providers/Microsoft.Storage/x", "/providers/x"):
            self.assert_arm_error(self.arm("GET", path), 404, "InvalidResourceType")
        self.assertEqual(200, self.arm("GET", GROUP.upper()).status)
        self.assertEqual(200, self.arm("GET", GROUP.replace("lab", "l%61b")).status)
        self.assert_arm_error(self.arm("GET", GROUP + "/a%00b"), 400, "InvalidResourceName")
        self.assert_arm_error(self.arm("GET", GROUP, version=""), 400, "MissingApiVersionParameter")
        self.assert_arm_error(self.arm("GET", GROUP, version="?api-version=2022-08-01"), 400, "InvalidApiVersionParameter")
        answer = self.arm("POST", GROUP + "/x", WESTUS)
        self.assert_arm_error(answer, 405, "MethodNotAllowed")
        self.assertEqual("GET, PUT, PATCH, DELETE", answer.headers["Allow"])

    def test_only_at_its_own_address(self):
        answer = self.at("sharedwus", "GET", GROUP + V, headers={"Authorization": "Bearer " + self.service.token})
        self.assertEqual(404, answer.status)


class Configured(unittest.TestCase):
    def test_regions_and_domain(self):
        service = Service({"control_plane": {"authority": "arm.example", "domain": "attest.example"}, "region Am See": {"code": "see"},
                           "provider shared": {"issuer": "https://shared.see.attest.example", "shared": "on"}})
        self.addCleanup(service.remove)
        context = unchecked(service)

        def at(name, method, path, body=None):
            return call_by_name(service, name, method, path, body, {"Host": name, "Authorization": "Bearer " + service.token}, context)
        self.assertEqual(400, at("arm.example", "PUT", GROUP + "/first" + V, WESTUS).status)
        made = at("arm.example", "PUT", GROUP + "/first" + V, {"location": "am see"})
        self.assertEqual(201, made.status, made.body)
        self.assertEqual("https://first.see.attest.example", made.json["properties"]["attestUri"])
        self.assertEqual("Am See", at("arm.example", "GET", SUB + SPACE + "/locations/amsee/defaultProvider" + V).json["location"])
        self.assertEqual(200, at("first.see.attest.example", "GET", "/certs").status)
        self.assertEqual(404, at("first.see.attest.example", "GET", GROUP + V).status)
        self.assertEqual(404, at("other.see.attest.example", "GET", "/certs").status)

    def test_no_control_plane_unless_configured(self):
        service = Service({})
        self.addCleanup(service.remove)
        self.assertEqual(404, service.call("GET", GROUP + V, headers={"Authorization": "Bearer " + service.token})[0])


if __name__ == "__main__":
    unittest.main()
