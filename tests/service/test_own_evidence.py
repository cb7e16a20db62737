"""The service's own evidence in its signing certificates: simulated hardware of each kind, from outside, verified as a relying party would;
the kernel's files by stand-ins; what fails, what is renewed, what a kill leaves."""
import base64
import hashlib
import json
import os
import re
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
from test_control import GROUP, V, WESTUS, call_by_name, unchecked  # noqa: E402

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

    def trusted(self, service, folder):
        """As `assay trust` sees it; and with one bit of the certificate changed, wherever it is."""
        url = f"https://localhost:{service.port}"
        common = [ASSAY, "trust", url, "--anchor", f"{folder}/anchor.pem", "--collateral", f"{folder}/collateral", "--any-measurement"]
        done = subprocess.run([*common, "--ca", service.ca], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(DONE, done.returncode, f"{done.stdout}\n{done.stderr}")
        self.assertIn("simulated", done.stdout)
        kid, der = self.listed(service)
        for at in range(5, len(der), len(der) // 8):
            changed = bytearray(der)
            changed[at] ^= 4
            listed = {"keys": [{"x5c": [base64.b64encode(changed).decode()], "kid": kid, "kty": "RSA"}]}
            (self.dir / "certs.json").write_text(json.dumps(listed))
            done = subprocess.run([*common, "--jwks", self.dir / "certs.json"], capture_output=True, text=True, timeout=120, check=False)
            self.assertEqual(REFUSED, done.returncode, f"byte {at}: {done.stdout}\n{done.stderr}")

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
        self.trusted(service, folder)

    def test_sgx(self):
        service, folder = self.dev("simulated-sgx", "simulated")
        _, spki, found = self.with_evidence(service, OE_REPORT)
        self.assertEqual(struct.pack("<IIQ", 1, 2, len(found[OE_REPORT]) - 16), found[OE_REPORT][:16])
        self.verify(DONE, found[OE_REPORT], "oe", folder, spki)
        self.refused_when_changed(found[OE_REPORT], 16 + 48 + 64, "oe", folder, spki)
        self.trusted(service, folder)

    def test_tdx(self):
        service, folder = self.dev("simulated-tdx", "simulated-tdx")
        _, spki, found = self.with_evidence(service, OE_EVIDENCE)
        self.assertTrue(found[OE_EVIDENCE].endswith(text_of_key(spki)))
        self.verify(DONE, found[OE_EVIDENCE], "tdx", folder, spki)
        self.refused_when_changed(found[OE_EVIDENCE], 32 + 48 + 200, "tdx", folder, spki)
        self.trusted(service, folder)

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


class Asked(EvidenceCase):
    """Ways to ask hardware, by stand-ins whose answers are of simulated platforms, made once the key is known."""

    def configured(self, way, path, env=None):
        service = self.start({"keys": {"evidence": way, "evidence_path": path}}, env)
        self.assertIn(f"at {path}", service.text())
        kid, der = self.listed(service)
        return service, kid, take_apart(der)[0]

    def simulate(self, kind, text):
        folder = self.dir / kind
        (self.dir / "runtime").write_bytes(text)
        subprocess.run([ASSAY, "simulate", kind, "-o", folder, "--seed", "7", "--at", str(int(time.time())), "--runtime-data", self.dir / "runtime"],
                       check=True, capture_output=True, timeout=120)
        return folder

    def fails(self, service, reason):
        """It says why, and goes on judging others."""
        seen = service.text().count("no evidence in the certificate")
        service.process.send_signal(signal.SIGHUP)
        service.wait(lambda: re.search(r"no evidence in the certificate.*" + reason, service.text()) and
                     service.text().count("no evidence in the certificate") > seen)
        self.assertEqual(200, service.attest()[0])
        self.assertEqual(3, len(take_apart(self.listed(service)[1])[1]))
        self.assertIn("which fails", service.call("GET", "/readyz")[1]["evidence"])

    def succeeds(self, service, kid, extension):
        service.process.send_signal(signal.SIGHUP)
        again, _, found = self.with_evidence(service, extension)
        self.assertEqual(kid, again)
        service.wait(lambda: service.call("GET", "/readyz")[1]["evidence"].find("fails") < 0)
        return found[extension]

    def test_gramine(self):
        folder = self.dir / "attestation"
        folder.mkdir()
        (folder / "attestation_type").write_text("none")
        (folder / "user_report_data").write_bytes(bytes(64))
        service, kid, spki = self.configured("gramine", folder)
        self.fails(service, "sgx.remote_attestation")
        (folder / "attestation_type").write_text("dcap")
        shutil.copy(self.simulate("sgx", b"another key") / "quote.bin", folder / "quote")
        self.fails(service, "The report data of the service's own evidence is the hash")
        self.assertEqual(hashlib.sha256(text_of_key(spki)).digest() + bytes(32), (folder / "user_report_data").read_bytes())
        made = self.simulate("sgx", text_of_key(spki))
        shutil.copy(made / "quote.bin", folder / "quote")
        self.verify(DONE, self.succeeds(service, kid, OE_REPORT), "oe", made, spki)

    def tsm(self):
        """A stand-in for the kernel, its root and what its entries hold."""
        library, root, entry = self.dir / "fake_tsm.so", self.dir / "root", self.dir / "entry"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, Path(__file__).with_name("fake_tsm.c"), "-ldl"], check=True)
        root.mkdir()
        entry.mkdir()
        return root, entry, {"FAKE_TSM": str(root), "FAKE_TSM_ENTRY": str(entry), "LD_PRELOAD": str(library),
                             "ASAN_OPTIONS": "detect_leaks=0:verify_asan_link_order=0"}

    def fill(self, entry, spki, provider, report, generation=b"1\n"):
        for name, content in (("provider", provider), ("generation", generation), ("outblob", report), ("auxblob", b""),
                              ("inblob", hashlib.sha256(text_of_key(spki)).digest() + bytes(32))):
            (entry / name).write_bytes(content)

    def test_snp_by_configfs(self):
        root, entry, env = self.tsm()
        service, kid, spki = self.configured("tsm", root, env)
        self.fails(service, "reports of  are not known")
        made = self.simulate("snp", text_of_key(spki))
        report = (made / "snp-report.bin").read_bytes()
        self.fill(entry, spki, b"sev_guest\n", report, b"0\n")
        self.fails(service, "another writes to our entries")
        self.fill(entry, spki, b"sev_guest\n", report)
        self.fails(service, "The certificate of the key that signed the report is at hand")  # nobody has it
        shutil.copy(made / "chain.pem", os.path.join(service.simulated, "collateral", "chain.pem"))
        (_, text, _), = elements(self.succeeds(service, kid, SNP))
        self.verify(DONE, text, "snp", made, spki)
        self.assertEqual(3, unb64(json.loads(text)["VcekCertChain"]).count(b"BEGIN CERTIFICATE"))
        self.assertEqual([], os.listdir(root), "an entry is left")

    def test_tdx_by_configfs(self):
        root, entry, env = self.tsm()
        service, kid, spki = self.configured("tsm", root, env)
        made = self.simulate("tdx", text_of_key(spki))
        self.fill(entry, spki, b"tdx_guest\n", (made / "tdquote.bin").read_bytes() + bytes(500))  # padded, as platforms do
        evidence = self.succeeds(service, kid, OE_EVIDENCE)
        self.verify(DONE, evidence, "tdx", made, spki)
        self.assertEqual(32 + len((made / "tdquote.bin").read_bytes()) + len(text_of_key(spki)), len(evidence))

    def test_a_source_that_is_not_there_does_not_keep_the_service_from_its_work(self):
        service, _, _ = self.configured("sev-guest", "/nothing/here")
        self.fails(service, "/nothing/here: No such file")


class Providers(EvidenceCase):
    """Made, given another key, and deleted while evidence comes in."""

    def arm(self, service, method, path, body=None):
        return service.call(method, GROUP + path + V, body, {"Authorization": "Bearer " + service.token})

    def keys(self, service, name):
        """kid, and whether its certificate has evidence, of each key that is listed."""
        answer = call_by_name(service, f"{name}.wus.localhost", "GET", "/certs", None, {"Host": f"{name}.wus.localhost:{service.port}"}, unchecked(service))
        self.assertEqual(200, answer.status)
        return [(k["kid"], SNP in take_apart(base64.b64decode(k["x5c"][0]))[1]) for k in answer.json["keys"]]

    def test_a_deletion_never_meets_evidence(self):
        service = self.start(development=["--evidence", "simulated-snp"])
        for i in range(20):
            self.assertEqual(201, self.arm(service, "PUT", f"/brief{i}", WESTUS)[0])
            time.sleep(0.02 * i)  # from before the evidence is collected until after it is stored
            self.assertEqual(200, self.arm(service, "DELETE", f"/brief{i}")[0])

    def test_the_next_key_has_it_before_it_signs(self):
        service = self.start(development=["--evidence", "simulated-snp"])
        self.assertEqual(201, self.arm(service, "PUT", "/turning", WESTUS)[0])
        service.wait(lambda: [found for _, found in self.keys(service, "turning")] == [True])
        (kid, _), = self.keys(service, "turning")
        self.assertEqual(200, self.arm(service, "POST", "/turning/rotateSigningKey")[0])
        service.wait(lambda: [found for _, found in self.keys(service, "turning")] == [True, True])
        listed = [k for k, _ in self.keys(service, "turning")]
        self.assertEqual(kid, listed[0])
        shown = self.arm(service, "GET", "/turning/signingKeys")[1]["signingKeys"]
        self.assertEqual([(kid, "signing"), (listed[1], "published")], [(k["kid"], k["state"]) for k in shown])


if __name__ == "__main__":
    unittest.main()
