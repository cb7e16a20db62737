"""assay verify --type vbs and assay inspect over messages of the protocol of TPMs and what Windows puts into them, made by hand."""
import base64
import json
import shlex
import struct
import unittest

from cli_case import DONE, REFUSED, CliCase


def b64u(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).decode().rstrip("=")


def report(modules=b""):
    """A package of an enclave's report with fields that can be told apart; its signature is none."""
    statement = struct.pack("<II", 224 + len(modules), 1) + bytes(range(64)) + b"".join(bytes([n]) * size for n, size in
                            ((0x01, 32), (0x02, 32), (0x03, 32), (0x04, 16), (0x05, 16))) + struct.pack("<6I", 3, 2, 1, 5, 0, 0x10) + modules
    return struct.pack("<6I", 24 + len(statement) + 4, 1, 1, len(statement), 4, 0) + statement + b"sign"


def module(name):
    data = bytes(32) + bytes(32) + bytes(16) + bytes(16) + struct.pack("<I", 7) + name.encode("utf-16-le") + b"\0\0"
    return struct.pack("<II", 1, 8 + len(data)) + data


def claim(pcrs=bytes(range(32)) * 24):
    return b"ALPT" + struct.pack("<5I", 0, 0xB, 3, 5, len(pcrs)) + b"sig" + b"quote" + pcrs


CONTEXT = {"ProtectionKeyName": "A" * 64, "ProtectedContext": b64u(bytes(128))}


class Inspect(CliCase):
    def shown(self, name, data):
        return self.expect_json(DONE, "inspect", "--json", self.file(name, data if isinstance(data, bytes) else json.dumps(data)))

    def test_report_of_an_enclave(self):
        o = self.shown("r", report(module("ucrtbase_enclave.dll")))
        self.assertEqual(("vbs", 3, 2, 1, "0x10"), tuple(o[k] for k in ("kind", "enclave_svn", "secure_kernel_svn", "platform_svn", "enclave_type")))
        self.assertEqual(("01" * 32, "03" * 32, "05" * 16), (o["owner_id"], o["author_id"], o["image_id"]))
        self.assertEqual([("ucrtbase_enclave.dll", 7)], [(m["name"], m["svn"]) for m in o["modules"]])
        self.assertEqual(["full-debug", "dynamic-debug-active"], o["flags"])

    def test_platform_claim(self):
        o = self.shown("c", claim())
        self.assertEqual("ncrypt-platform-claim", o["kind"])
        self.assertEqual(bytes(range(32)).hex(), o["pcrs"]["23"])
        self.assertIn("5 bytes", o["quote"])

    def test_messages(self):
        payload = {"att_type": "vbs", "att_data": {"report_signed": {"challenge": "AAAA", "service_context": b64u(CONTEXT),
                   "tpm_att_data": {"srtm_boot_log": "AAAA", "current_claim": b64u(claim())}}, "vsm_report": b64u(report())}}
        jws = b64u({"alg": "PS256", "typ": "attReq"}) + "." + b64u(payload) + ".AAAA"
        message = {"payload": {"request": jws}}
        for thing in (message, {"data": b64u(message)}):
            o = self.shown("m", thing)
            self.assertEqual("attReq", o["request"]["header"]["typ"])
            data = o["request"]["payload"]["att_data"]
            self.assertEqual(3, data["vsm_report"]["enclave_svn"])
            self.assertEqual("ncrypt-platform-claim", data["report_signed"]["tpm_att_data"]["current_claim"]["kind"])
            self.assertEqual("3 bytes", data["report_signed"]["tpm_att_data"]["srtm_boot_log"])
            self.assertIn("128 bytes", data["report_signed"]["service_context"]["protected_context"])
        o = self.shown("challenge", {"data": b64u({"payload": {"challenge": "AAAA", "service_context": b64u(CONTEXT)}})})
        self.assertEqual("A" * 64, o["service_context"]["protection_key_name"])
        self.assertIn("128 bytes", self.shown("context", CONTEXT)["service_context"]["protected_context"])
        self.assertEqual("aikcert", self.shown("init", {"payload": {"type": "aikcert"}})["type"])


class Verify(CliCase):
    def refused(self, check, data):
        o = self.expect_json(REFUSED, "verify", "--json", "--type", "vbs", self.file("e", data if isinstance(data, bytes) else json.dumps(data)))
        self.assertEqual("rejected", o["verdict"])
        failed = [c for c in o["checks"] if c["result"] == "fail"]
        self.assertEqual([check], [c["id"] for c in failed])
        return o["failed"]["message"]

    def test_what_is_no_request(self):
        self.assertIn("report alone", self.refused("attreq.message", report()))
        self.refused("attreq.jws", b"no request")
        self.refused("attreq.jws", {"payload": {"request": "a.b.c"}})
        self.refused("attreq.payload", {"att_type": "vbs", "att_data": {}})
        self.refused("attreq.payload", {"att_type": "basic", "att_data": {"challenge": "AAAA"}})


class Simulated(CliCase):
    def judged(self, folder, *args, status=DONE, loader=None):
        made = self.dir / folder
        words = shlex.split((made / "README.txt").read_text().splitlines()[-1])
        loader = loader or words[words.index("--reference") + 1]  # by whose certificate the simulated Windows was started
        return self.expect_json(status, "verify", "--json", "--collateral", made / "collateral", "--anchor", made / "anchor.pem", "--at", "2026-01-01T00:00:00Z",
                                "--reference", loader, *args, made / "message.json")

    def test_requests_of_both_versions(self):
        for version in ("1", "2"):
            for kind in (("tpm", "--request"), ("vbs",)):
                self.expect(DONE, "simulate", *kind, "--software", "--request-version", version, "-o", kind[0] + version)
                o = self.judged(kind[0] + version)
                self.assertEqual(("accepted", "vbs"), (o["verdict"], o["type"]))
                self.assertEqual(kind[0] == "vbs", o["claims"]["vbsReportPresent"])
                self.assertEqual(kind[0] == "vbs", "enclaveSvn" in o["claims"])
                skipped = [c["id"] for c in o["checks"] if c["result"] == "skip"]
                self.assertLessEqual({"attreq.context", "attreq.context.fresh", "attreq.challenge"}, set(skipped))

    def test_the_jws_alone_and_its_payload(self):
        self.expect(DONE, "simulate", "vbs", "--software", "-o", "made")
        jws = json.loads((self.dir / "made/message.json").read_text())["payload"]["request"]
        payload = base64.urlsafe_b64decode(jws.split(".")[1] + "==")
        for content in (jws.encode(), payload, (self.dir / "made/request.json").read_bytes()):
            (self.dir / "made/message.json").write_bytes(content)
            self.assertEqual("accepted", self.judged("made", "--type", "vbs")["verdict"])
        self.assertEqual("vbs.identity_key", self.judged("made", "--type", "vbs", loader="windows_loader=none", status=REFUSED)["failed"]["id"])
        (self.dir / "made/message.json").write_bytes(payload.replace(b'"rp_id"', b' "rp_id"'))
        self.assertEqual("vbs.enclave_data", self.judged("made", "--type", "vbs", status=REFUSED)["failed"]["id"])


if __name__ == "__main__":
    unittest.main()
