"""A running assayd on a free port of the loopback address, started and stopped by the tests that use it."""
import base64
import http.client
import json
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

BUILD = os.environ.get("ASSAY_BUILD", "build/test")
READY_SECONDS = 60


def b64u(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Service:
    """assayd --dev in a folder of its own, or with a configuration made from the same parts."""

    def __init__(self, settings=None, env=None, development=(), program=None):
        self.folder = tempfile.mkdtemp(prefix="assay-test-")
        self.log_path = os.path.join(self.folder, "log")
        self.program = program or os.path.join(BUILD, "src/service/assayd")
        # Simulated evidence: the same with and without the corpus. The leak checker needs a process that can be traced; these cannot.
        self.env = {**os.environ, "ASSAY_SHARED": "", "ASAN_OPTIONS": "detect_leaks=0", **(env or {})}
        self.settings = settings
        self.development = development  # more arguments beside --dev
        self.process = None
        self.start()

    def start(self):
        state = os.path.join(self.folder, "state")
        if self.settings is None:
            arguments = ["--dev", "--state", state, "--port", "0", *self.development]
            if os.path.exists(os.path.join(state, "dev.env")):  # of an earlier start
                os.remove(os.path.join(state, "dev.env"))
        else:
            if not getattr(self, "config", None):
                self.config = self.make_config(state)
            arguments = ["--config", self.config]
        self.log = open(self.log_path, "wb")
        self.process = subprocess.Popen([self.program, *arguments], stderr=self.log, stdin=subprocess.DEVNULL, env=self.env)
        self.ca = os.path.join(state, "ca.pem")
        self.simulated = os.path.join(state, "simulated")
        if self.settings is None:
            self.wait(lambda: os.path.exists(os.path.join(state, "dev.env")))
            with open(os.path.join(state, "dev.env"), encoding="utf-8") as f:
                found = dict(re.findall(r"^(\w+)=(.*)$", f.read(), re.M))
            self.port = int(found["ASSAY_URL"].rsplit(":", 1)[1])
            self.token = found["ASSAY_TOKEN"]
        else:
            self.wait(lambda: "serving " in self.text())
        self.tls = ssl.create_default_context(cafile=self.ca)

    def make_config(self, state):
        """A first run with --dev makes certificates, token and simulated evidence; the configuration then uses them."""
        said = os.path.join(self.folder, "first.log")
        with open(said, "wb") as log:
            first = subprocess.Popen([self.program, "--dev", "--state", state, "--port", "0"], stderr=log, stdin=subprocess.DEVNULL, env=self.env)
        ready = os.path.join(state, "dev.env")
        for _ in range(READY_SECONDS * 10):
            if os.path.exists(ready) or first.poll() is not None:
                break
            time.sleep(0.1)
        first.terminate()
        first.wait(30)
        if not os.path.exists(ready):
            with open(said, encoding="utf-8", errors="replace") as log:
                raise AssertionError("assayd --dev did not get ready:\n" + log.read()[-4000:])
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        with open(ready, encoding="utf-8") as f:
            self.token = re.search(r"^ASSAY_TOKEN=(.*)$", f.read(), re.M).group(1)
        sections = {
            "server": {"listen": "127.0.0.1", "port": self.port, "certificate": f"{state}/server.pem", "private_key": f"{state}/server.key",
                       "user": pwd.getpwuid(os.geteuid()).pw_name},
            "core": {"pairs": 2},
            "collateral": {"folder": f"{state}/simulated/collateral", "anchor": f"{state}/simulated/anchor.pem"},
            "store": {"url": f"sqlite:{state}/assay.db"},
            "keys": {"sealing_key": f"{state}/sealing.key"},
            "provider first": {"issuer": f"https://localhost:{self.port}"},
            "issuer development": {"url": "https://localhost/assay/development", "jwks_file": f"{state}/issuer.jwks", "subscriptions": "all"},
            "assignment developer": {"issuer": "development", "subject": "developer", "role": "Owner", "scope": "/"},
        }
        for section, values in self.settings.items():
            sections.setdefault(section, {}).update(values)
        path = os.path.join(self.folder, "assayd.conf")
        with open(path, "w", encoding="utf-8") as f:
            for section, values in sections.items():
                f.write(f"[{section}]\n" + "".join(f"{k} = {v}\n" for k, v in values.items()))
        return path

    def text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait(self, condition, seconds=READY_SECONDS):
        for _ in range(seconds * 20):
            if condition():
                return
            if self.process.poll() is not None:
                raise AssertionError(f"assayd ended with {self.process.returncode}: {self.text()}")
            time.sleep(0.05)
        raise AssertionError(f"waited {seconds} s in vain; log: {self.text()[-3000:]}")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def stop(self):
        code = None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            code = self.process.wait(30)
        self.log.close()
        return self.process.returncode if code is None else code

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, timeout=30):
        return http.client.HTTPSConnection("localhost", self.port, context=self.tls, timeout=timeout)

    def call(self, method, path, body=None, headers=None, connection=None):
        c = connection or self.connect()
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        c.request(method, path, body=body, headers=headers or {})
        r = c.getresponse()
        data = r.read()
        if connection is None:
            c.close()
        try:
            parsed = json.loads(data) if data else None
        except ValueError:
            parsed = None
        return r.status, parsed, r.headers, data

    def request_body(self):
        with open(os.path.join(self.simulated, "request.json"), encoding="utf-8") as f:
            return json.load(f)

    def attest(self, body=None, connection=None, version="2022-08-01"):
        """Without a body: good evidence, each time another request."""
        if body is None:
            body = dict(self.request_body(), nonce=os.urandom(8).hex())
        return self.call("POST", f"/attest/SgxEnclave?api-version={version}", body, connection=connection)

    def call_as(self, name, path="/attest/SgxEnclave?api-version=2022-08-01", method=None, body=None, headers=None):
        """A request to the provider of another name, on this address; without a body, evidence to an attest path."""
        context = ssl.create_default_context(cafile=self.ca)
        context.check_hostname = False
        if body is None and path.startswith("/attest"):
            body = dict(self.request_body(), nonce=os.urandom(8).hex())
        c = http.client.HTTPSConnection("localhost", self.port, context=context, timeout=30)
        c.sock = context.wrap_socket(socket.create_connection(("localhost", self.port), 30), server_hostname=name)
        return self.call(method or ("POST" if body else "GET"), path, body, dict(headers or {}, Host=f"{name}:{self.port}"), c)

    def processes(self):
        """(name, pid, parent) of every process that has not ended."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                    stat = f.read()
            except OSError:
                continue
            name, rest = stat[stat.index("(") + 1:stat.rindex(")")], stat[stat.rindex(")") + 2:].split()
            if rest[0] != "Z":
                yield name, int(pid), int(rest[1])

    def keeper(self):
        """pid of the process that starts the pairs, or None."""
        return next((pid for name, pid, parent in self.processes() if parent == self.process.pid and name == "assayd: keeper"), None)

    def children(self):
        """pids of the pairs' processes by program name."""
        found, keeper = {"assay-verifier": [], "assay-signer": []}, self.keeper()
        for name, pid, parent in self.processes():
            if parent == keeper and name in found:
                found[name].append(pid)
        return found


class ServiceCase(unittest.TestCase):
    settings = None
    env = None

    @classmethod
    def setUpClass(cls):
        cls.service = Service(cls.settings, cls.env)

    @classmethod
    def tearDownClass(cls):
        cls.service.remove()

    def assert_token(self, answer):
        status, body, _, raw = answer
        self.assertEqual(status, 200, raw[:500])
        header, payload, _ = body["token"].split(".")
        pad = lambda text: json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return pad(header), pad(payload)

    def assert_error(self, answer, status, code):
        self.assertEqual(answer[0], status, answer[3][:500])
        self.assertEqual(answer[1]["error"]["code"], code)
        self.assertTrue(answer[1]["error"]["message"])
        self.assertEqual(answer[2]["x-ms-error-code"], code)
        return answer[1]["error"]["message"]
