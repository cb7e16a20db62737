"""assay agent and assay attest --self, over a real software TPM, against a service played here: what is sent is judged with openssl
and tpm2-tools, which know nothing of our code."""
import hashlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

from cli_case import ASSAY, DONE, MISUSE, REFUSED, CliCase, Server, Signer, b64, b64u, openssl

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from swtpm import HCL_REPORT, SwtpmCase, linux_log, run  # noqa: E402

CHALLENGE, CONTEXT = bytes(range(16)), b64u(b'{"ProtectionKeyName":"00","ProtectedContext":"AA"}')


def unb64(text):
    import base64
    return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4))


def token(signer, **more):
    return signer.sign({"alg": "RS256", "typ": "JWT"}, {"iss": "https://localhost", "exp": int(time.time()) + 3600, **more}).encode()


def attest_fields(attest):
    """magic, type, extraData of a TPMS_ATTEST."""
    magic, kind, size = struct.unpack_from(">IHH", attest)
    at = 8 + size
    size = struct.unpack_from(">H", attest, at)[0]
    return magic, kind, attest[at + 2:at + 2 + size]


class Playing:
    """The service: each path has a function from the request's object to the answer's, or an answer."""

    def __init__(self, signer, folder):
        self.server, self.seen, self.signer, self.folder = Server(signer, {}), [], signer, folder
        self.url = self.server.url
        self.functions = {}
        outer = self

        class Routes(dict):
            def get(self, key, default=None):
                function = outer.functions.get(key)
                if not function:
                    return default
                body = outer.server.requests[-1][3]
                answer = function(json.loads(body) if body else None)
                outer.seen.append(json.loads(body) if body else None)
                return answer if isinstance(answer, tuple) else (200, json.dumps(answer).encode())

        self.server.routes = Routes()

    def close(self):
        self.server.close()


class AgentCase(SwtpmCase, CliCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        import tempfile
        import shutil
        cls.made = Path(tempfile.mkdtemp(prefix="assay-agent-"))
        cls.addClassCleanup(shutil.rmtree, cls.made, True)
        cls.signer = Signer(cls.made, "service", "localhost")

    def setUp(self):
        super().setUp()
        self.service = Playing(self.signer, self.dir)
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
        self.attest(DONE, "--type", "tpm", "--tpm", tpm.tcti, "--boot-log", "none", "--ima-log", "none", "--pcrs", "0-7,14")
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
        for wrong in (["--ak", "1"], ["--pcrs", "24"], ["--pcrs", ""], ["--pcrs", "3-1"], ["--pcrs", "1,"], ["--banks", "md5"], ["--banks", ""],
                      ["--type", "sgx"], ["--draft-policy", "f"], ["file"]):
            with self.subTest(wrong):
                self.attest(MISUSE, *wrong)
        self.expect(MISUSE, "attest", self.service.url)
        self.expect(MISUSE, "attest", self.service.url, "file", "--tpm", "x")
        self.expect(MISUSE, "agent", self.service.url)
        self.expect(MISUSE, "agent", self.service.url, "--once", "--socket", "s")
        self.expect(MISUSE, "agent", self.service.url, "--out", "f", "--interval", "0")


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
