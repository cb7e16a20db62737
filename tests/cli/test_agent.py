"""assay agent and assay attest --self, over a real software TPM, against a service played here: what is sent is judged with openssl
and tpm2-tools, which know nothing of our code."""
import hashlib
import http.server
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

from agent_case import Playing, unb64
from cli_case import ASSAY, DONE, MISUSE, REFUSED, CliCase, Signer, b64, b64u, openssl

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from swtpm import HCL_REPORT, SwtpmCase, linux_log  # noqa: E402

CHALLENGE, CONTEXT = bytes(range(16)), b64u(b'{"ProtectionKeyName":"00","ProtectedContext":"AA"}')


def token(signer, **more):
    return signer.sign({"alg": "RS256", "typ": "JWT"}, {"iss": "https://localhost", "exp": int(time.time()) + 3600, **more}).encode()


def attest_fields(attest):
    """magic, type, extraData of a TPMS_ATTEST."""
    magic, kind, size = struct.unpack_from(">IHH", attest)
    at = 8 + size
    size = struct.unpack_from(">H", attest, at)[0]
    return magic, kind, attest[at + 2:at + 2 + size]


class AgentCase(SwtpmCase, CliCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.made = Path(tempfile.mkdtemp(prefix="assay-agent-"))
        cls.addClassCleanup(shutil.rmtree, cls.made, True)
        cls.signer = Signer(cls.made, "service", "localhost")

    def setUp(self):
        super().setUp()
        self.service = Playing(self.signer)
        self.addCleanup(self.service.close)

    def attest(self, status, *args, **more):
        return self.expect(status, "attest", self.service.url, "--self", "--ca", self.signer.pem, *args, **more)


class TpmProtocol(AgentCase):
    def play(self, answer=None):
        requests = []

        def tpm(body):
            message = json.loads(unb64(body["data"]))["payload"]
            if "type" in message:
                self.assertEqual({"type": "aikcert"}, message)
                said = {"challenge": b64u(CHALLENGE), "service_context": CONTEXT}
            else:
                requests.append(message["request"])
                said = answer or {"report": token(self.signer).decode()}
            return {"data": b64u(json.dumps({"payload": said}).encode())}

        self.service.functions["POST /attest/Tpm"] = tpm
        return requests

    def judge(self, jws, tpm, bank="sha256"):
        """The request's statement, after all signatures and digests in it were found good."""
        head, payload, signature = jws.split(".")
        self.assertEqual({"alg": "PS256", "typ": "attReqV2"}, json.loads(unb64(head)))
        raw = unb64(payload)
        statement = json.loads(raw)
        data = statement["att_data"]
        self.assertEqual(("basic", b64u(CHALLENGE), CONTEXT), (statement["att_type"], data["challenge"], data["service_context"]))
        jwk = data["request_key"]["jwk"]
        self.check_pss(jwk, f"{head}.{payload}".encode(), unb64(signature))
        att = data["tpm_att_data"]["current_attestation"]
        quote = unb64(att["quote"])
        magic, kind, extra = attest_fields(quote)
        self.assertEqual((0xFF544347, 0x8018), (magic, kind))
        info = data["request_key"]["info"]
        if "tpm_quote" in info:
            text = raw[raw.index(b'"jwk":') + 6:]
            text = text[:text.index(b"}") + 1]
            self.assertEqual(jwk, json.loads(text))
            self.assertEqual(hashlib.sha256(text + b"\0" + CHALLENGE).digest(), extra)
        else:
            self.assertEqual(CHALLENGE, extra)
            certified = unb64(info["tpm_certify"]["certification"])
            self.assertEqual((0xFF544347, 0x8017, CHALLENGE), attest_fields(certified))
            name = b"\0\x0b" + hashlib.sha256(unb64(info["tpm_certify"]["public"])).digest()
            self.assertIn(name, certified)
            self.check_attest(tpm, certified, unb64(info["tpm_certify"]["signature"]))
        self.check_attest(tpm, quote, unb64(att["signature"]))
        values = {v["index"]: unb64(v["digest"]) for v in att["pcrs"][0]["values"]}
        self.assertEqual({i: v for i, v in enumerate(tpm.pcrs(bank)) if i in values}, values)
        self.assertTrue(quote.endswith(hashlib.sha256(b"".join(values[i] for i in sorted(values))).digest()))
        return data, att

    def check_pss(self, jwk, message, signature):
        der = self.file("key.der", rsa_spki(unb64(jwk["n"])))
        (self.dir / "signed").write_bytes(message)
        (self.dir / "signature").write_bytes(signature)
        openssl("dgst", "-sha256", "-verify", der, "-keyform", "DER", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32",
                "-signature", self.dir / "signature", self.dir / "signed")

    def check_attest(self, tpm, attest, signature):
        """TPMT_SIGNATURE of RSASSA with SHA-256."""
        self.assertEqual((0x14, 0x0B, 256), struct.unpack_from(">HHH", signature))
        (self.dir / "signed").write_bytes(attest)
        (self.dir / "signature").write_bytes(signature[6:])
        openssl("dgst", "-sha256", "-verify", tpm.ak_public, "-signature", self.dir / "signature", self.dir / "signed")

    def test_with_a_persistent_key_and_its_certificate(self):
        requests, log = self.play(), linux_log()
        tpm = self.tpm(log=log)
        tpm.make_ak()
        done = self.attest(DONE, "--type", "tpm", "--tpm", tpm.tcti, "--boot-log", tpm.log_path, "--ima-log", "none", "--nonce", "a nonce",
                           "--rp-id", "https://rp.example")
        self.assertEqual(3, len(done.out.strip().split(".")))
        data, att = self.judge(requests[0], tpm)
        self.assertEqual((b"a nonce", "https://rp.example"), (unb64(data["rp_data"]), data["rp_id"]))
        self.assertEqual([("TCG", log)], [(one["type"], unb64(one["log"])) for one in att["logs"]])
        self.assertEqual(Path(tpm.ak_certificate).read_bytes(), unb64(att["aik_cert"]))
        self.assertIn("tpm_certify", data["request_key"]["info"])
        self.assertEqual(list(range(24)), [v["index"] for v in att["pcrs"][0]["values"]])
        # Nothing of ours is left in the TPM.
        self.assertEqual("", tpm.tool("tpm2_getcap", "handles-transient").decode().strip())
        self.assertEqual("", tpm.tool("tpm2_getcap", "handles-loaded-session").decode().strip())

    def test_with_a_derived_key_that_stays_the_same(self):
        requests, tpm = self.play(), self.tpm()
        for _ in range(2):
            self.attest(DONE, "--type", "tpm", "--tpm", tpm.tcti, "--boot-log", "none", "--ima-log", "none", "--pcrs", "0-7,14")
        tpm.reset()
        self.attest(DONE, "--tsm", "none", "--sev-guest", "none", "--tpm", tpm.tcti, "--boot-log", "none", "--ima-log", "none", "--pcrs", "0-7,14")
        statements = [json.loads(unb64(jws.split(".")[1]))["att_data"] for jws in requests]
        keys = {json.dumps(s["tpm_att_data"]["current_attestation"]["aik_pub"]) for s in statements}
        self.assertEqual(1, len(keys))
        self.assertNotIn("aik_cert", statements[0]["tpm_att_data"]["current_attestation"])
        self.assertEqual([0, 1, 2, 3, 4, 5, 6, 7, 14], [v["index"] for v in statements[0]["tpm_att_data"]["current_attestation"]["pcrs"][0]["values"]])

    def test_with_a_key_of_the_caller(self):
        requests, tpm = self.play(), self.tpm()
        tpm.make_ak(certificate=False)
        self.attest(DONE, "--type", "tpm", "--tpm", tpm.tcti, "--boot-log", "none", "--ima-log", "none", "--key-out", self.dir / "key.pem")
        data, _ = self.judge(requests[0], tpm)
        self.assertIn("tpm_quote", data["request_key"]["info"])
        self.assertEqual(0o600, (self.dir / "key.pem").stat().st_mode & 0o777)
        self.assertEqual(rsa_spki(unb64(data["request_key"]["jwk"]["n"])), openssl("pkey", "-in", self.dir / "key.pem", "-pubout", "-outform", "DER"))

    def test_measurement_list_and_several_banks(self):
        requests, tpm = self.play(), self.tpm(log=linux_log())
        tpm.make_ak(certificate=False)
        self.file("ima", b"a list of measurements")
        self.attest(DONE, "--type", "tpm", "--tpm", tpm.tcti, "--boot-log", tpm.log_path, "--ima-log", "ima", "--banks", "sha1,sha384")
        att = json.loads(unb64(requests[0].split(".")[1]))["att_data"]["tpm_att_data"]["current_attestation"]
        self.assertEqual(["TCG", "IMA"], [one["type"] for one in att["logs"]])
        self.assertEqual([4, 12], [bank["algorithm"] for bank in att["pcrs"]])
        for bank, name in zip(att["pcrs"], ("sha1", "sha384")):
            self.assertEqual(tpm.pcrs(name), [unb64(v["digest"]) for v in bank["values"]])

    def test_certificate_of_another_key(self):
        self.play()
        tpm, other = self.tpm(), self.tpm(fresh=True)
        tpm.make_ak(certificate=False)
        other.make_ak()
        more = ("--type", "tpm", "--tpm", tpm.tcti, "--boot-log", "none", "--ima-log", "none")
        self.assertIn("not one of the attestation key", self.attest(MISUSE, "--ak-cert", other.ak_certificate, *more).err)
        # In the TPM it is a leftover, and left out.
        tpm.nv_write(0x01C101D0, Path(other.ak_certificate).read_bytes(), 2048)
        self.attest(DONE, *more)

    def test_what_goes_wrong_is_said(self):
        tpm = self.tpm()
        more = ("--type", "tpm", "--boot-log", "none", "--ima-log", "none")
        self.service.functions["POST /attest/Tpm"] = lambda body: (400, b'{"error":{"code":"Bad request","message":"no policy"}}')
        refused = self.attest(REFUSED, "--tpm", tpm.tcti, *more)
        self.assertIn("no policy", refused.err)
        for answer, says in (({}, '"data"'), ({"data": "%"}, "cannot be read"), ({"data": b64u(b"{}")}, '"challenge"'),
                             ({"data": b64u(b'{"payload":{"challenge":"","service_context":""}}')}, "challenge"),
                             ({"data": b64u(json.dumps({"challenge": "A" * 200, "service_context": ""}).encode())}, "challenge")):
            self.service.functions["POST /attest/Tpm"] = lambda body, answer=answer: answer
            self.assertIn(says, self.attest(MISUSE, "--tpm", tpm.tcti, *more).err)
        self.play({"report": "no token"})
        self.assertIn("no token", self.attest(MISUSE, "--tpm", tpm.tcti, *more).err)
        self.assertIn("0x81000077", self.attest(MISUSE, "--tpm", tpm.tcti, "--ak", "0x81000077", *more).err)
        self.assertIn("is no attestation key", self.attest(MISUSE, "--tpm", tpm.tcti, "--ak", "0x81010001", *more).err)
        self.assertIn("64 bytes", self.attest(MISUSE, "--tpm", tpm.tcti, "--banks", "sha512", *more).err)
        tpm.stop()
        self.assertIn("no TPM answers", self.attest(MISUSE, "--tpm", tpm.tcti, *more).err)
        self.assertIn("no TPM answers", self.attest(MISUSE, "--tpm", "nothing-known", *more).err)

    def test_wrong_use(self):
        for wrong in (["--ak", "1"], ["--pcrs", "24"], ["--pcrs", ""], ["--pcrs", "3-1"], ["--pcrs", "1,"], ["--pcrs", "1;"], ["--pcrs", "-1"], ["--pcrs", "1-"], ["--banks", "md5"], ["--banks", ""],
                      ["--type", "sgx"], ["--draft-policy", "f"], ["file"]):
            with self.subTest(wrong):
                self.attest(MISUSE, *wrong)
        self.expect(MISUSE, "attest", self.service.url)
        self.expect(MISUSE, "attest", self.service.url, "file", "--tpm", "x")
        self.expect(MISUSE, "agent", self.service.url)
        self.expect(MISUSE, "agent", self.service.url, "--once", "--socket", "s")
        self.expect(MISUSE, "agent", self.service.url, "--out", "f", "--interval", "0")


class AzureGuest(AgentCase):
    """The answer is sealed as snp-cvm.md 3.6 has it, by openssl and a cipher of python's own."""

    def play(self, tpm, jwt=None, change=None):
        seen = []

        def guest(body):
            info = json.loads(unb64(body["AttestationInfo"]))
            seen.append(info)
            return {"token": b64u(json.dumps(self.seal(info, jwt or token(self.signer), change or {})).encode())}

        self.service.functions["POST /attest/AzureGuest"] = guest
        return seen

    def seal(self, info, jwt, change):
        """Decrypting is the TPM's; AES-256-GCM is made of openssl's CTR and GHASH below."""
        public = unb64(info["TpmInfo"]["EncKeyPub"])
        self.file("enc.der", rsa_spki(public[-256:]))
        key, iv = bytes(range(32)), bytes(range(12))
        (self.dir / "inner").write_bytes(key)
        sealed = openssl("pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", self.dir / "enc.der", "-in", self.dir / "inner")
        cipher, tag = gcm(key, iv, b"Transport Key", jwt)
        answer = {"EncryptedInnerKey": b64(sealed),
                  "EncryptionParams": {"BlockMode": "ChainingModeGCM", "BlockPadding": "PKCS7", "Cipher": "AES", "KeySizeInBits": 256, "Iv": b64(iv)},
                  "AuthenticationData": b64(tag), "Jwt": b64(cipher)}
        answer.update(change)
        return answer

    def judge(self, info, tpm, pcrs):
        t = info["TpmInfo"]
        attest = {name: unb64(t[name]) for name in ("PcrQuote", "EncKeyCertifyInfo")}
        for name, signature in (("PcrQuote", "PcrSignature"), ("EncKeyCertifyInfo", "EncKeyCertifyInfoSignature")):
            (self.dir / "signed").write_bytes(attest[name])
            (self.dir / "signature").write_bytes(unb64(t[signature]))
            openssl("dgst", "-sha256", "-verify", tpm.ak_public, "-signature", self.dir / "signature", self.dir / "signed")
        self.assertEqual((0xFF544347, 0x8018, b""), attest_fields(attest["PcrQuote"]))
        self.assertEqual((0xFF544347, 0x8017, b""), attest_fields(attest["EncKeyCertifyInfo"]))
        self.assertEqual(pcrs, t["PcrSet"])
        values = tpm.pcrs()
        self.assertEqual([(i, values[i]) for i in pcrs], [(p["Index"], unb64(p["Digest"])) for p in t["PCRs"]])
        public = unb64(t["EncKeyPub"])
        self.assertEqual(312, len(public))  # as real requests have it
        self.assertIn(b"\0\x0b" + hashlib.sha256(public[2:]).digest(), attest["EncKeyCertifyInfo"])
        self.assertEqual(bytes.fromhex("0001000b00020432"), public[2:10])
        mask = sum(1 << i for i in pcrs)
        policy = hashlib.sha256(bytes(32) + bytes.fromhex("0000017f00000001000b03") + mask.to_bytes(3, "little") +
                                hashlib.sha256(b"".join(values[i] for i in pcrs)).digest()).digest()
        self.assertEqual(policy, public[12:44])
        self.assertTrue(attest["PcrQuote"].endswith(hashlib.sha256(b"".join(values[i] for i in pcrs)).digest()))

    def test_trusted_launch(self):
        tpm = self.tpm(log=linux_log())
        tpm.make_ak()
        jwt = token(self.signer, x=1)
        seen = self.play(tpm, jwt)
        done = self.attest(DONE, "--tpm", tpm.tcti, "--boot-log", tpm.log_path, "--nonce", "abc")  # the kind is found
        self.assertEqual(jwt.decode(), done.out.strip())
        info = seen[0]
        self.judge(info, tpm, list(range(8)))
        self.assertEqual({"Type": "TrustedLaunch"}, info["IsolationInfo"])
        self.assertEqual((tpm.log, b"abc"), (unb64(info["TcgLogs"]), unb64(info["ClientPayload"]["nonce"])))
        self.assertEqual(("2.0", b"Linux"), (info["AttestationProtocolVersion"], unb64(info["OSType"])))
        self.assertEqual(Path(tpm.ak_certificate).read_bytes(), unb64(info["TpmInfo"]["AikCert"]))
        self.attest(DONE, "--tpm", tpm.tcti, "--boot-log", tpm.log_path, "--pcrs", "0-7,11-14")
        self.judge(seen[1], tpm, [0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14])
        self.assertEqual("", tpm.tool("tpm2_getcap", "handles-transient").decode().strip())
        self.assertEqual("", tpm.tool("tpm2_getcap", "handles-loaded-session").decode().strip())

    def test_answers_that_do_not_open(self):
        tpm = self.tpm()
        tpm.make_ak()
        more = ("--type", "azure-guest", "--tpm", tpm.tcti, "--boot-log", "none")
        for change, says in (({"AuthenticationData": b64(bytes(16))}, "does not open"), ({"AuthenticationData": b64(bytes(15))}, "not known here"),
                             ({"EncryptedInnerKey": b64(bytes(255) + b"\1")}, "RSA_Decrypt"), ({"EncryptedInnerKey": b64(bytes(2000))}, "no key"),
                             ({"EncryptedInnerKey": ""}, "no key"), ({"Jwt": 1}, '"Jwt"'), ({"Jwt": "?"}, "no base64"), ({"EncryptionParams": []}, '"Iv"')):
            with self.subTest(change):
                self.play(tpm, change=change)
                self.assertIn(says, self.attest(MISUSE, *more).err)
        self.play(tpm, jwt=b"no token")
        self.assertIn("no token", self.attest(MISUSE, *more).err)
        self.service.functions["POST /attest/AzureGuest"] = lambda body: {"token": b64u(b"[")}
        self.assertIn("no JSON", self.attest(MISUSE, *more).err)

    def test_a_register_that_changes_meanwhile(self):
        """The key's policy is the registers as they were quoted: the answer does not open where they are others by then."""
        tpm = self.tpm()
        tpm.make_ak()
        self.play(tpm)
        seal = self.seal
        self.seal = lambda *args: (tpm.measure(4, b"another boot loader"), seal(*args))[1]
        self.assertIn("the TPM, at", self.attest(MISUSE, "--type", "azure-guest", "--tpm", tpm.tcti, "--boot-log", "none").err)

    def confidential(self, kind, report, claims):
        return (b"HCLA" + struct.pack("<III", 2, 1236 + len(claims), 2) + bytes(16) + report.ljust(1184, b"\0") +
                struct.pack("<IIIII", 20 + len(claims), 1, kind, 1, len(claims)) + claims)

    def metadata(self, answers):
        """Plain HTTP on loopback, as Azure's host speaks it on its own address."""
        asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked.append((self.command, self.path, self.headers.get("Metadata"), body))
                status, data = answers.get(self.path, (404, b""))
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_GET

            def log_message(self, *args):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}", asked

    def test_confidential_vm_of_amd(self):
        tpm = self.tpm()
        tpm.make_ak()
        seen, claims = self.play(tpm), b'{"keys":[]}'
        tpm.nv_write(HCL_REPORT, self.confidential(2, b"report", claims), 2048)
        chain = {"vcekCert": "leaf\n", "certificateChain": "others\n", "tcbm": "0"}
        url, asked = self.metadata({"/metadata/THIM/amd/certification": (200, json.dumps(chain).encode())})
        self.attest(DONE, "--tpm", tpm.tcti, "--boot-log", "none", "--metadata", url)
        isolation = seen[0]["IsolationInfo"]
        self.assertEqual(("SevSnp", claims), (isolation["Type"], unb64(isolation["Evidence"]["RunTimeData"])))
        proof = json.loads(unb64(isolation["Evidence"]["Proof"]))
        self.assertEqual(b"report".ljust(1184, b"\0"), unb64(proof["SnpReport"]))
        self.assertEqual(b"leaf\nothers\n", unb64(proof["VcekCertChain"]))
        self.assertEqual(("GET", "/metadata/THIM/amd/certification", "true", b""), asked[0])
        self.assertIn("404", self.attest(MISUSE, "--tpm", tpm.tcti, "--metadata", url + "/other").err)

    def test_a_nonce_in_the_hardware_report(self):
        """The paravisor is asked by an NV index; here its report already says what it will say, or never does."""
        tpm = self.tpm()
        tpm.make_ak()
        seen, more = self.play(tpm), ("--tpm", tpm.tcti, "--boot-log", "none", "--metadata", "none", "--bind-nonce", "--nonce")
        wanted = hashlib.sha512(b"fresh").digest()
        tpm.nv_write(HCL_REPORT, self.confidential(2, b"report", b'{"user-data":"%s"}' % wanted.hex().upper().encode()), 2048)
        self.attest(DONE, *more, "fresh")
        self.assertEqual("SevSnp", seen[0]["IsolationInfo"]["Type"])
        self.assertEqual(wanted, tpm.nv_read(0x01400002))
        self.assertIn("did not take the nonce", self.attest(MISUSE, *more, "fresher").err)
        self.assertEqual(hashlib.sha512(b"fresher").digest(), tpm.nv_read(0x01400002))

    def test_confidential_vm_of_intel(self):
        tpm = self.tpm()
        tpm.make_ak()
        seen = self.play(tpm)
        report = self.file("report", self.confidential(4, b"td report", b"{}"))
        url, asked = self.metadata({"/acc/tdquote": (200, json.dumps({"quote": b64u(b"a quote")}).encode())})
        self.attest(DONE, "--tpm", tpm.tcti, "--boot-log", "none", "--metadata", url, "--hcl-report", report)
        self.assertEqual("Tdx", seen[0]["IsolationInfo"]["Type"])
        self.assertEqual(b"a quote", unb64(seen[0]["IsolationInfo"]["Evidence"]["Proof"]))
        self.assertEqual(b"td report".ljust(1024, b"\0"), unb64(json.loads(asked[0][3])["report"]))
        for content, says in ((b"HCLB" + bytes(2000), "no report of a paravisor"), (self.confidential(4, b"", b"{}")[:1237], "cut off"),
                              (self.confidential(1, b"", b"{}"), "type 1")):
            self.file("report", content)
            self.assertIn(says, self.attest(MISUSE, "--tpm", tpm.tcti, "--metadata", url, "--hcl-report", report).err)
        # Without TLS no other machine is spoken to.
        self.file("report", self.confidential(4, b"", b"{}"))
        self.assertIn("loopback and link-local", self.attest(MISUSE, "--tpm", tpm.tcti, "--metadata", "http://192.0.2.1", "--hcl-report", report).err)


class Daemon(AgentCase):
    """Over the TPM's protocol, with tokens that live for seconds."""

    def setUp(self):
        super().setUp()
        self.count, self.life, self.refuse = 0, 4, False

        def tpm(body):
            message = json.loads(unb64(body["data"]))["payload"]
            if self.refuse:
                return (400, b'{"error":{"code":"InvalidParameter","message":"the boot log\\nis another"}}')
            if "type" in message:
                return {"data": b64u(json.dumps({"payload": {"challenge": b64u(CHALLENGE), "service_context": CONTEXT}}).encode())}
            self.count += 1
            self.last = self.signer.sign({"alg": "RS256"}, {"exp": int(time.time()) + self.life, "n": self.count})
            return {"data": b64u(json.dumps({"payload": {"report": self.last}}).encode())}

        self.service.functions["POST /attest/Tpm"] = tpm
        self.machine = self.tpm()

    def agent(self, *more):
        env = {k: v for k, v in os.environ.items() if k not in ("ASSAY_TOKEN", "ASSAY_URL", "NODE_EXTRA_CA_CERTS")}
        self.log = open(self.dir / "log", "wb")
        self.addCleanup(self.log.close)
        process = subprocess.Popen([ASSAY, "agent", self.service.url, "--ca", self.signer.pem, "--type", "tpm", "--tpm", self.machine.tcti, "--boot-log",
                                    "none", "--ima-log", "none", *map(str, more)], stderr=self.log, cwd=self.dir, env=env, stdin=subprocess.DEVNULL)

        def end():
            process.send_signal(signal.SIGTERM)
            self.assertEqual(0, process.wait(60), self.said())
            self.assertNotIn("Sanitizer", self.said())

        self.addCleanup(end)
        return process

    def said(self):
        return (self.dir / "log").read_text()

    def wait(self, condition):
        for _ in range(1200):
            if condition():
                return
            time.sleep(0.05)
        self.fail(f"waited in vain: {self.said()}")

    def ask_socket(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.dir / "s"))
            got = b""
            while more := s.recv(4096):
                got += more
            return got.decode()

    def test_tokens_are_fresh_wherever_they_go(self):
        self.life = 3600
        process = self.agent("--out", "token", "--socket", "s", "--exec", "cat >>copies; echo >>copies")
        self.wait(lambda: (self.dir / "token").exists() and self.ask_socket())
        self.assertEqual(self.last, (self.dir / "token").read_text())
        self.assertEqual(self.last, self.ask_socket())
        self.assertEqual(0o600, (self.dir / "token").stat().st_mode & 0o777)
        first, self.life = self.last, 3
        process.send_signal(signal.SIGHUP)
        self.wait(lambda: self.count >= 4)  # by SIGHUP once, then because they expire
        self.wait(lambda: self.ask_socket() == self.last and (self.dir / "token").read_text() == self.last)
        self.assertNotEqual(first, self.last)
        self.wait(lambda: len((self.dir / "copies").read_text().split()) >= 4)
        self.assertNotIn(self.last[:40], self.said())
        self.assertNotIn(self.last[-40:], self.said())

    def test_errors_are_told_and_got_over(self):
        self.refuse = True
        process = self.agent("--out", "token", "--socket", "s")
        self.wait(lambda: "trying again" in self.said())
        self.assertRegex(self.said(), r"error refused by the service with status 400, InvalidParameter: the boot log\\x0ais another\n")
        self.assertEqual("", self.ask_socket())
        self.refuse, self.life = False, 3600
        process.send_signal(signal.SIGHUP)
        self.wait(lambda: (self.dir / "token").exists())

    def test_an_expired_token_is_not_served(self):
        self.life = 2
        self.agent("--socket", "s", "--interval", "1")
        self.wait(lambda: (self.dir / "s").exists() and self.ask_socket())
        self.refuse = True
        self.wait(lambda: not self.ask_socket())

    def test_a_socket_in_use(self):
        self.life = 3600
        self.agent("--socket", "s")
        self.wait(lambda: (self.dir / "s").exists() and self.ask_socket())
        second = self.expect(MISUSE, "agent", self.service.url, "--ca", self.signer.pem, "--tpm", self.machine.tcti, "--socket", "s")
        self.assertIn("another agent", second.err)
        self.assertTrue(self.ask_socket())

    def test_once(self):
        common = ("agent", self.service.url, "--ca", self.signer.pem, "--type", "tpm", "--tpm", self.machine.tcti, "--boot-log", "none", "--ima-log",
                  "none", "--once")
        self.assertEqual(self.expect(DONE, *common).out.strip(), self.last)
        self.assertEqual("", self.expect(DONE, *common, "--out", "token").out)
        self.assertEqual(self.last, (self.dir / "token").read_text())
        self.assertIn("ended with 7", self.expect(MISUSE, *common, "--exec", "exit 7").err)
        self.refuse = True
        self.assertIn("InvalidParameter", self.expect(REFUSED, *common).err)


class Nothing(CliCase):
    def test_a_machine_without_evidence(self):
        if os.path.exists("/dev/tpmrm0") or os.path.exists("/dev/tpm0"):
            self.skipTest("this machine has a TPM")
        done = self.expect(MISUSE, "attest", "https://localhost:1", "--self", "--tsm", self.dir / "none", "--sev-guest", self.dir / "none")
        self.assertIn("nothing to attest with", done.err)
        self.assertIn("no TPM: ", self.expect(MISUSE, "attest", "https://localhost:1", "--self", "--type", "tpm").err)
        self.assertIn("TDX", self.expect(MISUSE, "attest", "https://localhost:1", "--self", "--type", "tdx", "--tsm", self.dir / "none").err)


def gcm(key, iv, associated, plain):
    """AES-256-GCM (SP 800-38D) with openssl's AES: ciphertext, tag."""
    def blocks(*inputs):
        return openssl("enc", "-aes-256-ecb", "-nopad", "-K", key.hex(), stdin=b"".join(inputs))

    count = (len(plain) + 15) // 16
    stream = blocks(*(iv + (i + 1).to_bytes(4, "big") for i in range(count + 1)))
    cipher = bytes(a ^ b for a, b in zip(plain, stream[16:]))
    h, y = int.from_bytes(blocks(bytes(16)), "big"), 0

    def multiply(x, z=0):
        v = h
        for i in range(127, -1, -1):
            z ^= v if x >> i & 1 else 0
            v = v >> 1 ^ (0xE1 << 120 if v & 1 else 0)
        return z

    pad = lambda b: b + bytes(-len(b) % 16)
    hashed = pad(associated) + pad(cipher) + struct.pack(">QQ", 8 * len(associated), 8 * len(cipher))
    for i in range(0, len(hashed), 16):
        y = multiply(y ^ int.from_bytes(hashed[i:i + 16], "big"))
    return cipher, (y ^ int.from_bytes(stream[:16], "big")).to_bytes(16, "big")


def rsa_spki(modulus):
    """DER SubjectPublicKeyInfo with the exponent 65537."""
    def der(tag, content):
        n = len(content)
        head = bytes([n]) if n < 128 else bytes([0x81, n]) if n < 256 else bytes([0x82]) + struct.pack(">H", n)
        return bytes([tag]) + head + content
    number = der(2, (b"\0" if modulus[0] & 0x80 else b"") + modulus) + der(2, b"\1\0\1")
    return der(0x30, der(0x30, bytes.fromhex("06092a864886f70d0101010500")) + der(3, b"\0" + der(0x30, number)))


if __name__ == "__main__":
    unittest.main()
