"""What the tests of the command line share: running `assay`, the corpus, keys made with openssl, a small HTTPS server.

Environment: ASSAY_BUILD names the build folder (default build), ASSAY_SHARED the corpus (default ../shared beside the
repository). What needs the corpus, or the openssl program, is skipped without it and counted.
"""
import base64
import http.server
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("ASSAY_BUILD", "build")
SHARED = Path(os.environ.get("ASSAY_SHARED", ROOT.parent / "shared") or "no-corpus")  # set but empty: none
ASSAY = BUILD / "src" / "cli" / "assay"
DONE, MISUSE, REFUSED = 0, 1, 2


def b64u(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64(data):
    return base64.b64encode(data).decode()


def needs_corpus(test):
    return unittest.skipUnless(SHARED.is_dir(), "no corpus: ASSAY_SHARED")(test)


def needs_openssl(test):
    return unittest.skipUnless(shutil.which("openssl"), "no openssl program")(test)


class CliCase(unittest.TestCase):
    """A scratch folder per test, and `assay` run in it without colour, clock or network of its own."""

    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="assay-cli-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def file(self, name, data):
        path = self.dir / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def assay(self, *args, stdin=b"", env=None, timeout=120):
        environment = {k: v for k, v in os.environ.items() if k != "NODE_EXTRA_CA_CERTS" and
                       (not k.startswith("ASSAY_") or k in ("ASSAY_BUILD", "ASSAY_SHARED"))}
        environment.update(env or {})
        for proxy in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            environment.pop(proxy, None)
        run = subprocess.run([str(ASSAY), *map(str, args)], input=stdin, capture_output=True, env=environment,
                             timeout=timeout, cwd=self.dir)
        run.out, run.err = run.stdout.decode(errors="replace"), run.stderr.decode(errors="replace")
        # A sanitizer's report is a failure whatever the test was about.
        if "Sanitizer" in run.err:
            self.fail(f"{args}\n" + run.err[:3000])
        self.assertIn(run.returncode, (DONE, MISUSE, REFUSED), run.err)
        return run

    def expect(self, status, *args, **kw):
        run = self.assay(*args, **kw)
        self.assertEqual(status, run.returncode, f"{args}\n{run.out}\n{run.err}")
        return run

    def expect_json(self, status, *args, **kw):
        return json.loads(self.expect(status, *args, **kw).out)


def openssl(*args, stdin=b""):
    return subprocess.run(["openssl", *map(str, args)], input=stdin, capture_output=True, check=True).stdout


class Signer:
    """An RSA key with a self-signed certificate, made once."""

    def __init__(self, folder, name, subject):
        self.key, self.pem = folder / f"{name}.key", folder / f"{name}.pem"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", f"/CN={subject}",
                "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.key, "-out", self.pem)
        self.der = openssl("x509", "-in", self.pem, "-outform", "DER")

    def jwk(self, kid):
        return {"x5c": [b64(self.der)], "kid": kid, "kty": "RSA"}

    def sign(self, header, payload):
        text = b64u(json.dumps(header).encode()) + "." + b64u(json.dumps(payload).encode())
        return text + "." + b64u(openssl("dgst", "-sha256", "-sign", self.key, stdin=text.encode()))


class Server:
    """HTTPS on a free port of loopback. routes: "PUT /path", or "/path" for every method -> (status, body, (header, value)...)."""

    def __init__(self, signer, routes):
        self.requests = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                outer.requests.append((self.command, self.path, dict(self.headers), body))
                path = self.path.split("?")[0]
                status, data, *headers = outer.routes.get(f"{self.command} {path}") or outer.routes.get(path, (404, b"{}"))
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *args):
                pass

        self.routes = routes
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(signer.pem, signer.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
