"""The service's own evidence in its signing certificates: simulated hardware of each kind, from outside, verified as a relying party would;
the kernel's files by stand-ins; what fails, what is renewed, what a kill leaves."""
import base64
import hashlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from service_case import BUILD, Service

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/cli")]
from cli_case import DONE, REFUSED  # noqa: E402

ASSAY = os.path.abspath(os.path.join(BUILD, "src/cli/assay"))
OE_REPORT, OE_EVIDENCE = "1.3.6.1.4.1.311.105.1", "1.3.6.1.4.1.311.105.2"
SNP, SNP_KIND = "1.3.6.1.4.1.311.105.1000.1", "1.3.6.1.4.1.311.105.1000.2"
SNP_REPORT_DATA = 0x50


def elements(der):
    """(tag, content, whole) of what stands in a row."""
    while der:
        n, at = der[1], 2
        if n & 0x80:
            at += n & 0x7f
            n = int.from_bytes(der[2:at], "big")
        yield der[0], der[at:at + n], der[:at + n]
        der = der[at + n:]


def dotted(oid):
    arcs, n = [oid[0] // 40, oid[0] % 40], 0
    for b in oid[1:]:
        n = n << 7 | b & 0x7f
        if not b & 0x80:
            arcs.append(n)
            n = 0
    return ".".join(map(str, arcs))


def take_apart(der):
    """The SubjectPublicKeyInfo of a certificate, and its extensions by name."""
    (_, certificate, _), = elements(der)
    (_, tbs, _), *_ = elements(certificate)
    parts = list(elements(tbs))
    (_, listed, _), = elements(parts[7][1])
    found = {}
    for _, extension, _ in elements(listed):
        oid, value = list(elements(extension))
        found[dotted(oid[1])] = value[1]
    return parts[6][2], found


def text_of_key(spki):
    lines = base64.encodebytes(spki).replace(b"\n", b"")
    return b"-----BEGIN PUBLIC KEY-----\n" + b"".join(lines[i:i + 64] + b"\n" for i in range(0, len(lines), 64)) + b"-----END PUBLIC KEY-----\n\0"


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class EvidenceCase(unittest.TestCase):
    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="assay-own-"))
        self.addCleanup(shutil.rmtree, self.dir, True)

    def start(self, *args, **kwargs):
        service = Service(*args, **kwargs)
        self.addCleanup(service.remove)
        return service

    def listed(self, service):
        """kid and certificate of the first key."""
        key = service.call("GET", "/certs")[1]["keys"][0]
        return key["kid"], base64.b64decode(key["x5c"][0])

    def with_evidence(self, service, extension):
        """Waits until the certificate has it; kid, SubjectPublicKeyInfo, extensions."""
        service.wait(lambda: extension in take_apart(self.listed(service)[1])[1])
        kid, der = self.listed(service)
        spki, found = take_apart(der)
        self.assertEqual(base64.b64encode(hashlib.sha256(text_of_key(spki)).digest()).decode(), kid)
        return kid, spki, found

    def verify(self, status, evidence, kind, folder, spki):
        (self.dir / "evidence").write_bytes(evidence)
        (self.dir / "key").write_bytes(text_of_key(spki))
        done = subprocess.run([ASSAY, "verify", "evidence", "--type", kind, "--anchor", f"{folder}/anchor.pem", "--collateral", f"{folder}/collateral",
                               "--runtime-data", "key", "--json"], capture_output=True, text=True, cwd=self.dir, timeout=120, check=False)
        self.assertEqual(status, done.returncode, f"{done.stdout[-2000:]}\n{done.stderr}")
        return json.loads(done.stdout)


class Simulated(EvidenceCase):
    """What `assayd --dev` seems to run in."""

    def dev(self, kind, folder, *more):
        service = self.start(development=["--evidence", kind, *more])
        return service, os.path.join(service.folder, "state", folder)

    def refused_when_changed(self, evidence, at, kind, folder, spki):
        changed = bytearray(evidence)
        changed[at] ^= 1
        self.verify(REFUSED, bytes(changed), kind, folder, spki)

    def test_snp(self):
        service, folder = self.dev("simulated-snp", "simulated-snp")
        _, spki, found = self.with_evidence(service, SNP)
        self.assertEqual(b"\x0c\x09acisevsnp", found[SNP_KIND])
        (tag, text, _), = elements(found[SNP])
        self.assertEqual(0x0c, tag)
        self.verify(DONE, text, "snp", folder, spki)
        o = json.loads(text)
        report = bytearray(unb64(o["SnpReport"]))
        self.assertEqual(hashlib.sha256(text_of_key(spki)).digest() + bytes(32), bytes(report[SNP_REPORT_DATA:SNP_REPORT_DATA + 64]))
        report[0x90] ^= 1
        o["SnpReport"] = base64.urlsafe_b64encode(report).decode().rstrip("=")
        self.verify(REFUSED, json.dumps(o).encode(), "snp", folder, spki)
        self.assertIn("SIMULATED", service.text())

    def test_sgx(self):
        service, folder = self.dev("simulated-sgx", "simulated")
        _, spki, found = self.with_evidence(service, OE_REPORT)
        self.assertEqual(struct.pack("<IIQ", 1, 2, len(found[OE_REPORT]) - 16), found[OE_REPORT][:16])
        self.verify(DONE, found[OE_REPORT], "oe", folder, spki)
        self.refused_when_changed(found[OE_REPORT], 16 + 48 + 64, "oe", folder, spki)

    def test_tdx(self):
        service, folder = self.dev("simulated-tdx", "simulated-tdx")
        _, spki, found = self.with_evidence(service, OE_EVIDENCE)
        self.assertTrue(found[OE_EVIDENCE].endswith(text_of_key(spki)))
        self.verify(DONE, found[OE_EVIDENCE], "tdx", folder, spki)
        self.refused_when_changed(found[OE_EVIDENCE], 32 + 48 + 200, "tdx", folder, spki)

    def test_none(self):
        service, _ = self.dev("none", "simulated")
        time.sleep(2)
        self.assertEqual(3, len(take_apart(self.listed(service)[1])[1]))
        self.assertIn("own evidence: none", service.text())

    def test_a_start_finds_it_there_and_a_kill_loses_nothing(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]  # the same provider after each start
        service, folder = self.dev("simulated-snp", "simulated-snp", "--port", str(port))
        kid = self.listed(service)[0]
        service.kill()  # at once: with luck before the certificate was issued again
        service.start()
        again, spki, found = self.with_evidence(service, SNP)
        self.assertEqual(kid, again)
        (_, text, _), = elements(found[SNP])
        service.kill()
        service.start()
        kid, der = self.listed(service)
        self.assertEqual((again, found), (kid, take_apart(der)[1]))
        self.verify(DONE, text, "snp", folder, spki)  # its platform is the same one after a start


if __name__ == "__main__":
    unittest.main()
