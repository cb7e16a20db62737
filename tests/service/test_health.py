"""/metrics, /readyz and /healthz, beside the data plane and on an administration listener, as a client sees them."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest

from service_case import BUILD, Service, ServiceCase

LINE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z_]+="[^"\\\n]*",?)+)\})? (\d+(?:\.\d+)?)$')
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
PROVIDERS = f"{SUBSCRIPTION}/providers/Microsoft.Attestation/attestationProviders?api-version=2020-10-01"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def parse(data):
    """{(name, labels): value}; refuses what is not the exposition format, a name without type, and a line told twice."""
    values, types = {}, {}
    for line in data.decode("ascii").splitlines():
        if line.startswith("# HELP "):
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            if name in types:
                raise AssertionError(f"{name} has two types")
            types[name] = kind
            continue
        found = LINE.match(line)
        if not found:
            raise AssertionError(f"no line of a metric: {line!r}")
        name, labels, value = found.groups()
        family = re.sub(r"_(bucket|sum|count)$", "", name) if types.get(re.sub(r"_(bucket|sum|count)$", "", name)) == "histogram" else name
        if family not in types or (name, labels) in values:
            raise AssertionError(f"without a type, or twice: {line!r}")
        values[name, labels] = float(value)
    return values


class Door:
    """Calls to a listener: by address and port, with the certificate of localhost."""

    def __init__(self, service, port, address="127.0.0.1", host=None):
        self.service, self.port, self.address, self.host = service, port, address, host or f"localhost:{port}"

    def call(self, method, path, headers=None):
        context = ssl.create_default_context(cafile=self.service.ca)
        context.check_hostname = False
        c = http.client.HTTPSConnection("localhost", self.port, context=context, timeout=30)
        c.sock = context.wrap_socket(socket.create_connection((self.address, self.port), 30), server_hostname=self.host.rsplit(":", 1)[0])
        try:
            return self.service.call(method, path, None, dict(headers or {}, Host=self.host), c)
        finally:
            c.close()

    def metrics(self):
        status, _, headers, data = self.call("GET", "/metrics")
        assert status == 200 and headers["Content-Type"] == CONTENT_TYPE, (status, data[:200])
        return parse(data)


def machine_address():
    """An address of this machine that is not a loopback one, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))  # sends nothing: it only asks which address would be used
        except OSError:
            return None
        return s.getsockname()[0]


class Beside(ServiceCase):
    """Without an administration listener."""

    settings = {"server": {"listen": "0.0.0.0"}, "limits": {"address_rate": 0, "provider_rate": 1, "provider_burst": 12}}

    def setUp(self):
        self.door = Door(self.service, self.service.port)

    def difference(self, act, *keys):
        before = self.door.metrics()
        act()
        after = self.door.metrics()
        return [after[k] - before[k] for k in keys]

    def test_health_and_readiness(self):
        self.assertEqual(self.door.call("GET", "/healthz")[:2], (200, {"alive": True}))
        self.assertEqual(self.door.call("GET", "/readyz")[:2], (200, {"ready": True, "missing": [], "evidence": "none", "anchor": "none"}))
        self.assertEqual(self.door.call("HEAD", "/readyz")[0], 200)
        for path in "/healthz", "/readyz", "/metrics":
            self.assertEqual(self.door.call("POST", path)[0], 405)

    def test_requests_are_counted_by_operation_and_status(self):
        def act():
            self.assertEqual(self.door.call("GET", "/certs")[0], 200)
            self.assertEqual(self.door.call("GET", "/no/such/path")[0], 404)

        self.assertEqual(self.difference(act, ("assay_requests_total", 'operation="keys",status="2xx"'),
                                         ("assay_requests_total", 'operation="other",status="4xx"'),
                                         ("assay_request_seconds_count", 'operation="keys"'),
                                         ("assay_request_seconds_bucket", 'operation="keys",le="+Inf"')), [1, 1, 1, 1])

    def test_failed_checks_are_counted_by_id(self):
        body = self.service.request_body()
        quote = body["quote"]
        middle = len(quote) // 8
        body["quote"] = quote[:middle] + ("A" if quote[middle] != "A" else "B") + quote[middle + 1:]
        answer = {}

        def act():
            answer["is"] = self.service.attest(body)

        before = self.door.metrics()
        act()
        after = self.door.metrics()
        self.assertEqual(answer["is"][0], 400)
        changed = [labels for (name, labels), v in after.items() if name == "assay_failed_checks_total" and v != before[name, labels]]
        self.assertEqual(len(changed), 1)
        check = re.search('"(.*)"', changed[0]).group(1)
        self.assertIn(f" {check} ", self.service.text())
        self.assertEqual(after["assay_requests_total", 'operation="attest_sgx_enclave",status="4xx"']
                         - before["assay_requests_total", 'operation="attest_sgx_enclave",status="4xx"'], 1)

    def test_the_state_of_the_service(self):
        values = self.door.metrics()
        for name, value in {"assay_ready": 1, "assay_store_up": 1, "assay_pairs": 2, "assay_pairs_serving": 2,
                            "assay_queue_length": 0}.items():
            self.assertEqual(values[name, None], value, name)
        self.assertGreaterEqual(values["assay_providers", None], 1)
        self.assertEqual(values["assay_connections", 'listener="administration"'], 0)
        self.assertGreaterEqual(values["assay_connections", 'listener="server"'], 1)
        self.assertLess(abs(values["assay_start_time_seconds", None] - time.time()), 600)

    def test_histograms_grow_with_their_bounds(self):
        values = self.door.metrics()
        rows = {}
        for (name, labels), v in values.items():
            if name == "assay_request_seconds_bucket":
                operation, bound = re.match('operation="(.*)",le="(.*)"', labels).groups()
                rows.setdefault(operation, []).append((float(bound), v))
        self.assertGreater(len(rows), 10)
        for operation, row in rows.items():
            self.assertEqual(row, sorted(row), operation)
            self.assertEqual(row[-1], (float("inf"), values["assay_request_seconds_count", f'operation="{operation}"']))

    def test_labels_name_no_tenant_and_no_path(self):
        self.door.call("GET", "/assay/v1/secret-name")
        _, _, _, data = self.door.call("GET", "/metrics")
        self.assertNotIn(b"localhost", data)
        self.assertNotIn(b"secret-name", data)

    def test_what_a_quota_refuses(self):
        key = ("assay_refused_by_quota_total", 'limit="provider"')
        refused = []

        def act():
            for _ in range(40):
                if self.service.call("GET", "/policies/SgxEnclave?api-version=2022-08-01")[0] == 429:
                    refused.append(1)

        self.assertEqual(self.difference(act, key), [len(refused)])
        self.assertGreater(len(refused), 0)

    def test_others_than_this_machine_get_no_metrics(self):
        address = machine_address()
        if address is None or address.startswith("127."):
            self.skipTest("this machine has no address but loopback ones")
        other = Door(self.service, self.service.port, address)
        self.assertEqual(other.call("GET", "/metrics")[0], 404)
        self.assertEqual(other.call("GET", "/METRICS")[0], 404)
        self.assertEqual(other.call("GET", "/metrics", {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"})[0], 404)
        self.assertEqual(other.call("GET", "/readyz")[0], 200)

    def test_pairs_that_end_show(self):
        before = self.door.metrics()["assay_pair_restarts_total", None]
        os.kill(self.service.children()["assay-verifier"][0], signal.SIGKILL)
        self.service.wait(lambda: self.door.metrics()["assay_pair_restarts_total", None] == before + 1)
        self.service.wait(lambda: self.door.metrics()["assay_pairs_serving", None] == 2)


class Apart(unittest.TestCase):
    """With an administration listener."""

    @classmethod
    def setUpClass(cls):
        cls.port = free_port()
        cls.service = Service({"administration": {"listen": "127.0.0.1", "port": cls.port},
                               "control_plane": {"authority": f"localhost:{cls.port}", "domain": "localhost"},
                               "server": {"stop_seconds": 5}})
        cls.administration = Door(cls.service, cls.port)
        # By the control plane's own name too: where a request may go is decided by the listener, not by what it says of itself.
        cls.public = [Door(cls.service, cls.service.port), Door(cls.service, cls.service.port, host=f"localhost:{cls.port}")]
        cls.signed_in = {"Authorization": f"Bearer {cls.service.token}"}

    @classmethod
    def tearDownClass(cls):
        cls.service.remove()

    def test_administration_is_there(self):
        self.assertEqual(self.administration.call("GET", "/healthz")[0], 200)
        self.assertEqual(self.administration.call("GET", "/readyz")[0], 200)
        values = self.administration.metrics()
        self.assertEqual(values["assay_connections", 'listener="administration"'], 1)
        self.assertIn(f"administration is on port {self.port}", self.service.text())

    def test_the_control_plane_is_there(self):
        self.assertEqual(self.administration.call("GET", PROVIDERS)[0], 401)
        status, body, _, data = self.administration.call("GET", PROVIDERS, self.signed_in)
        self.assertEqual(status, 200, data)
        self.assertIn("value", body)

    def test_none_of_it_is_elsewhere(self):
        for door in self.public:
            for path in "/metrics", "/healthz", "/readyz", "/Metrics", PROVIDERS, "/%6detrics":
                self.assertEqual(door.call("GET", path, self.signed_in)[0], 404, path)
            self.assertEqual(door.call("GET", "//metrics", self.signed_in)[0], 400)

    def test_the_data_plane_is_not_there(self):
        for path in ("/certs", "/.well-known/openid-configuration", "/attest/SgxEnclave?api-version=2022-08-01", "/servicehealth",
                     "/policies/SgxEnclave?api-version=2022-08-01", "/assay/v1/history/certificates"):
            for host in f"localhost:{self.port}", f"localhost:{self.service.port}":
                door = Door(self.service, self.port, host=host)
                self.assertEqual(door.call("GET", path, self.signed_in)[0], 404, (path, host))
        self.assertEqual(self.public[0].call("GET", "/certs")[0], 200)

    def test_a_full_data_plane_leaves_administration_alone(self):
        before = self.administration.metrics()
        for _ in range(3):
            self.public[0].call("GET", "/certs")
        after = self.administration.metrics()
        key = ("assay_requests_total", 'operation="keys",status="2xx"')
        self.assertEqual(after[key] - before[key], 3)


FAKE_VERIFIER = """#!{python}
import struct, socket, time
host, signer = socket.socket(fileno=3), socket.socket(fileno=4)
def send(to, kind, body=b""):
    to.sendall(struct.pack("<II", len(body), kind) + body)
def take(of):
    header = of.recv(8, socket.MSG_WAITALL)
    length, kind = struct.unpack("<II", header)
    return kind, of.recv(length, socket.MSG_WAITALL) if length else b""
kind, keys = take(signer)
assert kind == {FRAME_READY}
send(host, {FRAME_READY}, keys)
assert take(host) == ({FRAME_SELFTEST}, b"")
{then}
time.sleep(600)
"""


def frame_kinds():
    """Numbers of the frames, by name, as the C sources count them."""
    with open("src/core/frame.h", encoding="utf-8") as f:
        body = re.search(r"enum frame_kind \{(.*?)\};", f.read(), re.S).group(1)
    names = re.findall(r"\b(FRAME_[A-Z_]+)\b(?: = 1)?,", re.sub(r"/\*.*?\*/", "", body, flags=re.S))
    return {name: number for number, name in enumerate(names, 1)}


class SelfTest(unittest.TestCase):
    """What the service does with pairs that do not pass: in place of the verifier is one that says what the test wants."""

    @classmethod
    def setUpClass(cls):
        cls.port = free_port()
        cls.service = Service({"administration": {"port": cls.port}, "server": {"stop_seconds": 1}})
        cls.service.stop()
        cls.programs = os.path.join(cls.service.folder, "programs")
        os.mkdir(cls.programs)
        shutil.copy(cls.service.program, cls.programs)
        shutil.copy(os.path.join(BUILD, "src/core/assay-signer"), cls.programs)
        cls.door = Door(cls.service, cls.port)

    @classmethod
    def tearDownClass(cls):
        cls.service.remove()

    def start(self, then):
        path = os.path.join(self.programs, "assay-verifier")
        with open(path, "w", encoding="utf-8") as f:
            f.write(FAKE_VERIFIER.format(python=sys.executable, then=then.format(**frame_kinds()), **frame_kinds()))
        os.chmod(path, 0o755)
        self.service.log = open(self.service.log_path, "wb")
        self.service.process = subprocess.Popen([os.path.join(self.programs, "assayd"), "--config", self.service.config],
                                                stderr=self.service.log, stdin=subprocess.DEVNULL, env=self.service.env)
        self.addCleanup(self.service.stop)

    def missing(self):
        """What /readyz says is missing, or None where nothing listens yet."""
        try:
            status, body, _, _ = self.door.call("GET", "/readyz")
        except OSError:
            return None
        self.assertEqual((status, body["ready"]), (503, False))
        return body["missing"]

    def test_readiness_names_what_is_under_way(self):
        self.start("")
        self.service.wait(lambda: "pair 1: its self-test is under way" in (self.missing() or []))
        self.assertEqual(sorted(self.missing()), ["no pair of verifier and signer is there", "pair 1: its self-test is under way",
                                                  "pair 2: its self-test is under way", "the service is starting"])
        self.assertEqual(self.door.call("GET", "/healthz")[0], 200)
        self.assertEqual(self.door.metrics()["assay_ready", None], 0)
        self.assertEqual(self.service.call("GET", "/servicehealth")[0], 503)

    def test_a_pair_that_fails_is_not_used(self):
        self.start("send(host, {FRAME_SELFTESTED}, b'SgxEnclave: the damaged sample was accepted')")
        self.assertEqual(self.service.process.wait(60), 1)
        said = self.service.text()
        self.assertIn("a pair is not used, its self-test failed: SgxEnclave: the damaged sample was accepted", said)
        self.assertIn("do not start", said)
        self.assertNotIn("serving ", said)

    def test_a_result_that_nobody_asked_for(self):
        self.start("send(host, {FRAME_SELFTESTED})\nsend(host, {FRAME_SELFTESTED})")
        self.assertEqual(self.service.process.wait(60), 1)
        self.assertIn("said something malformed", self.service.text())

    def test_a_pair_that_fails_later_makes_the_service_unready(self):
        """The true verifier at first; then, in place of one that ended, another."""
        path, true = os.path.join(self.programs, "assay-verifier"), os.path.join(BUILD, "src/core/assay-verifier")
        self.start("send(host, {FRAME_SELFTESTED}, b'OpenEnclave: the good sample was refused by \\xff')")
        self.service.stop()
        fake = path + ".fake"
        os.rename(path, fake)
        shutil.copy(true, path)
        self.service.log = open(self.service.log_path, "wb")
        self.service.process = subprocess.Popen([os.path.join(self.programs, "assayd"), "--config", self.service.config],
                                                stderr=self.service.log, stdin=subprocess.DEVNULL, env=self.service.env)
        self.service.wait(lambda: "serving " in self.service.text())
        self.assertEqual(self.door.call("GET", "/readyz")[0], 200)
        os.rename(fake, path)
        os.kill(self.service.children()["assay-verifier"][0], signal.SIGKILL)
        self.service.wait(lambda: self.door.call("GET", "/readyz")[0] == 503)
        missing = self.missing()
        self.assertEqual(len(missing), 1, missing)
        self.assertRegex(missing[0], r"^pair [12]: OpenEnclave: the good sample was refused by ")
        self.assertEqual(self.door.metrics()["assay_pairs_serving", None], 1)
        self.assert_still_serves()

    def assert_still_serves(self):
        for _ in range(4):
            self.assertEqual(self.service.attest()[0], 200)


class Ending(unittest.TestCase):
    """What readiness says while the service ends: administration is there to the last."""

    def ask_on(self, service, port):
        """/readyz again and again over one connection, until that ends."""
        c = http.client.HTTPSConnection("localhost", port, context=service.tls, timeout=30)
        try:
            while True:
                c.request("GET", "/readyz")
                c.getresponse().read()
        except (OSError, http.client.HTTPException):
            c.close()

    def test_it_ends_well_under_questions(self):
        port = free_port()
        service = Service({"administration": {"listen": "localhost", "port": port}})
        try:
            for _ in range(3):
                asking = [threading.Thread(target=self.ask_on, args=(service, port)) for _ in range(8)]
                for t in asking:
                    t.start()
                service.wait(lambda: "/readyz 200" in service.text())
                service.process.terminate()
                self.assertEqual(service.process.wait(30), 0, service.text())
                for t in asking:
                    t.join()
                service.log.close()
                service.start()
        finally:
            service.remove()

    def test_it_is_not_ready_while_it_ends(self):
        port = free_port()
        service = Service({"administration": {"port": port}, "server": {"stop_seconds": 6}})
        try:
            door = Door(service, port)
            verifiers = service.children()["assay-verifier"]
            for pid in verifiers:  # so that a request is under way when the end comes
                os.kill(pid, signal.SIGSTOP)
            held = service.connect()
            held.request("POST", "/attest/SgxEnclave?api-version=2022-08-01", body=json.dumps(service.request_body()))
            service.wait(lambda: door.metrics()["assay_pairs_busy", None] == 1)
            self.assertEqual(door.call("GET", "/readyz")[0], 200)
            service.process.terminate()
            service.wait(lambda: "ending after" in service.text())
            status, body, _, _ = door.call("GET", "/readyz")
            self.assertEqual(status, 503)
            self.assertEqual(body["missing"], ["the service is ending"])
            self.assertFalse(body["ready"])
            for pid in verifiers:
                os.kill(pid, signal.SIGCONT)
            self.assertEqual(held.getresponse().status, 200)
            held.close()
            self.assertEqual(service.process.wait(30), 0, service.text())
        finally:
            service.remove()


if __name__ == "__main__":
    unittest.main(verbosity=2)
