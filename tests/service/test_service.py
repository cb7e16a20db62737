"""assayd from outside: routes, headers, errors, limits, and what happens when its processes die."""
import json
import os
import signal
import socket
import ssl
import threading
import time
import unittest

from service_case import Service, ServiceCase, b64u


class Routes(ServiceCase):
    def test_attest_gives_a_token_of_the_service(self):
        header, claims = self.assert_token(self.service.attest())
        base = f"https://localhost:{self.service.port}"
        self.assertEqual(list(header), ["alg", "jku", "kid", "typ"])
        self.assertEqual(claims["iss"], base)
        self.assertEqual(header["jku"], base + "/certs")
        self.assertEqual(claims["exp"] - claims["iat"], 28800)
        self.assertIs(claims["x-assay-development"], True)
        self.assertEqual(claims["x-ms-runtime"], {"key": {"kty": "oct", "kid": "simulated"}})
        keys = self.service.call("GET", "/certs")[1]["keys"]
        self.assertEqual([k["kid"] for k in keys], [header["kid"]])
        self.assertEqual(list(keys[0]), ["x5c", "kid", "kty"])

    def test_development_trusts_a_simulated_platform_of_each_kind(self):
        for folder, path, kind in (("simulated-tdx", "TdxVm", "tdxvm"), ("simulated-snp", "SevSnpVm", "sevsnpvm")):
            with open(os.path.join(self.service.simulated, "..", folder, "request.json"), encoding="utf-8") as f:
                body = json.load(f)
            _, claims = self.assert_token(self.service.call("POST", f"/attest/{path}?api-version=2025-06-01", body))
            self.assertEqual(claims["x-ms-attestation-type"], kind)
            self.assertIs(claims["x-assay-development"], True)
            body["report" if kind == "sevsnpvm" else "quote"] = self.service.request_body()["quote"]
            self.assertEqual(self.service.call("POST", f"/attest/{path}?api-version=2025-06-01", body)[0], 400)

    def test_letter_case_of_path_and_members(self):
        body = {k.upper(): v for k, v in self.service.request_body().items()}
        self.assert_token(self.service.call("POST", "/ATTEST/sgxenclave?API-VERSION=2022-08-01", body))

    def test_percent_encoded_path(self):
        self.assert_token(self.service.call("POST", "/attest/Sgx%45nclave?api-version=2022-08-01", self.service.request_body()))

    def test_draft_policy_is_unsigned(self):
        body = dict(self.service.request_body(), draftPolicyForAttestation="version=1.0;authorizationrules{=>permit();};issuancerules{=>issue(type=\"a\",value=1);};")
        status, answer, _, _ = self.service.attest(body)
        self.assertEqual(status, 200)
        self.assertTrue(answer["token"].endswith("."))
        header, claims = self.assert_token(self.service.attest(body))
        self.assertEqual((header["alg"], claims["a"]), ("none", 1))

    def test_refusals_name_check_and_remedy(self):
        body = self.service.request_body()
        body["runtimeData"]["data"] = b64u(b'{"other":1}')
        message = self.assert_error(self.service.attest(body), 400, "InvalidParameter")
        self.assertIn("sgx.runtime_data failed", message)
        self.assertIn("Send the very bytes", message)
        deny = dict(self.service.request_body(), draftPolicyForAttestation="version=1.0;authorizationrules{=>deny();};")
        self.assert_error(self.service.attest(deny), 400, "PolicyEvaluationError")
        wrong = dict(self.service.request_body(), draftPolicyForAttestation="version=1.0;authorizationrules{")
        self.assertIn("Line:", self.assert_error(self.service.attest(wrong), 400, "PolicyParsingError"))

    def test_malformed_bodies(self):
        for body in ("", "{", "[]", "null", "{}", '{"quote":1}', '{"quote":"!"}', '{"quote":""}', '{"quote":"AA","Quote":"AA"}',
                     '{"quote":"AAAA","runtimeData":7}', "\x00" * 100, '{"a":' * 5000):
            self.assert_error(self.service.attest(body), 400, "InvalidParameter")

    def test_api_versions(self):
        for good in ("2018-09-01", "2020-10-01", "2026-03-11-preview", "2031-12-31"):
            self.assert_token(self.service.attest(version=good))
        for bad in ("", "1999-01-01", "2018-08-31", "latest", "2022-13-01", "2022-08-01-beta", "2022-8-1"):
            self.assert_error(self.service.attest(version=bad), 400, "InvalidParameter")
        self.assert_error(self.service.call("POST", "/attest/SgxEnclave", self.service.request_body()), 400, "InvalidParameter")

    def test_2018_needs_a_token(self):
        answer = self.service.attest(version="2018-09-01-preview")
        self.assert_error(answer, 401, "Unauthorized")
        self.assertTrue(answer[2]["WWW-Authenticate"].startswith("Bearer "))
        self.assert_token(self.service.call("POST", "/attest/SgxEnclave?api-version=2018-09-01-preview", self.service.request_body(),
                                            {"Authorization": f"Bearer {self.service.token}"}))

    def test_unknown_paths_and_methods(self):
        for path in ("/", "/revoke", "/attest", "/attest/", "/attest/NoSuch?api-version=2022-08-01", "/attest/SgxEnclave/x", "/certs/x"):
            self.assert_error(self.service.call("GET" if "attest/" not in path else "POST", path), 404, "NotFound")
        answer = self.service.call("GET", "/attest/SgxEnclave?api-version=2022-08-01")
        self.assert_error(answer, 405, "MethodNotAllowed")
        self.assertEqual(answer[2]["Allow"], "POST")
        self.assert_error(self.service.call("DELETE", "/certs"), 405, "MethodNotAllowed")

    def test_service_health_and_head(self):
        status, _, _, data = self.service.call("GET", "/servicehealth")
        self.assertEqual((status, data), (204, b""))
        status, _, headers, data = self.service.call("HEAD", "/certs")
        self.assertEqual((status, data), (200, b""))
        self.assertGreater(int(headers["Content-Length"]), 500)

    def test_headers_of_every_reply(self):
        given = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
        for path in ("/certs", "/nowhere"):
            headers = self.service.call("GET", path, headers={"traceparent": given})[2]
            self.assertEqual(headers["x-ms-request-id"], given)
            self.assertRegex(headers["x-ms-maa-service-version"], r"^\d+\.\d+\.\d+\.\d+$")
            self.assertEqual(headers["Content-Type"], "application/json; charset=utf-8")
            self.assertTrue(headers["Date"] and headers["Server"])
        made = self.service.call("GET", "/certs", headers={"traceparent": "00-zz"})[2]["x-ms-request-id"]
        self.assertRegex(made, r"^00-[0-9a-f]{32}-[0-9a-f]{16}-00$")

    def test_host_must_be_the_provider(self):
        self.assert_error(self.service.call("GET", "/certs", headers={"Host": "localhost:1"}), 404, "NotFound")
        self.assert_error(self.service.call("GET", "/certs", headers={"Host": f"other.localhost:{self.service.port}"}), 421, "MisdirectedRequest")

    def raw(self, data, wait=5):
        with socket.create_connection(("localhost", self.service.port), timeout=wait) as s, \
                self.service.tls.wrap_socket(s, server_hostname="localhost") as t:
            t.sendall(data)
            received = b""
            try:
                while chunk := t.recv(65536):
                    received += chunk
                    if b"\r\n\r\n" in received and b"Content-Length: 0" not in received and len(received) > 200:
                        break
            except (ssl.SSLError, TimeoutError, ConnectionError):
                pass
            return received

    def test_two_hosts_and_foreign_targets(self):
        port = self.service.port
        for request in (f"GET /certs HTTP/1.1\r\nHost: localhost:{port}\r\nHost: localhost:{port}\r\n\r\n",
                        "GET /certs HTTP/1.1\r\n\r\n",
                        f"GET https://elsewhere/certs HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"):
            self.assertTrue(self.raw(request.encode()).startswith(b"HTTP/1.1 4"), request)
        self.assertTrue(self.raw(f"GET https://localhost:{port}/certs HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()).startswith(b"HTTP/1.1 200"))

    def test_garbage_does_no_harm(self):
        for data in (b"\x00" * 1000, b"GET\r\n\r\n", b"POST /attest/SgxEnclave HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                     b"POST /attest/SgxEnclave HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", b"GET / HTTP/9.9\r\n\r\n"):
            self.raw(data, wait=1)
        self.assert_token(self.service.attest())

    def test_expect_continue_and_chunked_bodies(self):
        body = json.dumps(self.service.request_body()).encode()
        head = f"POST /attest/SgxEnclave?api-version=2022-08-01 HTTP/1.1\r\nHost: localhost:{self.service.port}\r\nConnection: close\r\n"
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 1000]), body[i:i + 1000]) for i in range(0, len(body), 1000)) + b"0\r\n\r\n"
        self.assertIn(b" 200 ", self.raw(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunks))
        self.assertIn(b"100 Continue", self.raw(head.encode() + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body), wait=2))

    def test_body_limit(self):
        self.assert_error(self.service.attest("x" * (2 * 1024 * 1024 + 1)), 413, "RequestEntityTooLarge")


class Processes(ServiceCase):
    settings = {"core": {"pairs": 2, "queue": 4}}

    def test_the_dead_are_replaced(self):
        for name in ("assay-verifier", "assay-signer"):
            before = self.service.children()
            self.assertEqual((len(before["assay-verifier"]), len(before["assay-signer"])), (2, 2))
            for pid in before[name]:
                os.kill(pid, signal.SIGKILL)
            for _ in range(10):
                status = self.service.attest()[0]
                self.assertIn(status, (200, 503))
            self.service.wait(lambda: len(self.service.children()["assay-verifier"]) == 2 and self.service.attest()[0] == 200, 20)
            self.assertFalse(set(before[name]) & set(self.service.children()[name]))

    def test_killed_in_mid_flight(self):
        stop, statuses = threading.Event(), []

        def client():
            while not stop.is_set():
                statuses.append(self.service.attest()[0])
        threads = [threading.Thread(target=client) for _ in range(4)]
        for t in threads:
            t.start()
        for _ in range(5):
            time.sleep(0.2)
            for pid in self.service.children()["assay-verifier"][:1]:
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.5)
        stop.set()
        for t in threads:
            t.join()
        self.assertTrue(set(statuses) <= {200, 503}, set(statuses))
        self.assertGreater(statuses.count(200), 5)
        self.service.wait(lambda: self.service.attest()[0] == 200, 20)

    def test_keys_stay_the_same_over_replacements(self):
        kids = {self.assert_token(self.service.attest())[0]["kid"] for _ in range(6)}
        self.assertEqual(len(kids), 1)

    def test_signer_has_no_way_from_the_host(self):
        for pid in self.service.children()["assay-signer"]:
            fds = sorted(int(fd) for fd in os.listdir(f"/proc/{pid}/fd"))
            self.assertEqual(fds, [0, 1, 2, 3])

    def test_processes_cannot_be_dumped(self):
        for pids in self.service.children().values():
            for pid in pids:
                with open(f"/proc/{pid}/limits", encoding="utf-8") as f:
                    core = next(line for line in f if line.startswith("Max core file size"))
                self.assertEqual(core.split()[4:6], ["0", "0"])
                with open(f"/proc/{pid}/status", encoding="utf-8") as f:
                    self.assertIn("NoNewPrivs:\t1", f.read())

    def test_reload(self):
        folder = os.path.join(self.service.simulated, "collateral")
        os.rename(os.path.join(folder, "root.crl"), os.path.join(self.service.folder, "root.crl"))
        try:
            count = self.service.text().count("read again")
            self.service.process.send_signal(signal.SIGHUP)
            self.service.wait(lambda: self.service.text().count("read again") > count)
            self.assertIn("intel.root_crl.present", self.assert_error(self.service.attest(), 400, "InvalidParameter"))
        finally:
            os.rename(os.path.join(self.service.folder, "root.crl"), os.path.join(folder, "root.crl"))
        with open(os.path.join(folder, "nonsense.json"), "w", encoding="utf-8") as f:
            f.write("{}")
        self.service.process.send_signal(signal.SIGHUP)
        self.service.wait(lambda: self.service.text().count("read again") > count + 1)
        self.assert_token(self.service.attest())
        self.service.wait(lambda: "nonsense.json" in self.service.text())
        os.rename(folder, folder + ".away")
        try:
            self.service.process.send_signal(signal.SIGHUP)
            self.service.wait(lambda: "nothing was reloaded" in self.service.text())
            self.assert_token(self.service.attest())
        finally:
            os.rename(folder + ".away", folder)

    def test_policies_survive_a_restart(self):
        jws = "eyJhbGciOiJub25lIn0." + b64u(json.dumps({"AttestationPolicy": b64u(b"version=1.0;authorizationrules{=>permit();};issuancerules{=>issue(type=\"kept\",value=true);};")}).encode()) + "."
        auth = {"Authorization": f"Bearer {self.service.token}"}
        path = "/policies/OpenEnclave?api-version=2022-08-01"
        self.assert_error(self.service.call("PUT", path, jws), 401, "Unauthorized")
        self.assert_error(self.service.call("PUT", path, jws, {"Authorization": "Bearer wrong"}), 401, "Unauthorized")
        self.assertEqual(self.service.call("PUT", path, jws, auth)[0], 200)
        self.service.kill()
        self.service.start()
        _, claims = self.assert_token(self.service.call("GET", path, headers=auth))
        self.assertEqual(claims["x-ms-policy"], jws)
        self.assertEqual(self.service.call("POST", "/policies/OpenEnclave:reset?api-version=2022-08-01", "eyJhbGciOiJub25lIn0..", auth)[0], 200)

    def test_log_tells_no_evidence(self):
        self.service.attest()
        text = self.service.text()
        self.assertIn("/attest/SgxEnclave 200", text)
        self.assertNotIn(self.service.request_body()["quote"][:40], text)
        self.assertNotIn(self.service.token, text)


class Overruns(ServiceCase):
    settings = {"core": {"pairs": 1, "request_memory": 1048576, "request_milliseconds": 5000}}

    def test_memory_and_unread_refusal(self):
        # Many small values: each takes far more room in the tree than in the text.
        poison = '{"quote":"AAAA","x":[' + ",".join(["0"] * 200000) + "]}"
        for _ in range(2):
            self.assert_error(self.service.attest(poison), 413, "RequestTooComplex")
        answer = self.service.attest(poison)
        self.assertIn("refused unread", self.assert_error(answer, 400, "InvalidParameter"))
        self.assertTrue(answer[2]["Retry-After"])
        self.service.wait(lambda: self.service.attest()[0] == 200, 20)


class SlowVerifier(ServiceCase):
    settings = {"core": {"pairs": 1, "request_milliseconds": 1, "request_memory": 1073741824}, "server": {"body_bytes": 2097152}}

    def test_deadline(self):
        slow = '{"quote":"AAAA","x":[' + ",".join(["0"] * 500000) + "]}"
        self.assertIn("longer than a request may", self.assert_error(self.service.attest(slow), 503, "ServiceUnavailable"))


class SlowClients(ServiceCase):
    settings = {"server": {"header_seconds": 1, "body_seconds": 1, "idle_seconds": 1, "connections": 8}}

    def ended_within(self, data, seconds):
        with socket.create_connection(("localhost", self.service.port)) as s, self.service.tls.wrap_socket(s, server_hostname="localhost") as t:
            t.settimeout(seconds)
            began = time.monotonic()
            try:
                for byte in data:
                    t.sendall(bytes([byte]))
                    time.sleep(0.3)
                while t.recv(4096):
                    pass
            except (ConnectionError, ssl.SSLError):
                pass
            return time.monotonic() - began

    def test_slow_header_body_and_idling(self):
        head = b"POST /attest/SgxEnclave?api-version=2022-08-01 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n"
        self.assertLess(self.ended_within(b"GET /certs HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 40, 20), 10)
        with socket.create_connection(("localhost", self.service.port)) as s, self.service.tls.wrap_socket(s, server_hostname="localhost") as t:
            t.settimeout(10)
            t.sendall(head + b"{")
            self.assertEqual(t.recv(4096), b"")
        self.assertLess(self.ended_within(b"", 10), 5)

    def test_handshake_that_never_comes(self):
        with socket.create_connection(("localhost", self.service.port)) as s:
            s.settimeout(10)
            self.assertEqual(s.recv(10), b"")

    def test_more_connections_than_allowed_wait_and_are_served(self):
        idle = [self.service.connect() for _ in range(8)]
        for c in idle:
            c.connect()
        self.assert_token(self.service.attest())  # once the idle ones were cut off
        for c in idle:
            c.close()

    def test_header_limit(self):
        with self.assertRaises(Exception):
            status = self.service.call("GET", "/certs", headers={"X": "y" * 40000})[0]
            self.assertNotIn(status, (400, 413, 431))


class Configuration(unittest.TestCase):
    def run_with(self, text):
        import subprocess
        import tempfile
        from service_case import BUILD
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
            f.write(text)
            f.flush()
            done = subprocess.run([os.path.join(BUILD, "src/service/assayd"), "--config", f.name, "--check-config"], capture_output=True, text=True)
            return done.returncode, done.stderr.replace(f.name, "FILE")

    GOOD = "[server]\ncertificate = a\nprivate_key = b\n[keys]\nsealing_key = k\n[store]\nurl = sqlite:s\n[provider x]\nissuer = https://a.b\n"

    def test_well_formed(self):
        self.assertEqual(self.run_with(self.GOOD)[0], 0)

    def test_blanks_before_a_line_mean_nothing(self):
        self.assertEqual(self.run_with("  " + self.GOOD.replace("\n", "\n  ") + "\n\n  # a comment\n\t; another\n")[0], 0)
        code, message = self.run_with(self.GOOD + "  prot = 1\n")
        self.assertEqual(code, 1)
        self.assertIn("FILE:10: prot = 1", message)

    def test_wrong_settings_name_line_and_what_is_allowed(self):
        for text, expected in (("[server]\nport = 99999\n", "FILE:2: port = 99999: allowed is a whole number from 0 to 65535"),
                               ("[server]\nprot = 1\n", "FILE:2: [server] prot: no such setting"),
                               ("[sever]\nport = 1\n", "FILE:2: [sever] port: no such section"),
                               ("[collateral]\nfreshness = fresh\n", "allowed is strict or pinned"),
                               ("[collateral]\naccepted_sgx = UpToDate, Revoked\n", "never Revoked"),
                               ("[reference]\nazure_mrtd = none\nuvm_root = did:x509:a b\n", "FILE:3: uvm_root = did:x509:a b: allowed is ISSUER FEED"),
                               ("[reference]\ndenied_chip = 00\n", "FILE:2: denied_chip = 00: allowed is a CHIP_ID"),
                               ("[reference]\nminimum_tcb = Milan fmc=1\n", "allowed is Milan, Genoa or Turin"),
                               ("[reference]\ndenied = 00\n", "or minimum_tcb in [reference]"),
                               ("[claims]\nextensions = 1\n", "allowed is on or off"),
                               ("[provider x]\nissuer = http://a\n", "FILE:2: issuer = http://a: allowed is https://"),
                               ("[provider x]\nissuer = https://a/b\n", "without a path"),
                               ("[region Here]\ncode = Wus\n", "FILE:2: code = Wus: allowed is 1 to 24 lower-case"),
                               ("[region Here]\nname = x\n", "code in a region's section"),
                               ("[region a]\ncode = a\n[region A]\ncode = b\n", "FILE:4: code = b: allowed is a code and a name that no other"),
                               ("[region a]\ncode = a\n[region b]\ncode = a\n", "FILE:4: code = a: allowed is a code and a name that no other"),
                               ("[control_plane]\nauthority = https://a\n", "FILE:2: authority = https://a: allowed is a host name"),
                               ("[control_plane]\nport = 1\n", "authority or domain in [control_plane]"),
                               (self.GOOD + "[control_plane]\nauthority = a.b\n", "[control_plane] domain must be set too"),
                               ("nonsense\n", "FILE:1: neither"),
                               ("[server]\nlisten = " + "a" * 5000 + "\n", "FILE:2: longer than"),
                               ("", "no provider"),
                               ("[provider x]\nissuer = https://a.b\n", "certificate and private_key must be set"),
                               (self.GOOD + "[provider y]\nissuer = https://A.b\n", "two providers have the issuer")):
            code, message = self.run_with(text)
            self.assertEqual(code, 1, text)
            self.assertIn(expected, message)


class Ending(unittest.TestCase):
    def test_graceful_stop(self):
        service = Service()
        try:
            self.assertEqual(service.attest()[0], 200)
            pids = {service.keeper(), *sum(service.children().values(), [])}
            self.assertGreater(len(pids), 2)
            self.assertEqual(service.stop(), 0)
            self.assertIn("ended", service.text())
            self.assertFalse(pids & {pid for _, pid, _ in service.processes()})
        finally:
            service.remove()


if __name__ == "__main__":
    unittest.main()
