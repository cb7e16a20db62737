"""One tenant does not reach another's objects, however it spells host, TLS name, target, port or path; nor those of who had its name before."""
import concurrent.futures
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from service_case import BUILD, ServiceCase, b64u
from test_control import SPACE, V, WESTUS, Answer, call_by_name

VERSION = "?api-version=2022-08-01"
SUB, OTHER = "/subscriptions/00000000-0000-0000-0000-00000000000a", "/subscriptions/00000000-0000-0000-0000-00000000000b"
TYPE = SPACE + "/attestationProviders"
# The caller's: each name of the other begins with it.
GROUP, OTHER_GROUP = SUB + "/resourceGroups/ga", SUB + "/resourceGroups/gab"
MINE, THEIRS = GROUP + TYPE + "/tenanta", OTHER_GROUP + TYPE + "/tenantab"
SECRET = "of-the-other-tenant"
THEIR_POLICY = f'version=1.0;authorizationrules{{=>permit();}};issuancerules{{=>issue(type="{SECRET}",value=true);}};'
MY_POLICY = "version=1.0;authorizationrules{=>permit();};issuancerules{};"
EMPTY = "eyJhbGciOiJub25lIn0.."


def policy(text):
    return ".".join((b64u(b'{"alg":"none"}'), b64u(json.dumps({"AttestationPolicy": b64u(text.encode())}).encode()), ""))


class Case(ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls.service.remove)
        cls.port = cls.service.port
        cls.mine, cls.theirs = (f"{name}.wus.localhost:{cls.port}" for name in ("tenanta", "tenantab"))

    @classmethod
    def tearDownClass(cls):
        pass

    @classmethod
    def login(cls, role, scope):
        done = subprocess.run([os.path.join(BUILD, "src/cli/assay"), "login", "--dev", "--state", os.path.join(cls.service.folder, "state"), "--role",
                               role, "--scope", scope], capture_output=True, text=True, check=True)
        return {"Authorization": "Bearer " + done.stdout.strip()}

    @classmethod
    def owner(cls):
        return {"Authorization": "Bearer " + cls.service.token}

    @classmethod
    def arm(cls, method, path, body=None, headers=None):
        headers = {**(headers or cls.owner()), **({"Content-Type": "application/json"} if body is not None else {})}
        return Answer(*cls.service.call(method, path + V, body, headers))

    @classmethod
    def at(cls, host, method, path, body=None, headers=None):
        return call_by_name(cls.service, host.split(":")[0], method, path, body, headers if headers is not None else cls.owner())

    def raw(self, name, lines, body=b""):
        """A request as it stands, with this TLS server name (None: without)."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 30), server_hostname=name) as s:
            s.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
            answer = http.client.HTTPResponse(s, method=lines[0].split(" ")[0])
            answer.begin()
            data = answer.read()
            return Answer(answer.status, json.loads(data) if data else None, answer.headers, data)

    def send(self, headers, method="GET", target=f"/policies/SgxEnclave{VERSION}", hosts=(), name=None, body="", more=()):
        body = body.encode()
        length = [f"Content-Length: {len(body)}"] if method in ("PUT", "POST", "PATCH") else []
        return self.raw(name, [f"{method} {target} HTTP/1.1", *(f"Host: {h}" for h in hosts), *(f"{k}: {v}" for k, v in headers.items()),
                               *length, "Connection: close", *more], body)


class Isolation(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for path, tag in ((MINE, "mine"), (THEIRS, SECRET)):
            made = cls.arm("PUT", path, {**WESTUS, "tags": {"of": tag}})
            assert made.status == 201, made.body
        for host, text in ((cls.mine, MY_POLICY), (cls.theirs, THEIR_POLICY)):
            answer = cls.at(host, "PUT", f"/policies/SgxEnclave{VERSION}", policy(text))
            assert answer.status == 200, answer.body
        cls.callers = [cls.login("Owner", scope) for scope in (GROUP, MINE)]
        cls.before = cls.state()

    @classmethod
    def state(cls):
        """All that can be seen of the other tenant by who may."""
        seen = [cls.arm("GET", path).body for path in (THEIRS, THEIRS + "/privateEndpointConnections", OTHER_GROUP + TYPE, SUB + TYPE, OTHER + TYPE)]
        paths = [f"/assay/v1/history/{what}/{kind}" for what in ("policies", "shadow") for kind in ("SgxEnclave", "Tpm", "OpenEnclave")]
        return seen + [cls.at(cls.theirs, "GET", path).body for path in [*paths, "/assay/v1/history/certificates", "/certs"]]

    def setUp(self):
        self.addCleanup(lambda: self.assertEqual(self.before, self.state()))

    def refused(self, answer, *expected):
        """With one of these (status, code), in the form of every error, and nothing shown."""
        error = (answer.json or {}).get("error", {})
        self.assertIn((answer.status, error.get("code")), expected, answer.body)
        self.assertTrue(error.get("message"))
        self.assertEqual(error["code"], answer.headers["x-ms-error-code"])
        if answer.status == 401:  # not even where it is
            self.assertNotIn(OTHER_GROUP, answer.body.decode())
        self.assertNotIn(SECRET.encode(), answer.body)
        self.assertNotIn(b64u(THEIR_POLICY.encode()).encode(), answer.body)

    def each(self):
        """Reading and each way to write, for each caller."""
        for headers in self.callers:
            yield headers, {}
            yield headers, {"method": "PUT", "body": policy(MY_POLICY)}
            yield headers, {"method": "POST", "target": f"/policies/SgxEnclave:reset{VERSION}", "body": EMPTY}

    def test_the_caller_may_at_its_own(self):
        for headers in self.callers:
            self.assertEqual(200, self.send(headers, hosts=[self.mine], name=self.mine.split(":")[0]).status)
            self.assertEqual(200, self.arm("GET", MINE, headers=headers).status)

    def test_hosts_and_tls_names(self):
        theirs, mine = self.theirs.split(":")[0], self.mine.split(":")[0]
        nowhere, misdirected, denied = (404, "NotFound"), (421, "MisdirectedRequest"), (401, "Unauthorized")
        for headers, request in self.each():
            for host in (self.theirs, self.theirs.upper(), self.theirs.title(), f"{self.theirs}\t", f"  {self.theirs}"):
                for name in (None, theirs, theirs.upper()):
                    self.refused(self.send(headers, hosts=[host], name=name, **request), denied)
                self.refused(self.send(headers, hosts=[host], name=mine, **request), misdirected)
            self.refused(self.send(headers, hosts=[self.mine], name=theirs, **request), misdirected)
        headers, request = self.callers[0], {"method": "PUT", "body": policy(MY_POLICY)}
        for host in (f"{theirs}.:{self.port}", theirs, f"{theirs}:443", f"{theirs}:0{self.port}", f"{theirs}:{self.port}:{self.port}", f"{theirs}:",
                     f"{theirs}.", f"127.0.0.1:{self.port}", f"[::1]:{self.port}", f"[::ffff:127.0.0.1]:{self.port}", f"[::1%25lo]:{self.port}",
                     self.theirs.replace(".", "%2e"), f"https://{self.theirs}", f"x@{self.theirs}", f"{self.theirs}/", f"{self.theirs}, {self.mine}",
                     f"{self.mine},{self.theirs}", f"{self.mine} {self.theirs}", f"{self.theirs}?", f"{self.theirs}#", f"x.{self.theirs}",
                     f"tenantab.WUS.localhost:{self.port + 1}", f"tenantab.eus.localhost:{self.port}", "*", f"\xb5{self.theirs}"):
            self.refused(self.send(headers, hosts=[host], **request), nowhere)
        for name in (f"{theirs}.", "localhost", "x." + theirs):
            self.refused(self.send(headers, hosts=[self.theirs], name=name, **request), misdirected)

    def test_two_hosts_or_none(self):
        for headers, request in self.each():
            for hosts in ([], [self.mine, self.theirs], [self.theirs, self.mine], [self.mine, self.mine]):
                self.refused(self.send(headers, hosts=hosts, **request), (400, "BadRequest"))
            for more in (f"host: {self.theirs}", f"HOST: {self.theirs}", f"Host : {self.theirs}", f" Host: {self.theirs}"):
                self.refused(self.send(headers, hosts=[self.mine], more=[more], **request), (400, "BadRequest"))
        for host in ("", f":{self.port}", " "):
            self.refused(self.send(self.callers[0], hosts=[host]), (421, "MisdirectedRequest"))

    def test_absolute_targets(self):
        theirs = self.theirs.split(":")[0]
        denied, misdirected, bad = (401, "Unauthorized"), (421, "MisdirectedRequest"), (400, "BadRequest")
        for headers, request in self.each():
            path = request.pop("target", f"/policies/SgxEnclave{VERSION}")
            for begin, host, expected in ((f"https://{self.theirs}", self.theirs, denied), (f"HTTPS://{self.theirs.upper()}", self.theirs, denied),
                                          (f"https://{self.theirs}", self.mine, misdirected), (f"https://{self.mine}", self.theirs, misdirected),
                                          (f"https://{theirs}", self.theirs, misdirected), (f"https://{theirs}:{self.port + 1}", self.theirs, misdirected),
                                          (f"https://{theirs}:0{self.port}", self.theirs, bad), (f"https://{theirs}:443", self.theirs, misdirected),
                                          (f"https://{theirs}.:{self.port}", self.theirs, misdirected),
                                          (f"https://{self.mine}@{self.theirs}", self.mine, bad), (f"https://[::1]:{self.port}", self.mine, bad),
                                          (f"http://{self.theirs}", self.theirs, bad), (f"//{self.theirs}", self.mine, bad),
                                          (f"https:{self.theirs}", self.mine, bad), (f"https:///{self.theirs}", self.mine, bad)):
                self.refused(self.send(headers, target=begin + path, hosts=[host], **request), expected)

    def test_other_headers_name_no_host(self):
        more = [f"X-Forwarded-Host: {self.theirs}", f"Forwarded: host={self.theirs}", f"X-Host: {self.theirs}", f"X-Original-URL: https://{self.theirs}/",
                f"X-Rewrite-URL: https://{self.theirs}/", f"X-HTTP-Host-Override: {self.theirs}"]
        for headers in self.callers:
            answer = self.send(headers, hosts=[self.mine], more=more)
            self.assertEqual(200, answer.status)
            self.assertNotIn(b64u(THEIR_POLICY.encode()).encode(), answer.body)
            self.assertEqual(200, self.send(headers, "PUT", hosts=[self.mine], more=more, body=policy(MY_POLICY)).status)

    def test_paths_at_the_other(self):
        denied, nowhere, bad = (401, "Unauthorized"), (404, "NotFound"), (400, "BadRequest")
        for headers, request in self.each():
            request.pop("target", None)
            for path in ("/policies/SgxEnclave", "/POLICIES/sgxenclave", "/%70olicies/SgxEnclave", "/policies%2FSgxEnclave", "/policies%2fSgx%45nclave",
                         "/policies/SgxEnclave%00", "/policies/%2e%2e", "/policies/SgxEnclave:reset", "/certificates", "/certificates:add",
                         "/operations/policy/current", "/OPERATIONS/policy/updatepolicy", "/assay/v1/shadow/SgxEnclave", "/assay/v1/history/policies/SgxEnclave",
                         "/assay/v1/../../policies/SgxEnclave", "/ASSAY/v1/explain/SgxEnclave", "/tcbbaselines/SgxEnclave"):
                self.refused(self.send(headers, target=path + VERSION, hosts=[self.theirs], **request), denied)
            for path in ("/policies/SgxEnclave/", "/policies//SgxEnclave", "/policies/./SgxEnclave", "/./policies/SgxEnclave", "/x/../policies/SgxEnclave",
                         "/policies;x/SgxEnclave", "/policies/SgxEnclave%2f", "/%2fpolicies/SgxEnclave", THEIRS, MINE):
                self.refused(self.send(headers, target=path + VERSION, hosts=[self.theirs], **request), nowhere)
            for path in ("policies/SgxEnclave", "*", "//policies/SgxEnclave", "/policies/Sgx Enclave", "/policies/SgxEnclave#", "/\xb5olicies/SgxEnclave"):
                self.refused(self.send(headers, target=path, hosts=[self.theirs], **request), bad)

    def test_paths_at_the_own(self):
        for headers, request in self.each():
            request.pop("target", None)
            for path in (f"/{self.theirs}/policies/SgxEnclave", "/tenantab/policies/SgxEnclave", f"/../{self.theirs}/policies/SgxEnclave",
                         f"/%2e%2e/{self.theirs}/policies/SgxEnclave", f"/https://{self.theirs}/policies/SgxEnclave", f"{THEIRS}/policies/SgxEnclave", THEIRS):
                self.refused(self.send(headers, target=path + VERSION, hosts=[self.mine], **request), (404, "NotFound"))

    def test_the_control_plane(self):
        here = f"localhost:{self.port}"
        state = json.dumps({"properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}})
        denied, nowhere = (403, "AuthorizationFailed"), (404, "InvalidResourceType")
        change = json.dumps({**WESTUS, "tags": {"of": "changed"}})
        for headers in self.callers:
            for path in (THEIRS, THEIRS.upper(), THEIRS.replace("gab", "g%61b"), THEIRS.replace("gab", "GAB"), THEIRS.replace("tenantab", "Tenant%41b"),
                         OTHER + THEIRS[len(SUB):], THEIRS.replace("/gab/", "/ga%00b/"), THEIRS.replace("/gab/", "/ga%20/"), THEIRS.replace("/gab/", "/ga./"),
                         THEIRS.replace("/gab/", "/ga%252f..%252fgab/"), SUB + "%00" + THEIRS[len(SUB):]):
                for method, body in (("GET", ""), ("PUT", change), ("PATCH", json.dumps({"tags": {}})), ("DELETE", "")):
                    self.refused(self.send(headers, method, path + V, [here], body=body), denied)
                for method, body in (("GET", ""), ("PUT", state), ("DELETE", "")):
                    self.refused(self.send(headers, method, path + "/privateEndpointConnections/c" + V, [here], body=body), denied)
                for below in ("/privateEndpointConnections", "/privateLinkResources"):
                    self.refused(self.send(headers, "GET", path + below + V, [here]), denied)
            for path in (SUB + TYPE, OTHER_GROUP + TYPE, OTHER_GROUP.upper() + TYPE, OTHER + TYPE, OTHER + "/resourceGroups/ga" + TYPE):
                self.refused(self.send(headers, "GET", path + V, [here]), denied)
            for path in (f"{GROUP}/../gab{TYPE}/tenantab", f"{GROUP}/%2e%2e/gab{TYPE}/tenantab", f"{GROUP}%2f..%2fgab{TYPE}/tenantab", f"{MINE}/../tenantab",
                         f"{MINE}%2F..%2Ftenantab", f"{SUB}/{OTHER_GROUP}{TYPE}", f"{MINE}/x/../../tenantab", f"{GROUP}/{TYPE}/tenanta", THEIRS + "/",
                         f"{GROUP}{TYPE};x/tenanta", f"{OTHER_GROUP}{TYPE}%2ftenantab", THEIRS.replace("/gab/", "/%ff/")):
                for method, body in (("GET", ""), ("PUT", change), ("DELETE", "")):
                    self.refused(self.send(headers, method, path + V, [here], body=body), nowhere)
            for host in (self.mine, self.theirs):
                self.refused(self.send(headers, "DELETE", THEIRS + V, [host]), (404, "NotFound"))
        # Its name, in the own group: taken, whoever has it.
        self.refused(self.arm("PUT", GROUP + TYPE + "/TENANTAB", WESTUS, self.callers[0]), (409, "NameNotAvailable"))


class Names(Case):
    def make(self, path, status=201):
        made = self.arm("PUT", path, WESTUS)
        self.assertEqual(status, made.status, made.body)

    def test_who_has_a_name_next_finds_nothing(self):
        old, new, host = SUB + "/resourceGroups/g" + TYPE + "/again", OTHER + "/resourceGroups/g" + TYPE + "/again", f"again.wus.localhost:{self.port}"
        paths = [f"/policies/SgxEnclave{VERSION}", "/assay/v1/shadow/SgxEnclave"]
        attest = f"/attest/SgxEnclave{VERSION}"
        self.make(old)
        for path in paths:
            self.assertEqual(200, self.at(host, "PUT", path, policy(THEIR_POLICY)).status)
        self.assertEqual(200, self.at(host, "POST", attest, self.service.request_body()).status)
        report = lambda: self.at(host, "GET", "/assay/v1/shadow/SgxEnclave:report").json
        self.service.wait(lambda: report()["judged"] == 1)
        self.assertEqual(200, self.arm("DELETE", old).status)
        self.make(new)
        headers = self.login("Owner", OTHER)
        for what in ("policies/SgxEnclave", "shadow/SgxEnclave", "certificates"):
            self.assertEqual({"history": []}, self.at(host, "GET", f"/assay/v1/history/{what}", headers=headers).json, what)
            for version in (1, 2):
                self.assertEqual(404, self.at(host, "GET", f"/assay/v1/history/{what}?version={version}", headers=headers).status)
        for path in paths:
            answer = self.at(host, "GET", path, headers=headers)
            self.assertEqual(200, answer.status)
            self.assertNotIn(b64u(THEIR_POLICY.encode()), answer.json["token"])
        self.assertEqual((None, 0), (report()["policyHash"], report()["judged"]))
        self.assertEqual(401, self.at(host, "GET", paths[0], headers=self.login("Owner", SUB)).status)
        self.assertEqual(200, self.at(host, "PUT", paths[0], policy(MY_POLICY), headers).status)
        self.assertEqual(1, len(self.at(host, "GET", "/assay/v1/history/policies/SgxEnclave", headers=headers).json["history"]))
        self.assertEqual(200, self.arm("DELETE", new).status)

    def test_one_name_in_two_regions_at_once(self):
        path = SUB + "/resourceGroups/g" + TYPE + "/twice"
        for _ in range(2):
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                made = list(pool.map(lambda location: self.arm("PUT", path, {"location": location}), ("westus", "eastus")))
            self.assertEqual([201, 409], sorted(a.status for a in made), [a.body for a in made])
            second, code = ("eastus", "eus") if made[0].status == 201 else ("westus", "wus")
            self.assertEqual(404, self.at(f"twice.{code}.localhost", "POST", f"/attest/SgxEnclave{VERSION}", self.service.request_body()).status)
            self.assertEqual(200, self.arm("DELETE", path).status)
            made = self.arm("PUT", path, {"location": second})
            self.assertEqual(201, made.status, made.body)
            self.assertEqual(200, self.arm("DELETE", path).status)

    def test_writes_beside_deletion_and_creation(self):
        """Whatever is on its way when a provider goes, the next one begins with nothing."""
        path, host = SUB + "/resourceGroups/g" + TYPE + "/busy", f"busy.wus.localhost:{self.port}"
        kinds = ("SgxEnclave", "OpenEnclave", "AzureGuest", "TdxVm")
        self.make(path)
        with concurrent.futures.ThreadPoolExecutor(len(kinds) + 1) as pool:
            for _ in range(4):
                writes = [pool.submit(self.at, host, "PUT", f"/policies/{kind}{VERSION}", policy(THEIR_POLICY)) for kind in kinds]
                gone = pool.submit(self.arm, "DELETE", path)
                self.assertIn(gone.result().status, (200, 409))
                self.assertLessEqual({w.result().status for w in writes}, {200, 404, 409})
                if gone.result().status == 409:
                    self.assertEqual(200, self.arm("DELETE", path).status)
                self.make(path)
                for kind in kinds:
                    self.assertEqual({"history": []}, self.at(host, "GET", f"/assay/v1/history/policies/{kind}").json)
        self.assertEqual(200, self.arm("DELETE", path).status)


if __name__ == "__main__":
    unittest.main()
