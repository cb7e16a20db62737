"""Simulated sources of endorsements: Intel's PCS (and a PCCS), Azure's THIM, AMD's KDS, on a free port of loopback, with a test CA's
certificate. What they serve is made by `assay simulate`; how they misbehave is set while they run.
"""
import http.server
import json
import re
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.S)


def encoded(pem):
    return urllib.parse.quote(pem.decode(), safe="")


class Endorsements:
    """The endorsements of a folder that `assay simulate` made for an SGX or TDX platform."""

    def __init__(self, folder, tee="sgx"):
        folder = Path(folder)
        data = {p.name: p.read_bytes() for p in (folder / "collateral").iterdir()}
        self.tee = tee
        self.tcb_info, self.identity = data["tcbinfo.json"], data["qeidentity.json"]
        self.pck_crl, self.root_crl = data["pck.crl"], data["root.crl"]
        self.signing_chain = data["tcb-signing-chain.pem"]
        quote = (folder / ("quote.bin" if tee == "sgx" else "tdquote.bin")).read_bytes()
        self.pck_chain = b"".join(c if c.endswith(b"\n") else c + b"\n" for c in CERTIFICATE.findall(quote)[1:3])
        info = json.loads(self.tcb_info)["tcbInfo"]
        self.fmspc, self.evaluation = info["fmspc"].lower(), info["tcbEvaluationDataNumber"]


class Behaviour:
    """What happens to requests whose address contains `match`, `times` times (None: for ever)."""

    def __init__(self, match, kind, times=None, **what):
        self.match, self.kind, self.times, self.what = match, kind, times, what


class Upstream:
    """endorsements: one for each TEE, newest first. kds: path -> bytes, for AMD's."""

    def __init__(self, endorsements=(), kds=None, tls=True):
        self.endorsements, self.kds = list(endorsements), dict(kds or {})
        self.behaviours, self.requests = [], []
        self.lock = threading.Lock()
        self.folder = Path(tempfile.mkdtemp(prefix="assay-upstream-"))
        self.ended = False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.answer(self)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # clients that leave are expected

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        if tls:
            self.ca = str(self.make_certificate())
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.ca, self.folder / "key.pem")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://localhost:{self.port}" if tls else f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def make_certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", self.folder / "key.pem", "-out", self.folder / "ca.pem"], check=True, capture_output=True)
        return self.folder / "ca.pem"

    def behave(self, match, kind, times=None, **what):
        with self.lock:
            self.behaviours.append(Behaviour(match, kind, times, **what))

    def good(self):
        with self.lock:
            self.behaviours.clear()

    def asked(self, match=""):
        with self.lock:
            return [path for path, _ in self.requests if match in path]

    def forget(self):
        with self.lock:
            self.requests.clear()

    def close(self):
        self.ended = True
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        shutil.rmtree(self.folder, ignore_errors=True)

    # What is served.

    def of(self, tee, fmspc=None, evaluation=None):
        for e in self.endorsements:
            if e.tee == tee and fmspc in (None, e.fmspc) and evaluation in (None, e.evaluation):
                return e
        return None

    def find(self, path):
        """(status, headers, body) of a well-behaved server."""
        parsed = urllib.parse.urlsplit(path)
        query = {k: v[0] for k, v in urllib.parse.parse_qs(parsed.query).items()}
        number = int(query["tcbEvaluationDataNumber"]) if "tcbEvaluationDataNumber" in query else None
        if path in self.kds or parsed.path in self.kds:
            return 200, {}, self.kds.get(path) or self.kds[parsed.path]
        where = re.sub(r"^/metadata/THIM", "", parsed.path)
        tcb = re.fullmatch(r"/(sgx|tdx)/certification/v[34]/tcb", where)
        identity = re.fullmatch(r"/(sgx|tdx)/certification/v[34]/qe/identity", where)
        first = self.endorsements[0] if self.endorsements else None
        if tcb:
            e = self.of(tcb[1], query.get("fmspc", "").lower(), number)
            v3 = "/v3/" in where
            return (200, {"SGX-TCB-Info-Issuer-Chain" if v3 else "TCB-Info-Issuer-Chain": encoded(e.signing_chain)}, e.tcb_info) \
                if e else (404, {}, b"")
        if identity:
            e = self.of(identity[1], None, number)
            return (200, {"SGX-Enclave-Identity-Issuer-Chain": encoded(e.signing_chain)}, e.identity) if e else (404, {}, b"")
        if first and where.endswith("/pckcrl") and "intelsgxrootca" not in query.get("uri", ""):
            body = first.pck_crl if query.get("encoding") == "der" else first.pck_crl.hex().encode()
            return 200, {"SGX-PCK-CRL-Issuer-Chain": encoded(first.pck_chain)}, body
        if first and where == "/IntelSGXRootCA.der":
            return 200, {}, first.root_crl
        if first and (where.endswith("/rootcacrl") or where.endswith("/pckcrl")):
            return 200, {}, first.root_crl.hex().encode()
        return 404, {}, b""

    # How it goes wrong.

    def behaviour(self, path, headers):
        with self.lock:
            self.requests.append((path, dict(headers)))
            for b in self.behaviours:
                if b.match in path and b.times != 0:
                    if b.times is not None:
                        b.times -= 1
                    return b
        return None

    def answer(self, request):
        b = self.behaviour(request.path, request.headers)
        status, headers, body = self.find(request.path)
        length, pause = None, None
        if b and b.kind == "status":
            status, headers, body = b.what["status"], b.what.get("headers", {}), b"no"
        elif b and b.kind == "body":
            body = b.what["body"]
        elif b and b.kind == "headers":
            headers = b.what["headers"]
        elif b and b.kind == "truncated":
            length, body = len(body) + 100, body[:len(body) // 2]
        elif b and b.kind == "huge":
            body = b"{" + b" " * (8 * 1024 * 1024)
        elif b and b.kind == "trickle":
            pause = b.what.get("pause", 0.2)
        elif b and b.kind == "wait":
            b.what["event"].wait(b.what.get("seconds", 30))
        elif b and b.kind == "reset":
            request.connection.close()
            request.close_connection = True
            return
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(length or len(body)))
        request.send_header("Connection", "close")
        request.end_headers()
        request.close_connection = True
        if pause is None:
            request.wfile.write(body)
            return
        for i in range(len(body)):
            if self.ended:
                return
            request.wfile.write(body[i:i + 1])
            request.wfile.flush()
            time.sleep(pause)
