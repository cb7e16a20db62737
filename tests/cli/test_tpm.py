"""assay verify --type tpm and assay inspect over TPM evidence of the corpus, put into attestation objects as requests carry them."""
import base64
import json
import re
import struct
import unittest

from cli_case import DONE, MISUSE, REFUSED, SHARED, CliCase, needs_corpus, openssl

EVIDENCE = SHARED / "evidence"
TPM = EVIDENCE / "tpm"
ALGORITHMS = {"sha1": 4, "sha256": 11, "sha384": 12}


def b64u(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def read(*path):
    return TPM.joinpath(*path).read_bytes()


def rsassa(value):
    """A bare signature with SHA-256, as TPMT_SIGNATURE."""
    return struct.pack(">HHH", 0x14, 0xB, len(value)) + value


def bank(name, values):
    return {"algorithm": ALGORITHMS[name], "values": [{"index": i, "digest": b64u(v)} for i, v in sorted(values.items())]}


def yaml_values(text):
    return {int(i): bytes.fromhex(v) for i, v in re.findall(r"^\s+(\d+)\s*: 0x([0-9A-F]+)$", text.decode(), re.M)}


def jwk_of(area):
    """JWK of an RSA key in TPM2B_PUBLIC."""
    at = 2 + 8
    at += 2 + struct.unpack_from(">H", area, at)[0]
    symmetric, scheme = struct.unpack_from(">HH", area, at)
    assert symmetric == 0x10, symmetric
    at += 4 + (2 if scheme != 0x10 else 0) + 2 + 4
    return {"kty": "RSA", "n": b64u(area[at + 2:]), "e": "AQAB"}


class Tpm(CliCase):
    def linux(self, **more):
        """A boot of Ubuntu in a software TPM, quoted with the log that explains the registers."""
        folder = "swtpm-linux-ludmilla"
        return {"logs": [{"type": "TCG", "log": b64u(read(folder, "eventlog.bin"))}], "aik_pub": jwk_of(read(folder, "ak.tpm2b_public")),
                "pcrs": [bank("sha256", yaml_values(read(folder, "ak.quote.yaml")))],
                "quote": b64u(read(folder, "ak.quote.tpms_attest")), "signature": b64u(read(folder, "ak.quote.tpmt_signature")), **more}

    def azure(self, **more):
        folder = "azure-tdx-1780922561"
        pcrs = read(folder, "pcrs.sha256.bin")
        return {"aik_cert": b64u(read(folder, "ak-chain-0.der")), "pcrs": [bank("sha256", {i: pcrs[32 * i:32 * i + 32] for i in range(24)})],
                "quote": b64u(read(folder, "quote.tpms_attest.bin")), "signature": b64u(rsassa(read(folder, "quote.rsassa.bin"))), **more}

    def judged(self, att, *args, at="2026-11-30T00:00:00Z"):
        path = self.file("att.json", json.dumps(att).encode() if isinstance(att, dict) else att)
        run = self.assay("verify", path, "--type", "tpm", "--at", at, "--json", *args)
        self.assertIn(run.returncode, (DONE, REFUSED), run.err)
        result = json.loads(run.out)
        self.assertEqual(run.returncode == DONE, result["verdict"] == "accepted")
        return result

    def accepted(self, att, *args, **more):
        result = self.judged(att, *args, **more)
        self.assertIsNone(result["failed"])
        return result["claims"]

    def refused(self, check, att, *args, **more):
        result = self.judged(att, *args, **more)
        self.assertEqual(check, result["failed"] and result["failed"]["id"])
        return result

    @needs_corpus
    def test_a_boot_of_linux(self):
        anchor, nonce = str(TPM / "swtpm-linux-ludmilla/ak.pem"), read("swtpm-linux-ludmilla", "nonce.hex").decode().strip()
        claims = self.accepted(self.linux(), "--anchor", anchor, "--nonce", nonce)
        self.assertIs(True, claims["aikValidated"])
        self.assertEqual(2, claims["tpmVersion"])
        self.assertIs(False, claims["secureBootEnabled"])
        device = json.loads(read("guard-ludmilla", "pcrs.json"))["sha256"]
        for i in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14):
            self.assertEqual(device[str(i)], claims["pcrs"]["sha256"][str(i)], i)
        der = openssl("pkey", "-pubin", "-in", anchor, "-outform", "DER")
        digest = openssl("dgst", "-sha256", "-binary", stdin=der)
        self.assertEqual(base64.b64encode(digest).decode(), claims["aikPubHash"])
        # recognised from the bytes, too
        self.assertEqual(DONE, self.assay("verify", self.file("att.json", json.dumps(self.linux())), "--anchor", anchor).returncode)

    @needs_corpus
    def test_what_is_refused(self):
        anchor = ("--anchor", str(TPM / "swtpm-linux-ludmilla/ak.pem"))
        self.refused("aik.chain", self.linux())
        self.refused("tpm.quote.nonce", self.linux(), *anchor, "--nonce", "00")
        self.refused("tpm.quote.nonce", self.linux(), *anchor, "--nonce", "")
        other = self.linux(signature=b64u(read("swtpm-windows-locality3", "ak.quote.tpmt_signature")))
        self.refused("tpm.quote.signature", other, *anchor)
        pcrs = yaml_values(read("swtpm-linux-ludmilla", "ak.quote.yaml"))
        self.refused("tpm.quote.pcrs", self.linux(pcrs=[bank("sha256", {**pcrs, 7: bytes(32)})]), *anchor)
        self.refused("tpm.quote.pcrs", self.linux(pcrs=[bank("sha256", {i: pcrs[i] for i in range(23)})]), *anchor)
        self.refused("boot.log.replay", self.linux(logs=[{"type": "TCG", "log": b64u(read("swtpm-windows-locality3", "eventlog.bin"))}]), *anchor)
        self.refused("tpm.aik_key", self.azure(aik_pub=jwk_of(read("swtpm-linux-ludmilla", "ak.tpm2b_public"))))
        quote = b64u(read("swtpm-linux-ludmilla", "key.certify.tpms_attest"))
        self.refused("tpm.quote.type", self.linux(quote=quote), *anchor)
        run = self.assay("verify", self.file("att.json", json.dumps(self.linux()).encode()), "--nonce", "xyz")
        self.assertEqual(MISUSE, run.returncode)

    @needs_corpus
    def test_azure_by_its_certificate(self):
        self.assertIs(True, self.accepted(self.azure())["aikValidated"])
        self.refused("aik.validity", self.azure(), at="2028-01-01T00:00:00Z")
        # the certificate beside the object, found by the key; the leaf's own key as anchor
        certificate = self.file("leaf.der", read("azure-tdx-1780922561", "ak-chain-0.der"))
        key = openssl("x509", "-inform", "DER", "-in", certificate, "-noout", "-modulus").decode().strip().split("=")[1]
        bare = self.azure(aik_cert=None, aik_pub={"kty": "RSA", "n": b64u(bytes.fromhex(key)), "e": "AQAB"})
        self.refused("aik.chain", bare)
        self.accepted(bare, "--certs", certificate)
        self.accepted(bare, "--anchor", certificate)

    def judged_by(self, policy, att, *args):
        path = self.file("policy.txt", policy)
        return self.judged(att, "--policy", path, *args)

    @needs_corpus
    def test_policies(self):
        """Properties and JmesPath work as in the service."""
        folder = "swtpm-windows-locality3"
        windows = {"logs": [{"type": "TCG", "log": b64u(read(folder, "eventlog.bin"))}], "aik_pub": jwk_of(read(folder, "ak.tpm2b_public")),
                   "pcrs": [bank("sha256", yaml_values(read(folder, "ak.quote.yaml")))],
                   "quote": b64u(read(folder, "ak.quote.tpms_attest")), "signature": b64u(read(folder, "ak.quote.tpmt_signature"))}
        sample = (SHARED / "corpus/policies/doc-tpm-sample-v12-boot.txt").read_text(encoding="utf-8")
        result = self.judged(windows, "--policy", self.file("policy.txt", sample), "--anchor", str(TPM / folder / "ak.tpm2b_public"))
        self.assertEqual("tpm", result["type"])
        self.assertNotIn("events", result["claims"])
        self.assertIs(False, result["issued"]["SecureBootEnabled"])
        self.assertIs(True, result["issued"]["aikValidated"])
        self.assertIn("BitlockerStatus", result["issued"])
        # a policy asks for all registers unless it says which; and for a certificate unless it does not
        few = {**self.azure(), "quote": b64u(read("azure-trustedlaunch-ca2a", "quote.msg"))}
        self.assertEqual("tpm.quote.signature", self.judged_by("version=1.0;authorizationrules{=>permit();};issuancerules{};", few)["failed"]["id"])
        bare = "version=1.1;configurationrules{=>issueproperty(type=\"require_valid_aik_cert\",value=false);};authorizationrules{=>permit();};issuancerules{};"
        result = self.judged_by(bare, self.linux())
        self.assertEqual("accepted", result["verdict"])
        self.assertIs(False, result["claims"]["aikValidated"])
        self.assertEqual({"aik.chain"}, {c["id"] for c in result["checks"] if c["id"] == "aik.chain" and c["result"] == "skip"})
        deny = "version=1.0;authorizationrules{[type==\"secureBootEnabled\",value==true]=>permit();};issuancerules{};"
        self.assertEqual("policy.permit", self.judged_by(deny, self.linux(), "--anchor", str(TPM / "swtpm-linux-ludmilla/ak.pem"))["failed"]["id"])

    @needs_corpus
    def test_malformed_objects(self):
        att = self.linux()
        for change in ({"quote": 1}, {"quote": "*"}, {"pcrs": None}, {"pcrs": {}}, {"pcrs": [{}]}, {"pcrs": [{"algorithm": "sha256", "values": []}]},
                       {"pcrs": att["pcrs"] * 2}, {"pcrs": [{"algorithm": 11, "values": [{"index": 24, "digest": "AA"}]}]},
                       {"pcrs": [{"algorithm": 11, "values": [{"index": 1, "digest": "AA"}] * 2}]}, {"aik_pub": {}}, {"aik_pub": None}, {"logs": {}},
                       {"logs": [{"type": "tcg", "log": ""}]}, {"logs": [{"log": ""}]}, {"logs": [1]}, {"logs": att["logs"] * 9}):
            with self.subTest(str(change)[:60]):
                self.refused("tpm.attestation.shape", {**att, **change})
        for change, check in (({"quote": ""}, "tpm.quote.shape"), ({"quote": None}, "tpm.quote.shape"), ({"signature": ""}, "tpm.quote.signature_shape"),
                              ({"aik_cert": "AAAA"}, "aik.shape"), ({"logs": [{"type": "TCG", "log": "AAAA"}]}, "boot.log.shape")):
            self.refused(check, {**att, **change})
        for text in (b"", b"[]", b"{}", b"\xffTCG\x80\x18", read("keylime-quote", "quote.tpms_attest.bin")):
            self.refused("tpm.attestation.shape", text)

    @needs_corpus
    def test_inspect(self):
        def shown(path):
            return json.loads(self.assay("inspect", path, "--json").out)

        quote = shown(TPM / "keylime-quote/quote.tpms_attest.bin")
        self.assertEqual(("tpm-attest", "quote", "db1db298db6d60e6385b7231743e9c3056a18003", [{"bank": "sha256", "registers": [15, 16, 22]}]),
                         (quote["kind"], quote["type"], quote["extra_data"], quote["selection"]))
        area = shown(TPM / "keylime-quote/ak.tpm2b_public.bin")
        self.assertEqual("000b2d3fb7830f6cb214fac7d7cb213a21a0609148c4505927db61287e1e80322336", area["name"])
        self.assertIs(True, area["attestation_key"])
        self.assertEqual("P-256", shown(TPM / "swtpm-linux-ludmilla/akecc.tpm2b_public")["curve"])
        self.assertEqual("rsapss", shown(TPM / "swtpm-linux-ludmilla/akpss.quote.tpmt_signature")["algorithm"])
        self.assertEqual("certify", shown(TPM / "webauthn-surface_pro_4/certInfo.tpms_attest.bin")["type"])
        self.assertEqual("id:494E5443", shown(TPM / "webauthn-surface_pro_4/x5c-0.der")["tpm"]["manufacturer"])
        self.assertEqual("certificate", shown(EVIDENCE / "azure-vtpm/ak-certs/snp-cleanroom-encryption.aikcert-nv.bin")["kind"])
        whole = shown(self.file("att.json", json.dumps(self.linux()).encode()))
        self.assertEqual(("tpm-attestation", "quote", "rsassa", "eventlog"),
                         (whole["kind"], whole["quote"]["type"], whole["signature"]["algorithm"], whole["logs"][0]["kind"]))
        self.assertEqual(24, len(whole["pcrs"]["sha256"]))


if __name__ == "__main__":
    unittest.main()
