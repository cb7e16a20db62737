"""The audit log of a running service: one record for each operation, nothing secret in it, whole after kill -9, refusals when it cannot
be written."""
import base64
import hashlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from service_case import BUILD, Service, ServiceCase, b64u

V = "?api-version=2022-08-01"
ARM = "?api-version=2021-06-01"
SUB = "/subscriptions/00000000-0000-0000-0000-000000000001"
MINE = SUB + "/resourceGroups/default/providers/Microsoft.Attestation/attestationProviders/development"
MADE = SUB + "/resourceGroups/lab/providers/Microsoft.Attestation/attestationProviders/audited"
POLICY = 'version=1.0; authorizationrules { => permit(); }; issuancerules { => issue(type="secret-of-the-policy", value=true); };'


def policy_jws(text=POLICY):
    return b64u(b'{"alg":"none"}') + "." + b64u(json.dumps({"AttestationPolicy": b64u(text.encode())}).encode()) + "."


def verify(*files, expect=None):
    arguments = [f"--expect={expect}"] if expect else []
    done = subprocess.run([os.path.join(BUILD, "src/cli/assay"), "audit", "verify", "--json", *arguments, *files], capture_output=True,
                          text=True, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout)


class AuditCase(ServiceCase):
    @classmethod
    def path(cls):
        return os.path.join(cls.service.folder, "state", "audit.log")

    def text(self, path=None):
        with open(path or self.path(), encoding="utf-8") as f:
            return f.read()

    def records(self, path=None):
        return [json.loads(line) for line in self.text(path).splitlines() if line.endswith('"}')]

    def signed_in(self, **more):
        return {"Authorization": "Bearer " + self.service.token, **more}

    def record_of(self, *arguments, **named):
        """The one record that a request makes, and its answer."""
        before = len(self.records())
        answer = self.service.call(*arguments, **named)
        found = self.records()[before:]
        self.assertEqual(1, len(found), found)
        self.assertEqual(answer[2]["x-ms-request-id"], found[0]["requestId"])
        self.assertEqual(str(answer[0]), found[0]["resultSignature"])
        return found[0], answer

    def assert_record(self, record, name, category, result, resource_id=MINE):
        self.assertEqual((name, category, result, resource_id),
                         (record["operationName"], record["category"], record["resultType"], record["resourceId"]))
        self.assertEqual("::ffff:127.0.0.1", record["callerIpAddress"])
        self.assertRegex(record["Time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$")
        self.assertGreaterEqual(record["durationMs"], 0)
        self.assertEqual("Error" if result == "Failed" else "Informational", record["level"])
        trace = json.loads(record["traceContext"])
        self.assertIn(f"-{trace['traceId']}-{trace['parentId']}-", record["requestId"])

    def pad(self):
        """Records of ours behind those that are there, until the log is longer than any other file of the service: a limit on the size of
        files then stops it alone. Gives how many."""
        last = self.records()[-1]["chain"]
        lines = []
        for n in range(8 << 10):
            record = json.dumps({"n": n, "text": "x" * 1000})[:-1]
            last = self.sha(last + record)
            lines.append(f'{record},"chain":"{last}"}}\n')
        with open(self.path(), "a", encoding="utf-8") as f:
            f.writelines(lines)
        return len(lines)

    def sha(self, data):
        return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


class Records(AuditCase):
    def test_attest(self):
        body = json.dumps(dict(self.service.request_body(), nonce="0123"))
        record, answer = self.record_of("POST", "/attest/sgxenclave" + V + "&secret=in-the-query", body, {"User-Agent": "me\u00e9/1 \"x\""})
        self.assert_record(record, "AttestSgxEnclave", "Operational", "Succeeded")
        self.assertEqual((self.sha(body), self.sha(answer[3])), (record["requestSha256"], record["answerSha256"]))
        self.assertEqual("{}", record["identity"])
        self.assertEqual(f"https://localhost:{self.service.port}/attest/sgxenclave{V}", record["uri"])
        received = record["properties"]["infoDataReceived"]
        self.assertEqual((len(body), {"User-Agent": 'me?/1 "x"'}), (received["ContentLength"], received["Headers"]))
        self.assertNotIn("in-the-query", self.text())

    def test_attest_refused(self):
        quote = base64.urlsafe_b64decode(self.service.request_body()["quote"] + "==")
        bad = dict(self.service.request_body(), quote=b64u(quote[:-10] + bytes([quote[-10] ^ 1]) + quote[-9:]))
        record, answer = self.record_of("POST", "/attest/SgxEnclave" + V, bad)
        self.assertEqual(400, answer[0])
        self.assert_record(record, "AttestSgxEnclave", "Operational", "Failed")
        self.assertNotIn("answerSha256", record)
        self.assertEqual((MINE, "Request"), (record["properties"]["failureResourceId"], record["properties"]["failureCategory"]))
        bad = dict(self.service.request_body(), runtimeData={"data": b64u(b"other"), "dataType": "Binary"})
        self.assertEqual("sgx.runtime_data", self.record_of("POST", "/attest/SgxEnclave" + V, bad)[0]["failedCheck"])

    def test_policies(self):
        record, answer = self.record_of("PUT", "/policies/SgxEnclave" + V, policy_jws(), self.signed_in())
        self.assertEqual(200, answer[0], answer[3])
        self.assert_record(record, "SetCurrentPolicy", "AuditEvent", "Success")
        self.assertEqual((self.sha(policy_jws()), self.sha(answer[3])), (record["requestSha256"], record["answerSha256"]))
        identity = json.loads(record["identity"])
        self.assertEqual(("developer", "https://localhost/assay/development"), (identity["callerId"], identity["callerIssuer"]))
        record, answer = self.record_of("PUT", "/policies/SgxEnclave" + V, policy_jws("no policy"), self.signed_in())
        self.assertEqual(400, answer[0])
        self.assert_record(record, "SetCurrentPolicy", "AuditEvent", "Failed")
        record, _ = self.record_of("GET", "/policies/SgxEnclave" + V, None, self.signed_in())
        self.assert_record(record, "GetCurrentPolicy", "AuditEvent", "Success")
        record, _ = self.record_of("POST", "/policies/SgxEnclave:reset" + V, b64u(b'{"alg":"none"}') + "..", self.signed_in())
        self.assert_record(record, "ResetCurrentPolicy", "AuditEvent", "Success")
        record, _ = self.record_of("GET", "/certificates" + V, None, self.signed_in())
        self.assert_record(record, "GetPolicyCertificates", "AuditEvent", "Success")
        record, _ = self.record_of("GET", "/assay/v1/history/policies/SgxEnclave", None, self.signed_in())
        self.assert_record(record, "GetHistory", "AuditEvent", "Success")

    def test_who_has_not_signed_in(self):
        for header in ({}, {"Authorization": "Bearer a-bearer-token"}):
            record, answer = self.record_of("PUT", "/policies/SgxEnclave" + V, policy_jws(), header)
            self.assertEqual(401, answer[0])
            self.assert_record(record, "SetCurrentPolicy", "AuditEvent", "Failed")
            self.assertEqual(("{}", "AzureAuthorization"), (record["identity"], record["properties"]["failureCategory"]))
        self.assertTrue(record["failedCheck"].startswith("bearer."), record)

    def test_control_plane(self):
        body = {"location": "westus", "properties": {}}
        record, answer = self.record_of("PUT", MADE + ARM, body, self.signed_in())
        self.assertEqual(201, answer[0], answer[3])
        self.assert_record(record, "AttestationProviders_Create", "AuditEvent", "Success", MADE)
        self.assertEqual(("WestUS", "WestUS"), (record["region"], record["location"]))
        record, _ = self.record_of("DELETE", MADE + ARM, None, self.signed_in())
        self.assert_record(record, "AttestationProviders_Delete", "AuditEvent", "Success", MADE)
        record, answer = self.record_of("PUT", MADE + ARM, body)
        self.assertEqual(401, answer[0])
        self.assert_record(record, "AttestationProviders_Create", "AuditEvent", "Failed", MADE)
        record, answer = self.record_of("GET", MADE + "/nonsense" + ARM, None, self.signed_in())
        self.assertEqual(404, answer[0])
        self.assert_record(record, "Unknown", "NotProcessed", "Failed", "")

    def test_what_is_not_processed(self):
        for path, method, header, status in (("/nonsense", "GET", {}, 404), ("/attest/SgxEnclave" + V, "GET", {}, 405),
                                             ("/attest/SgxEnclave" + V, "POST", {"Host": "elsewhere.example"}, 421),
                                             ("/certs", "DELETE", {}, 405)):
            with self.subTest(path=path, method=method):
                record, answer = self.record_of(method, path, "" if method == "POST" else None, header)
                self.assertEqual(status, answer[0])
                self.assertEqual(("NotProcessed", "Failed"), (record["category"], record["resultType"]))
                self.assertEqual("" if status == 421 else MINE, record["resourceId"])

    def test_a_host_of_nobody(self):
        before = len(self.records())
        self.assertEqual(404, self.service.call_as("nobody.localhost")[0])
        record, = self.records()[before:]
        self.assert_record(record, "AttestSgxEnclave", "NotProcessed", "Failed", "")

    def test_malformed(self):
        before = len(self.records())
        with self.service.tls.wrap_socket(socket.create_connection(("localhost", self.service.port), 30), server_hostname="localhost") as s:
            s.sendall(b"POST /attest/SgxEnclave HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx")
            self.assertIn(b" 400 ", s.recv(4096))
        record, = self.records()[before:]
        self.assert_record(record, "Unknown", "NotProcessed", "Failed", "")
        self.assertEqual("", record["uri"])

    def test_what_everybody_may_read_is_not_recorded(self):
        before = len(self.records())
        for path in ("/certs", "/.well-known/openid-configuration", "/servicehealth", "/healthz", "/readyz"):
            self.service.call("GET", path)
        self.assertEqual(before, len(self.records()))

    def test_no_text_of_evidence_policy_or_token(self):
        answer = self.service.attest()
        put = self.service.call("PUT", "/policies/OpenEnclave" + V, policy_jws(), self.signed_in())
        self.assertEqual((200, 200), (answer[0], put[0]))
        text = self.text()
        for secret in (self.service.token, answer[1]["token"], put[1]["token"], policy_jws(), self.service.request_body()["quote"]):
            for i in range(0, len(secret) - 32, 16):
                if not secret[i:i + 32].startswith("eyJ"):
                    self.assertNotIn(secret[i:i + 32], text)
        self.assertNotIn("secret-of-the-policy", text)

    def test_the_log_is_whole(self):
        self.service.attest()
        code, told = verify(self.path())
        self.assertEqual((0, True, len(self.records())), (code, told["whole"], told["records"]))
        lines = self.text().splitlines(keepends=True)
        self.assertEqual(json.loads(lines[-1])["chain"], told["last"])
        with tempfile.NamedTemporaryFile("w", suffix=".log") as f:
            f.write("".join(lines[:-2] + lines[-1:]))
            f.flush()
            code, told = verify(f.name)
            self.assertEqual((2, len(lines) - 1), (code, told["line"]))
            f.truncate(len("".join(lines[:-2])))
            f.flush()
            self.assertEqual(0, verify(f.name)[0])
            self.assertEqual(2, verify(f.name, expect=json.loads(lines[-1])["chain"])[0])


class Rotation(AuditCase):
    def test_rotation_and_restarts(self):
        before = len(self.records())
        self.service.attest()
        old = self.path() + ".1"
        os.rename(self.path(), old)
        self.service.attest()
        self.service.process.send_signal(signal.SIGHUP)
        self.service.wait(lambda: os.path.exists(self.path()))
        self.service.attest()
        self.assertEqual(self.records(old)[-1]["chain"], self.records()[0]["previous"])
        self.service.kill()
        with open(self.path(), "a", encoding="utf-8") as f:
            f.write('{"Time":"2026-')
        self.service.start()
        self.service.attest()
        lines = self.text().splitlines()
        self.assertIn("recovered", json.loads(lines[-1]))
        self.assertEqual('{"Time":"2026-', lines[-2])
        code, told = verify(old, self.path())
        self.assertEqual((0, before + 4, 1), (code, told["records"], told["recovered"]), told)
        self.assertEqual(2, verify(self.path(), old)[0])

    def test_kill_under_load(self):
        stop, acknowledged, lock = threading.Event(), [], threading.Lock()

        def change():
            while not stop.is_set():
                try:
                    answer = self.service.call("PUT", "/policies/SgxEnclave" + V, policy_jws(), self.signed_in())
                    if answer[0] == 200:
                        with lock:
                            acknowledged.append(answer[2]["x-ms-request-id"])
                except OSError:
                    time.sleep(0.05)
                except Exception:  # an answer that was cut off
                    time.sleep(0.05)

        threads = [threading.Thread(target=change) for _ in range(4)]
        for t in threads:
            t.start()
        for _ in range(3):
            want = len(acknowledged) + 5
            self.service.wait(lambda want=want: len(acknowledged) >= want)
            self.service.kill()
            self.service.start()
        stop.set()
        for t in threads:
            t.join()
        code, told = verify(self.path())
        self.assertEqual(0, code, told)
        lost = set(acknowledged) - {json.loads(line)["requestId"] for line in self.text().splitlines() if line.endswith('"}')}
        self.assertEqual((set(), True), (lost, len(acknowledged) >= 15))


class FullDisk(AuditCase):
    """The log reaches the largest size that a file of this process may have."""

    def limit(self, size):
        resource.prlimit(self.service.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def test_management_is_refused_and_attesting_goes_on(self):
        self.service.attest()
        before = len(self.records())
        self.service.stop()
        added = self.pad()
        self.service.start()
        self.assertEqual(200, self.service.attest()[0])
        self.limit(os.path.getsize(self.path()) + 100)
        self.assertEqual(200, self.service.attest()[0])
        path = "/policies/SgxEnclave" + V
        self.assert_error(self.service.call("PUT", path, policy_jws(), self.signed_in()), 503, "ServiceUnavailable")
        self.assertEqual(401, self.service.call("GET", path)[0])
        self.assertEqual(503, self.service.call("DELETE", MADE + ARM, None, self.signed_in())[0])
        self.assertEqual(200, self.service.attest()[0])
        self.assertEqual(1, self.service.text().count("a record is lost"))
        self.assertIn(b"\nassay_audit_lost_total 5\n", self.service.call("GET", "/metrics")[3])
        self.limit(resource.RLIM_INFINITY)
        self.assertEqual(200, self.service.attest()[0])
        self.assertIn("records are written again; 5 were lost", self.service.text())
        record, answer = self.record_of("GET", path, None, self.signed_in())
        self.assertNotIn(b64u(POLICY.encode()), answer[3].decode())
        code, told = verify(self.path())
        self.assertEqual((0, before + added + 3), (code, told["records"]), told)



class Journal(AuditCase):
    settings = {}

    def test_a_copy_goes_to_the_journal(self):
        """In a mount namespace with a socket of ours in the place of the journal's."""
        if os.geteuid() != 0:
            self.skipTest("only root can make a mount namespace")
        folder = os.path.join(self.service.folder, "journal")
        os.makedirs(folder + "/run/systemd/journal")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(folder + "/run/systemd/journal/socket")
            s.settimeout(30)
            probe = ["unshare", "-m", "sh", "-c", f"mount --bind '{folder}/run' /run && exec \"$@\"", "sh"]
            tried = subprocess.run([*probe, "true"], capture_output=True, text=True, check=False)
            if tried.returncode != 0:
                self.skipTest("no mount namespace can be made here: " + tried.stderr.strip())
            self.service.stop()
            with open(self.service.config, "a", encoding="utf-8") as f:
                f.write(f"[audit]\nfile = {self.path()}\njournal = on\n")
            self.service.log = open(self.service.log_path, "wb")
            self.service.process = subprocess.Popen([*probe, self.service.program, "--config", self.service.config],
                                                    stderr=self.service.log, stdin=subprocess.DEVNULL, env=self.service.env)
            self.service.wait(lambda: "serving " in self.service.text())
            self.assertEqual(200, self.service.attest()[0])
            fields = dict(line.split("=", 1) for line in s.recv(1 << 17).decode().splitlines())
        self.assertEqual({"PRIORITY": "6", "SYSLOG_IDENTIFIER": "assayd-audit", "MESSAGE": self.text().rstrip("\n")}, fields)
        self.assertEqual(200, self.service.attest()[0])  # a journal that is gone: the record counts as lost
        self.service.wait(lambda: "the journal at" in self.service.text())


class OnFailure(AuditCase):
    settings = {"audit": {"on_failure": "continue"}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service.stop()
        with open(cls.service.config, "a", encoding="utf-8") as f:
            f.write(f"[audit]\nfile = {cls.path()}\n")
        cls.service.start()

    def test_management_goes_on_where_the_setting_says_so(self):
        self.service.attest()
        self.service.stop()
        self.pad()
        self.service.start()
        resource.prlimit(self.service.process.pid, resource.RLIMIT_FSIZE, (os.path.getsize(self.path()), resource.RLIM_INFINITY))
        for _ in range(2):
            self.assertEqual(200, self.service.call("PUT", "/policies/SgxEnclave" + V, policy_jws(), self.signed_in())[0])
        self.assertIn("a record is lost", self.service.text())


if __name__ == "__main__":
    unittest.main()
