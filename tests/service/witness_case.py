"""A running assay-witness, and a log to put before it: RFC 6962 and the notes of C2SP, written here a second time."""
import base64
import hashlib
import http.client
import os
import pwd
import re
import ssl
import subprocess
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from service_case import BUILD

PROGRAM = os.path.join(BUILD, "src/service/assay-witness")


def raw(key):
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def key_id(name, kind, key):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def vkey(name, kind, key):
    return f"{name}+{key_id(name, kind, key).hex()}+{base64.b64encode(bytes([kind]) + key).decode()}"


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node(root(leaves[:k]), root(leaves[k:]))


def consistency(m, leaves, whole=True):
    """RFC 6962, 2.1.2."""
    n = len(leaves)
    if m == n:
        return [] if whole else [root(leaves)]
    k = 1 << (n - 1).bit_length() - 1
    if m <= k:
        return consistency(m, leaves[:k], whole) + [root(leaves[k:])]
    return consistency(m - k, leaves[k:], False) + [root(leaves[:k])]


class Log:
    def __init__(self, name, seed=1):
        seed = seed if isinstance(seed, bytes) else bytes([seed]) * 32
        self.name, self.leaves, self.private = name, [], Ed25519PrivateKey.from_private_bytes(seed)
        self.key = vkey(name, 1, raw(self.private.public_key()))

    def grow(self, size, what="entry"):
        self.leaves += [hashlib.sha256(b"\0" + f"{what} {i}".encode()).digest() for i in range(len(self.leaves), size)]
        return self

    def text(self, size, extra=""):
        return f"{self.name}\n{size}\n{base64.b64encode(root(self.leaves[:size])).decode()}\n{extra}"

    def note(self, size, extra="", signer=None):
        return self.sign(self.text(size, extra), signer)

    def sign(self, text, signer=None):
        private = (signer or self).private
        signature = base64.b64encode(key_id(self.name, 1, raw(private.public_key())) + private.sign(text.encode())).decode()
        return f"{text}\n\u2014 {self.name} {signature}\n"

    def submission(self, old, size, extra="", signer=None):
        proof = consistency(old, self.leaves[:size]) if 0 < old <= size else []
        return f"old {old}\n" + "".join(base64.b64encode(h).decode() + "\n" for h in proof) + "\n" + self.note(size, extra, signer)


def cosigned_at(text, line, key):
    """The time of a cosignature by the key of this text, which must be good (C2SP tlog-cosignature)."""
    name, number, encoded = key.split("+", 2)
    kind = base64.b64decode(encoded)
    mark, signer, signature = line.rstrip("\n").split(" ")
    signature = base64.b64decode(signature)
    assert (mark, signer, kind[0], signature[:4].hex(), number) == ("\u2014", name, 4, number, key_id(name, 4, kind[1:]).hex()), line
    at = int.from_bytes(signature[4:12], "big")
    Ed25519PublicKey.from_public_bytes(kind[1:]).verify(signature[12:], f"cosignature/v1\ntime {at}\n{text}".encode())
    return at


class Witness:
    def __init__(self, folder, logs, name="witness.example/w1"):
        self.folder, self.logs, self.name, self.process = folder, logs, name, None
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        self.key_path, self.state, self.ca = (os.path.join(folder, n) for n in ("witness.key", "witness", "witness-ca.pem"))
        if not os.path.exists(self.ca):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", os.path.join(folder, "witness-tls.key"),
                            "-out", self.ca], check=True, capture_output=True)
        self.start()

    def arguments(self, port=0):
        return [PROGRAM, "--key", self.key_path, "--name", self.name, "--state", self.state, "--listen", f"127.0.0.1:{port}", "--certificate", self.ca,
                "--certificate-key", os.path.join(self.folder, "witness-tls.key"), "--user", self.user, *(a for key in self.logs for a in ("--log", key))]

    def start(self, port=0):
        self.log_path = os.path.join(self.folder, "witness.log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(self.arguments(port), stdout=subprocess.PIPE, stderr=log, text=True)
        self.key = self.process.stdout.readline().strip()
        for _ in range(600):
            found = re.search(r"listens on port (\d+)", self.text())
            if found or self.process.poll() is not None:
                break
            time.sleep(0.05)
        if not found:
            raise AssertionError("assay-witness does not start: " + self.text())
        self.port = int(found.group(1))
        self.url = f"https://localhost:{self.port}"

    def text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def call(self, method, path, body=None):
        c = http.client.HTTPSConnection("localhost", self.port, context=ssl.create_default_context(cafile=self.ca), timeout=30)
        c.request(method, path, body=body)
        r = c.getresponse()
        answer = r.status, r.headers["Content-Type"], r.read().decode()
        c.close()
        return answer

    def submit(self, body):
        return self.call("POST", "/add-checkpoint", body.encode())

    def run(self, *words):
        return subprocess.run([PROGRAM, *words, "--key", self.key_path, "--state", self.state], capture_output=True, text=True, timeout=60, check=False)

    def cosign(self, text, at):
        """Its line under a note of this text, as of another time."""
        with open(self.key_path, encoding="utf-8") as f:
            seed = base64.b64decode(f.read().strip().split("+", 4)[4])[1:]
        signature = Ed25519PrivateKey.from_private_bytes(seed).sign(f"cosignature/v1\ntime {at}\n{text}".encode())
        number = bytes.fromhex(self.key.split("+", 2)[1])
        return f"\u2014 {self.name} {base64.b64encode(number + at.to_bytes(8, 'big') + signature).decode()}\n"

    def end(self, how="terminate"):
        if self.process and self.process.poll() is None:
            getattr(self.process, how)()
            self.process.wait(30)
        if self.process:
            self.process.stdout.close()
        return self.process.returncode
