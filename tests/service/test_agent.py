"""The whole way: a software TPM with a boot of its own, `assay agent` and `assay attest --self` beside it, a running assayd over HTTPS,
a token that `assay token verify` accepts; and what must not come through."""
import base64
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from service_case import BUILD, Service, b64u

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/cli")]
from swtpm import EV_IPL, EventLog, Swtpm, SwtpmCase, ima_entry, linux_log, run  # noqa: E402
from cli_case import DONE, MISUSE, REFUSED, Signer  # noqa: E402
from agent_case import Playing, unb64  # noqa: E402

ASSAY = os.path.abspath(os.path.join(BUILD, "src/cli/assay"))
POLICY = """version= 1.2;
configurationrules{ %s };
authorizationrules{ => permit(); };
issuancerules{
  c:[type=="aikValidated", issuer=="AttestationService"] => issue(type="aikValidated", value=c.value);
  c:[type=="secureBootEnabled", issuer=="AttestationService"] => issue(type="secureBootEnabled", value=c.value);
};
"""
CERTIFICATE_NEEDED, CERTIFICATE_NOT_NEEDED = POLICY % "", POLICY % '=> issueproperty(type="require_valid_aik_cert", value=false);'
GUESTS = 'version=1.0;authorizationrules{[type=="secureboot", value==true] => permit();};issuancerules{};'


class AgentCase(SwtpmCase):
    """One service that trusts the root of one TPM's attestation key, and that TPM with a Linux boot in it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.machine = Swtpm(log=linux_log())
        cls.addClassCleanup(cls.machine.remove)
        cls.machine.make_ak()
        # The root is trusted by its key, and at hand as a certificate: it does not travel with the keys'.
        anchors = "\nanchor = ".join([cls.machine.ak_root, *cls.more_anchors()])
        cls.service = Service({"collateral": {"anchor": anchors, "file": cls.machine.ak_root}})
        cls.addClassCleanup(cls.service.remove)
        cls.url = f"https://localhost:{cls.service.port}"

    @classmethod
    def more_anchors(cls):
        return []

    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="assay-agent-"))
        self.addCleanup(shutil.rmtree, self.dir, True)

    def assay(self, status, *args):
        env = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
        env.update(ASSAY_TOKEN=self.service.token, ASSAY_URL=self.url, NODE_EXTRA_CA_CERTS=self.service.ca)
        done = subprocess.run([ASSAY, *map(str, args)], capture_output=True, text=True, env=env, cwd=self.dir, timeout=300, stdin=subprocess.DEVNULL,
                              check=False)
        self.assertEqual(status, done.returncode, f"{args}\n{done.stdout}\n{done.stderr}")
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def set_policy(self, text, kind="Tpm"):
        (self.dir / "policy").write_text(text)
        self.assay(DONE, "policy", "set", self.url, kind, "policy")

    def attest(self, status, *more, tpm=None, log=None, url=None):
        tpm = tpm or self.machine
        return self.assay(status, "attest", url or self.url, "--self", "--tpm", tpm.tcti, "--boot-log", log or tpm.log_path, "--ima-log", "none", *more)

    def verified(self, token):
        """The payload of a token whose signature, issuer and dates hold."""
        (self.dir / "token").write_text(token.strip())
        self.assay(DONE, "token", "verify", "token", "--issuer", self.url)
        return json.loads(unb64(token.split(".")[1]))

    def edited_log(self):
        """Another kernel than the one that was measured."""
        path = self.dir / "edited.log"
        path.write_bytes(linux_log(kernel="6.1.1"))
        return path


class Tpm(AgentCase):
    KIND = ("--type", "tpm")

    def test_a_token_for_a_machine_whose_key_is_certified(self):
        self.set_policy(CERTIFICATE_NEEDED)
        claims = self.verified(self.attest(DONE, *self.KIND, "--nonce", "a nonce").stdout)
        self.assertEqual((True, True, "tpm"), (claims["aikValidated"], claims["secureBootEnabled"], claims["x-ms-attestation-type"]))
        self.assertEqual((b64u(b"a nonce"), b64u(b"a nonce")), (claims["nonce"], claims["rp_data"]))
        self.assertEqual("RSA", claims["cnf"]["jwk"]["kty"])

    def test_a_key_of_the_caller_is_the_one_the_token_names(self):
        self.set_policy(CERTIFICATE_NEEDED)
        claims = self.verified(self.attest(DONE, *self.KIND, "--key-out", "key.pem").stdout)
        modulus = run("openssl", "rsa", "-in", str(self.dir / "key.pem"), "-noout", "-modulus").decode().strip()
        self.assertEqual(modulus, "Modulus=" + unb64(claims["cnf"]["jwk"]["n"]).hex().upper())

    def test_the_agent_once(self):
        self.set_policy(CERTIFICATE_NEEDED)
        self.assay(DONE, "agent", self.url, "--once", "--out", "fresh", "--tpm", self.machine.tcti, "--boot-log", self.machine.log_path, "--ima-log",
                   "none", *self.KIND)
        self.verified((self.dir / "fresh").read_text())

    def test_a_key_without_certificate(self):
        machine = self.tpm(log=linux_log(secure_boot=False), fresh=True)
        self.set_policy(CERTIFICATE_NEEDED)
        self.assertRegex(self.attest(REFUSED, *self.KIND, tpm=machine).stderr, r"aik\.\w+")
        self.set_policy(CERTIFICATE_NOT_NEEDED)
        claims = self.verified(self.attest(DONE, *self.KIND, tpm=machine).stdout)
        self.assertEqual((False, False), (claims["aikValidated"], claims["secureBootEnabled"]))

    def test_a_certificate_of_somebody_else(self):
        machine = self.tpm(log=linux_log(), fresh=True)
        machine.make_ak()  # certified, by a root that the service does not know
        self.set_policy(CERTIFICATE_NEEDED)
        self.assertRegex(self.attest(REFUSED, *self.KIND, tpm=machine).stderr, r"aik\.\w+")

    def test_a_log_that_is_not_of_this_boot(self):
        self.set_policy(CERTIFICATE_NEEDED)
        self.assertIn("boot.log.replay", self.attest(REFUSED, *self.KIND, log=self.edited_log()).stderr)
        other = self.dir / "other.log"
        other.write_bytes(self.machine.log + EventLog().add(14, EV_IPL, b"one more").data[-80:])
        self.attest(REFUSED, *self.KIND, log=other)
        self.attest(REFUSED, *self.KIND, "--pcrs", "0-7")  # fewer registers than the policy wants

    def test_what_a_running_system_measured(self):
        machine = self.tpm(log=linux_log())
        self.set_policy(CERTIFICATE_NOT_NEEDED)
        entries = [ima_entry(f"/usr/bin/program{i}", b"code") for i in range(5)]
        for _, data in entries:
            machine.measure(10, data)
        whole = b"".join(entry for entry, _ in entries)
        for content, status in ((whole, DONE), (whole[:-len(entries[-1][0])], REFUSED), (whole.replace(b"program3", b"program9"), REFUSED)):
            (self.dir / "ima").write_bytes(content)
            done = self.assay(status, "attest", self.url, "--self", "--tpm", machine.tcti, "--boot-log", machine.log_path, "--ima-log", "ima", *self.KIND)
            if status == REFUSED:
                self.assertRegex(done.stderr, r"boot\.log\.replay|ima\.template_hash")
        self.assertIn("boot.log.replay", self.attest(REFUSED, *self.KIND, tpm=machine).stderr)  # register 10 is extended, no log tells by what

    def test_challenges(self):
        """A service played in between takes down the requests; the real one gets them."""
        self.set_policy(CERTIFICATE_NEEDED)
        signer = Signer(self.dir, "between", "localhost")
        between, taken, challenge = Playing(signer), [], {}
        self.addCleanup(between.close)

        def tpm(body):
            message = json.loads(unb64(body["data"]))["payload"]
            if "type" in message:
                return self.wrap(challenge)
            taken.append(body)
            return (400, b"{}")

        between.functions["POST /attest/Tpm"] = tpm
        first, second = self.challenge(), self.challenge()
        self.assertNotEqual(first["challenge"], second["challenge"])
        for said in (first, dict(first, service_context=second["service_context"]), dict(second, challenge=b64u(bytes(16)))):
            challenge.clear()
            challenge.update(said)
            self.attest(REFUSED, *self.KIND, "--ca", signer.pem, url=between.url)
        good, mixed, invented = (self.call(body) for body in taken)
        self.assertEqual(200, good[0], good[3])
        self.verified(json.loads(unb64(good[1]["data"]))["payload"]["report"])
        for answer in (mixed, invented):
            self.assertEqual(400, answer[0], answer[3])
        forged = dict(taken[0])
        inner = json.loads(unb64(forged["data"]))
        head, payload, signature = inner["payload"]["request"].split(".")
        statement = json.loads(unb64(payload))
        statement["att_data"]["rp_data"] = b64u(b"another")
        inner["payload"]["request"] = f"{head}.{b64u(json.dumps(statement).encode())}.{signature}"
        self.assertEqual(400, self.call({"data": b64u(json.dumps(inner).encode())})[0])

    def wrap(self, payload):
        return {"data": b64u(json.dumps({"payload": payload}).encode())}

    def call(self, body):
        return self.service.call("POST", "/attest/Tpm?api-version=2022-08-01", body, {"Authorization": f"Bearer {self.service.token}"})

    def challenge(self):
        answer = self.call(self.wrap({"type": "aikcert"}))
        self.assertEqual(200, answer[0], answer[3])
        return json.loads(unb64(answer[1]["data"]))["payload"]

    def test_nobody_answers(self):
        self.assertIn("localhost:1", self.attest(MISUSE, *self.KIND, url="https://localhost:1").stderr)
        stopped = self.tpm(log=linux_log())
        stopped.stop()
        self.assertIn("no TPM answers", self.attest(MISUSE, *self.KIND, tpm=stopped).stderr)


class AzureGuest(AgentCase):
    KIND = ("--type", "azure-guest")

    @classmethod
    def more_anchors(cls):
        """Of simulated SEV-SNP hardware, whose report a paravisor has bound to the TPM's attestation key."""
        cls.hardware = Path(tempfile.mkdtemp(prefix="assay-agent-"))
        cls.addClassCleanup(shutil.rmtree, cls.hardware, True)
        modulus = run("openssl", "rsa", "-pubin", "-in", cls.machine.ak_public, "-noout", "-modulus").decode().strip().split("=")[1]
        key = {"kid": "HCLAkPub", "key_ops": ["sign"], "kty": "RSA", "e": "AQAB", "n": b64u(bytes.fromhex(modulus))}
        machine = {"secure-boot": True, "tpm-enabled": True, "vmUniqueId": "11111111-2222-3333-4444-555555555555"}
        cls.claims = json.dumps({"keys": [key], "vm-configuration": machine, "user-data": "00" * 64}).encode()
        (cls.hardware / "claims").write_bytes(cls.claims)
        run(ASSAY, "simulate", "snp", "-o", cls.hardware / "snp", "--seed", "9", "--at", str(int(time.time())), "--runtime-data", cls.hardware / "claims")
        return [f"{cls.hardware}/snp/anchor.pem"]

    def paravisor_report(self, claims):
        report = (self.hardware / "snp/snp-report.bin").read_bytes()
        path = self.dir / "hcl"
        path.write_bytes(b"HCLA" + struct.pack("<III", 2, 1236 + len(claims), 2) + bytes(16) + report +
                         struct.pack("<IIIII", 20 + len(claims), 1, 2, 1, len(claims)) + claims)
        return path

    def confidential(self, status, claims, *more):
        return self.attest(status, *self.KIND, *more, "--metadata", "none", "--certs", self.hardware / "snp/chain.pem", "--hcl-report",
                           self.paravisor_report(claims))

    def test_confidential_vm(self):
        self.set_policy(GUESTS, "AzureGuest")
        # The certificate in the TPM is a Trusted Launch machine's, and the simulated paravisor is not Azure's: nobody vouches for their being one.
        self.assertIn("guest.paravisor", self.confidential(REFUSED, self.claims).stderr)
        vouched = self.machine.certify_ak(self.machine.ak_public, "0123456789AB.ConfidentialVM.Azure.windows.net", name="confidential")
        claims = self.verified(self.confidential(DONE, self.claims, "--ak-cert", vouched).stdout)
        self.assertNotIn("x-ms-azurevm-vmid", claims)  # a paravisor that is not Azure's may call itself what it likes
        self.assertEqual("sevsnpvm", claims["x-ms-isolation-tee"]["x-ms-attestation-type"])
        self.assertEqual(json.loads(self.claims), claims["x-ms-isolation-tee"]["x-ms-runtime"])
        self.assertIn("hcl.binding", self.confidential(REFUSED, self.claims.replace(b"true", b"false", 1)).stderr)

    def test_trusted_launch(self):
        self.assay(DONE, "policy", "reset", self.url, "AzureGuest")
        self.assertIn("policy.permit", self.attest(REFUSED, *self.KIND).stderr)  # the default one: these boot keys are not Azure's
        self.set_policy(GUESTS, "AzureGuest")
        done = self.attest(DONE, "--nonce", "a nonce")  # the kind is found
        claims = self.verified(done.stdout)
        self.assertEqual(("azurevm", True, False), (claims["x-ms-attestation-type"], claims["secureboot"], claims["x-ms-azurevm-is-windows"]))
        self.assertEqual(list(range(8)), claims["x-ms-azurevm-attested-pcrs"])
        self.assertEqual(base64.b64encode(b"a nonce").decode(), claims["x-ms-runtime"]["client-payload"]["nonce"])
        self.assertNotIn("x-ms-isolation-tee", claims)

    def test_more_registers(self):
        self.set_policy(GUESTS, "AzureGuest")
        claims = self.verified(self.attest(DONE, *self.KIND, "--pcrs", "0-9,14").stdout)
        self.assertEqual([*range(10), 14], claims["x-ms-azurevm-attested-pcrs"])

    def test_what_must_not_come_through(self):
        (self.dir / "edited.log").write_bytes(linux_log(secure_boot=False))
        self.assertIn("boot.log.replay", self.attest(REFUSED, *self.KIND, log=self.dir / "edited.log").stderr)
        other = self.tpm(log=linux_log(), fresh=True)
        self.assertRegex(self.attest(REFUSED, *self.KIND, tpm=other).stderr, r"(aik|guest)\.\w+")
        other.make_ak()
        self.assertRegex(self.attest(REFUSED, *self.KIND, tpm=other).stderr, r"aik\.\w+")


RELEASE = os.path.abspath(os.environ.get("ASSAY_RELEASE") or "build/release")


@unittest.skipUnless(os.path.exists(os.path.join(RELEASE, "src/cli/assay")), "no release build: ./dev test makes one")
@unittest.skipUnless(shutil.which("cc"), "no compiler")
class Hardware(unittest.TestCase):
    """SEV-SNP and TDX by configfs-tsm, which a preloaded library plays; the release build, because sanitizers want to be loaded first. The
    simulated hardware's report is over the runtime data that the agent makes of a given nonce."""

    @classmethod
    def setUpClass(cls):
        cls.dir = Path(tempfile.mkdtemp(prefix="assay-agent-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir, True)
        (cls.dir / "runtime").write_bytes(b'{"nonce":"abc"}')
        run("cc", "-shared", "-fPIC", "-o", cls.dir / "fake_tsm.so", Path(__file__).with_name("fake_tsm.c"), "-ldl")
        for kind in ("snp", "tdx"):
            run(ASSAY, "simulate", kind, "-o", cls.dir / kind, "--seed", "7", "--at", str(int(time.time())), "--runtime-data", cls.dir / "runtime")
        cls.service = Service({"collateral": {"folder": cls.dir / "tdx/collateral", "anchor": f"{cls.dir}/snp/anchor.pem\nanchor = {cls.dir}/tdx/anchor.pem"}})
        cls.addClassCleanup(cls.service.remove)

    def entry(self, provider, report, aux=b""):
        folder = self.dir / provider
        folder.mkdir()
        for name, content in (("provider", provider.encode() + b"\n"), ("generation", b"1\n"), ("outblob", report), ("auxblob", aux),
                              ("inblob", hashlib.sha256(b'{"nonce":"abc"}').digest() + bytes(32))):
            (folder / name).write_bytes(content)
        root = self.dir / f"{provider}-root"
        root.mkdir()
        return {"FAKE_TSM": str(root), "FAKE_TSM_ENTRY": str(folder), "LD_PRELOAD": str(self.dir / "fake_tsm.so")}

    def attest(self, status, fake, nonce="abc", *more):
        url = f"https://localhost:{self.service.port}"
        env = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
        env.update(fake, ASSAY_TOKEN=self.service.token, NODE_EXTRA_CA_CERTS=self.service.ca)
        done = subprocess.run([os.path.join(RELEASE, "src/cli/assay"), "attest", url, "--self", "--tsm", fake["FAKE_TSM"], "--nonce", nonce, "--metadata",
                               "none", *map(str, more)], capture_output=True, text=True, env=env, timeout=300, stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(status, done.returncode, done.stderr)
        self.assertEqual([], os.listdir(fake["FAKE_TSM"]), "an entry is left")
        return json.loads(unb64(done.stdout.split(".")[1])) if status == DONE else done.stderr

    def table(self, chain):
        """Certificates as a host gives them."""
        leaf, ask, ark = ("-----BEGIN" + part for part in chain.split("-----BEGIN")[1:])
        at, heads, parts = 96, b"", b""
        for name, part in (("63da758de6644564adc5f4b93be8accd", leaf), ("4ab7b379bbac4fe4a02f05aef327c782", ask),
                           ("c0b406a4a803495297433fb6014cd0ae", ark)):
            heads += bytes.fromhex(name) + struct.pack("<II", at, len(part))
            parts += part.encode()
            at += len(part)
        return heads + bytes(24) + parts

    def test_snp(self):
        report = (self.dir / "snp/snp-report.bin").read_bytes()
        fake = self.entry("sev_guest", report, self.table((self.dir / "snp/chain.pem").read_text()))
        claims = self.attest(DONE, fake)
        self.assertEqual(("sevsnpvm", {"nonce": "abc"}), (claims["x-ms-attestation-type"], claims["x-ms-runtime"]))
        self.assertIn("outblob", self.attest(MISUSE, fake, "another"))
        (Path(fake["FAKE_TSM_ENTRY"]) / "outblob").write_bytes(report[:0x90] + bytes([report[0x90] ^ 1]) + report[0x91:])
        self.assertIn("snp.", self.attest(REFUSED, fake))

    def test_tdx(self):
        fake = self.entry("tdx_guest", (self.dir / "tdx/tdquote.bin").read_bytes())
        claims = self.attest(DONE, fake)
        self.assertEqual(("tdxvm", {"nonce": "abc"}), (claims["x-ms-attestation-type"], claims["x-ms-runtime"]))


if __name__ == "__main__":
    unittest.main()
