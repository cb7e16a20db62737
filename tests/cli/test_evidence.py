"""verify, inspect and simulate from outside: verdicts, the JSON object, every option, hostile evidence."""
import csv
import json
import os
import shlex
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cli_case import ASSAY, DONE, MISUSE, REFUSED, SHARED, CliCase, needs_corpus, needs_openssl, openssl

EVIDENCE = SHARED / "evidence"
LONG = bool(os.environ.get("ASSAY_LONG"))
PERMIT = "version=1.0;authorizationrules{=>permit();};issuancerules{=>issue(type=\"greeting\",value=\"hello\");};"


class EvidenceCase(CliCase):
    def simulate(self, *args, name="made"):
        """Make evidence; the arguments of `assay verify` that its README names."""
        folder = self.dir / name
        self.expect(DONE, "simulate", *args, "-o", folder)
        command = shlex.split((folder / "README.txt").read_text().splitlines()[-1])
        self.assertEqual(["assay", "verify"], command[:2])
        return command[2:]

    def verify(self, status, *args, **kw):
        return self.expect_json(status, "verify", *args, "--json", **kw)

    def refused(self, check, *args, **kw):
        result = self.verify(REFUSED, *args, **kw)
        self.assertEqual("rejected", result["verdict"])
        self.assertEqual(check, result["failed"]["id"], json.dumps(result["failed"], indent=1))
        self.assertEqual({}, result["claims"])
        return result


class Simulate(EvidenceCase):
    def test_every_fault_is_refused_by_its_check(self):
        listing = self.expect(DONE, "simulate", "--list-faults").out.splitlines()
        self.assertGreater(len(listing), 40)
        # tests/unit/test_simulate.c judges each; here a part goes the whole way through files and options.
        for fault in [line.split()[0] for line in listing][::1 if LONG else 9]:
            of_tdx = fault.startswith("tdx.") or fault.endswith((":sgx", ":module", ":relaunch"))
            of_amd = fault.startswith(("snp.", "amd.", "uvm."))
            of_tpm = fault.startswith(("tpm.", "aik.", "boot."))
            if fault.startswith(("attreq.context", "attreq.challenge")):
                continue  # only the service that gave the challenge can tell
            if fault.startswith("tpm.required_pcrs"):
                continue  # only a policy asks for registers
            of_request = fault.startswith("attreq.") or fault == "tpm.quote.nonce:key"
            of_guest = fault.startswith(("guest.", "hcl.", "tpm.certify."))
            kind = ("oe" if fault.startswith("oe.") else "tdx" if of_tdx else "snp" if of_amd else "azure-guest" if of_guest else
                    "vbs" if fault.startswith("vbs.") else "tpm" if of_tpm or of_request else "sgx")
            with self.subTest(fault):
                self.refused(fault.split(":")[0], *self.simulate(kind, "--fault", fault))

    def test_every_status(self):
        for status, accepted in (("UpToDate", True), ("SWHardeningNeeded", True), ("OutOfDate", False), ("Revoked", False),
                                 ("ConfigurationNeeded", False), ("ConfigurationAndSWHardeningNeeded", False),
                                 ("OutOfDateConfigurationNeeded", False), ("TCB_NOT_SUPPORTED", False)):
            with self.subTest(status):
                args = self.simulate("sgx", "--status", status)
                result = self.verify(DONE if accepted else REFUSED, *args)
                self.assertEqual(status, result["tcb_status"])
                if not accepted:
                    self.assertEqual("intel.tcb.status", result["failed"]["id"])
                    if status in ("Revoked", "TCB_NOT_SUPPORTED"):
                        self.expect(MISUSE, "verify", *args, "--accept", status)
                    else:
                        self.verify(DONE, *args, "--accept", status)
        self.assertEqual("OutOfDate", self.verify(REFUSED, *self.simulate("sgx", "--qe-status", "OutOfDate"))["tcb_status"])

    def test_every_option(self):
        for args in (("oe",), ("oe", "--evidence"), ("sgx", "--quote-version", "4"), ("sgx", "--quote-version", "5"),
                     ("sgx", "--tcb-info-version", "2"), ("sgx", "--evaluation", "9"), ("sgx", "--kss"),
                     ("sgx", "--at", "2031-05-05T05:05:05Z"), ("sgx", "--variation", "pem-crlf"),
                     ("tdx",), ("tdx", "--quote-version", "5"), ("tdx", "--quote-version", "5", "--td-report", "1.0"),
                     ("tdx", "--quote-version", "5", "--td-report", "1.5ex"), ("tdx", "--module-unnumbered"),
                     ("snp",), ("snp", "--product", "Turin"), ("snp", "--product", "Siena", "--vlek"), ("snp", "--report-version", "2"),
                     ("snp", "--uvm", "cwt", "--product", "Genoa"), ("snp", "--uvm", "legacy"), ("snp", "--variation", "chain-reversed"),
                     ("tdx", "--variation", "quote-with-tail"), ("oe", "--variation", "crl-hex"), ("sgx", "--runtime-data", self.file("key.json", '{"a":1}'))):
            with self.subTest(args):
                self.verify(DONE, *self.simulate(*args))
        self.assertIs(True, self.verify(DONE, *self.simulate("sgx", "--debug"))["claims"]["x-ms-sgx-is-debuggable"])
        self.assertEqual("enabled", self.verify(DONE, *self.simulate("tdx", "--debug"))["claims"]["dbgstat"])
        claims = self.verify(DONE, *self.simulate("snp", "--debug", "--migration"))["claims"]
        self.assertEqual((True, True), (claims["x-ms-sevsnpvm-is-debuggable"], claims["x-ms-sevsnpvm-migration-allowed"]))
        for args in (("--os", "linux"), ("--software", "--ak", "ecdsa"), ("--ak", "rsapss", "--nonce", "00ff")):
            self.assertIs(True, self.verify(DONE, *self.simulate("tpm", *args))["claims"]["aikValidated"])
        for args in (("tpm", "--request"), ("tpm", "--request-version", "1", "--os", "linux"), ("vbs",), ("vbs", "--request-version", "1")):
            self.assertIs(True, self.verify(DONE, *self.simulate(*args))["claims"]["aikValidated"])
        for args in (("--os", "linux"), ("--isolation", "snp"), ("--isolation", "tdx", "--variation", "certificate-padded")):
            self.assertIs(True, self.verify(DONE, *self.simulate("azure-guest", *args))["claims"]["secureboot"])
        container = self.verify(DONE, *self.simulate("snp", "--uvm", "cwt"))["claims"]
        self.assertEqual("azure-compliant-uvm", container["x-ms-compliance-status"])
        relaunch = self.simulate("tdx", "--quote-version", "5", "--module-status", "OutOfDate", "--module-updated")
        self.assertEqual("TDRelaunchAdvised", self.verify(REFUSED, *relaunch)["tcb_status"])
        self.verify(DONE, *relaunch, "--accept", "TDRelaunchAdvised")
        self.refused("sgx.quote.certification", *self.simulate("sgx", "--certification", "3"))
        twice = [Path(self.simulate("sgx", "--seed", "7", name=name)[0]).read_bytes() for name in ("a", "b")]
        self.assertEqual(twice[0], twice[1])

    def test_misuse(self):
        for args in (("sgx",), ("ima", "-o", "x"), ("snp", "--product", "Rome", "-o", "x"), ("snp", "--kss", "-o", "x"),
                     ("snp", "--product", "Turin", "--report-version", "2", "-o", "x"), ("snp", "--uvm", "cbor", "-o", "x"),
                     ("sgx", "--vlek", "-o", "x"), ("tpm", "--ak", "dsa", "-o", "x"), ("tpm", "--os", "plan9", "-o", "x"), ("tpm", "--product", "Milan", "-o", "x"), ("snp", "--evidence", "-o", "x"), ("snp", "--report-version", "6", "-o", "x"), ("-o", "x"), ("tdx", "--quote-version", "3", "-o", "x"), ("tdx", "--td-report", "2", "-o", "x"), ("sgx", "--fault", "no.such", "-o", "x"),
                     ("sgx", "--status", "Fine", "-o", "x"), ("sgx", "--quote-version", "9", "-o", "x"),
                     ("sgx", "--evidence", "-o", "x"), ("sgx", "--evaluation", "0", "-o", "x"),
                     ("sgx", "-o", "no/such/folder"), ("sgx", "--variation", "none", "-o", "x"), ("sgx", "--at", "noon", "-o", "x")):
            self.expect(MISUSE, "simulate", *args)


class Verify(EvidenceCase):
    def test_json_object(self):
        args = self.simulate("sgx")
        result = self.verify(DONE, *args)
        self.assertEqual(["verdict", "type", "tcb_status", "advisories", "claims", "issued", "checks", "failed"], list(result))
        self.assertEqual(("accepted", "sgx", "UpToDate", [], None, None),
                         tuple(result[k] for k in ("verdict", "type", "tcb_status", "advisories", "issued", "failed")))
        self.assertEqual("sgx", result["claims"]["x-ms-attestation-type"])
        self.assertIs(True, result["claims"]["x-assay-development"])
        self.assertFalse([name for name in result["claims"] if name.startswith("$")])
        for check in result["checks"]:
            self.assertEqual(["id", "result", "expected", "found"], list(check))
            self.assertIn(check["result"], ("pass", "skip"))
        self.assertGreater(len(result["checks"]), 50)
        explained = self.verify(DONE, *args, "--explain")
        self.assertTrue(all(check["proves"].endswith(".") for check in explained["checks"]))
        skipped = [check for check in explained["checks"] if check["result"] == "skip"]
        self.assertTrue(skipped and all(check["setting"] for check in skipped))

    def test_refusal_in_text(self):
        run = self.expect(REFUSED, "verify", *self.simulate("sgx", "--fault", "sgx.runtime_data"))
        self.assertTrue(run.out.startswith("rejected\n"), run.out)
        self.assertIn("UpToDate", run.out)
        self.assertRegex(run.err, r"^✗ sgx.runtime_data: .+\n    found     [0-9a-f]{64}\n    expected  [0-9a-f]{64}\n")
        self.assertIn("to do", run.err)

    def test_text(self):
        args = self.simulate("sgx")
        run = self.expect(DONE, "verify", *args)
        self.assertTrue(run.out.startswith("accepted\n"), run.out)
        self.assertIn("x-ms-sgx-mrenclave", run.out)
        self.assertIn("development only", run.out)
        self.assertEqual("", run.err)
        explained = self.expect(DONE, "verify", *args, "--explain").out
        self.assertRegex(explained, r"(?m)^✓ sgx.quote.signature: The quote is signed by the attestation key\.$")
        self.assertRegex(explained, r"(?m)^– sgx.init_data: ")
        policy = self.file("p.txt", 'version=1.0;authorizationrules{[type=="x-ms-sgx-svn",value>=60000]=>deny();=>permit();};')
        explained = self.expect(DONE, "verify", *args, "--policy", policy, "--explain").out
        self.assertIn("nearest: x-ms-sgx-svn", explained)
        self.assertIn("=>permit();  fired", explained)
        trace = self.verify(DONE, *args, "--policy", policy, "--explain")["trace"]
        self.assertEqual([rule["fired"] for rule in trace], [False, True])

    def test_anchor(self):
        args = self.simulate("sgx")
        at = args.index("--anchor")
        without = args[:at] + args[at + 2:]
        self.refused("intel.pck.anchor", *without)
        self.expect(MISUSE, "verify", *without, "--anchor", "nowhere")
        self.expect(MISUSE, "verify", *without, "--anchor", self.file("junk", "junk"))
        other = self.simulate("sgx", name="other")
        self.refused("intel.pck.anchor", *without, "--anchor", other[other.index("--anchor") + 1])

    @needs_openssl
    def test_anchor_as_public_key(self):
        args = self.simulate("sgx")
        at = args.index("--anchor") + 1
        pem = openssl("x509", "-in", args[at], "-noout", "-pubkey")
        args[at] = str(self.file("key.pem", pem))
        self.verify(DONE, *args)
        args[at] = str(self.file("key.der", openssl("pkey", "-pubin", "-outform", "DER", stdin=pem)))
        self.verify(DONE, *args)

    def test_endorsements_one_by_one(self):
        args = self.simulate("sgx")
        at = args.index("--collateral")
        folder, rest = Path(args[at + 1]), args[:at] + args[at + 2:]
        files = {"--tcb-info": "tcbinfo.json", "--qe-identity": "qeidentity.json", "--pck-crl": "pck.crl",
                 "--root-crl": "root.crl", "--certs": "tcb-signing-chain.pem"}
        every = {option: folder / name for option, name in files.items()}
        self.verify(DONE, *rest, *(word for pair in every.items() for word in pair))
        absent = {"--tcb-info": "intel.tcb_info.present", "--qe-identity": "intel.qe_identity.present",
                  "--pck-crl": "intel.pck_crl.present", "--root-crl": "intel.root_crl.present",
                  "--certs": "intel.signer.present"}
        for left_out, check in absent.items():
            with self.subTest(left_out):
                self.refused(check, *rest, *(word for pair in every.items() if pair[0] != left_out for word in pair))
        self.expect(MISUSE, "verify", *rest, "--tcb-info", "nowhere")
        # What is no endorsement is named, and the verdict stands without it.
        run = self.expect(DONE, "verify", *args, "--certs", self.file("notes.txt", "to do"))
        self.assertIn("notes.txt", run.err)
        run = self.expect(REFUSED, "verify", *rest, "--tcb-info", self.file("broken.json", '{"tcbInfo":{'))
        self.assertIn("broken.json", run.err)

    def test_time_and_freshness(self):
        args = self.simulate("sgx")
        at = args.index("--at") + 1
        self.verify(DONE, *args, "--at", "1767225600")
        self.refused("intel.pck.validity", *args, "--at", "2040-01-01T00:00:00Z")
        self.refused("intel.pck.validity", *args, "--at", "2001-01-01T00:00:00Z")
        for text in ("", "noon", "2026-02-30T00:00:00Z", "2026-01-01", "-1", "99999999999999999999", "1e9"):
            self.expect(MISUSE, "verify", *args[:at], text, *args[at + 1:])
        for fault in ("intel.tcb_info.fresh", "intel.qe_identity.fresh"):
            stale = self.simulate("sgx", "--fault", fault)
            self.refused(fault, *stale)
            self.verify(DONE, *stale, "--freshness", "pinned")
        stale = self.simulate("sgx", "--fault", "intel.pck_crl.fresh")
        self.refused("intel.pck_crl.fresh", *stale, "--crl-freshness", "on")
        self.verify(DONE, *stale, "--crl-freshness", "off")
        tail = self.simulate("sgx", "--fault", "sgx.report_data_tail")
        self.verify(DONE, *tail, "--report-data-tail", "ignore")
        for option in ("--freshness", "--crl-freshness", "--report-data-tail"):
            self.expect(MISUSE, "verify", *args, option, "sometimes")

    def test_baseline(self):
        args = self.simulate("sgx", "--evaluation", "12")
        self.verify(DONE, *args, "--baseline", "12")
        self.refused("intel.tcb_info.present", *args, "--baseline", "13")
        for value in ("0", "x", "-1", "99999999999"):
            self.expect(MISUSE, "verify", *args, "--baseline", value)
        policy = "version=1.1;configurationrules{=>issueproperty(type=\"x-ms-sgx-tcbidentifier\",value=\"%s\");};" \
                 "authorizationrules{=>permit();};"
        result = self.verify(DONE, *args, "--policy", self.file("p", policy % "12"))
        self.assertEqual("12", result["claims"]["x-ms-sgx-tcbidentifier"])
        self.refused("intel.tcb_info.present", *args, "--policy", self.file("p", policy % "13"))

    def test_data(self):
        args = self.simulate("sgx", "--kss")
        self.assertIn("--init-data", args)
        runtime = args[args.index("--runtime-data") + 1]
        result = self.verify(DONE, *args, "--runtime-type", "json")
        self.assertEqual(json.loads(Path(runtime).read_bytes().rstrip(b"\0")), result["claims"]["x-ms-runtime"])
        self.assertNotIn("x-ms-sgx-ehd", result["claims"])
        self.assertIn("x-ms-sgx-ehd", self.verify(DONE, *args)["claims"])
        self.refused("sgx.runtime_data", *args, "--runtime-data", self.file("empty", ""))
        self.refused("sgx.init_data", *args, "--init-data", self.file("other", "x"))
        self.refused("request.runtime_data", *args, "--runtime-data", self.file("n", "[1"), "--runtime-type", "json")
        self.refused("request.runtime_data", *args, "--runtime-data", self.file("big", b"x" * (1 << 20)))
        self.expect(MISUSE, "verify", *args, "--runtime-data", "nowhere")
        self.expect(MISUSE, "verify", *args, "--runtime-type", "xml")
        self.assertIn("--runtime-data", self.expect(MISUSE, "verify", *args, "--nonce", "00").err)

    def test_policy(self):
        args = self.simulate("sgx")
        result = self.verify(DONE, *args, "--policy", self.file("p", PERMIT))
        self.assertEqual({"greeting": "hello"}, result["issued"])
        self.assertIn("hello", self.expect(DONE, "verify", *args, "--policy", self.file("p", PERMIT)).out)
        self.refused("policy.permit", *args, "--policy", self.file("p", "version=1.0;authorizationrules{=>deny();};"))
        for text in ("", "version=1.0;"):
            self.refused("policy.parse", *args, "--policy", self.file("p", text))
        self.expect(MISUSE, "verify", *args, "--policy", "nowhere")

    def test_oe_forms(self):
        report = self.simulate("oe")
        self.assertEqual("oe", self.verify(DONE, *report)["type"])
        evidence = self.simulate("oe", "--evidence", name="evidence")
        self.verify(DONE, *evidence)
        bare = self.file("bare", Path(evidence[0]).read_bytes()[32:])
        self.verify(DONE, bare, *evidence[1:], "--type", "oe")
        # From the bytes alone that is a quote with a tail, whose custom claims nobody looks at.
        self.assertEqual("sgx", self.verify(DONE, bare, *evidence[1:])["type"])
        claims = bare.read_bytes()
        changed = self.file("changed", claims[:-1] + bytes([claims[-1] ^ 1]))
        self.refused("oe.custom_claims", changed, *evidence[1:], "--type", "oe")
        self.refused("oe.report.shape", self.file("cut", Path(report[0]).read_bytes()[:-1]), *report[1:])
        self.expect(MISUSE, "verify", *report, "--type", "zebra")

    def test_standard_input(self):
        args = self.simulate("sgx")
        self.verify(DONE, "-", *args[1:], stdin=Path(args[0]).read_bytes())

    def test_hostile_evidence(self):
        args = self.simulate("sgx")
        quote = Path(args[0]).read_bytes()
        for data in (b"", b"\0", b"x" * 7, bytes(5000), b"\xff" * 5000, b"{" * 5000, b"A" * (17 << 20), quote[:47], quote[:435],
                     quote[:1019], quote[:-1], b"\0" + quote):
            with self.subTest(len(data)):
                result = self.verify(REFUSED, self.file("e", data), *args[1:])
                self.assertIsNone(result["tcb_status"])
                self.assertRegex(result["failed"]["id"], r"^(evidence\.kind|sgx\.quote\.\w+)$")
        for size in range(1, len(quote), 97 if LONG else 997):
            self.verify(REFUSED, self.file("e", quote[:size]), *args[1:])
        for place in range(0, len(quote), 53 if LONG else 499):
            flipped = bytearray(quote)
            flipped[place] ^= 1 << (place % 8)
            self.verify(REFUSED, self.file("e", bytes(flipped)), *args[1:])

    @needs_corpus
    def test_other_kinds_are_refused_by_name(self):
        for kind, pattern in (("azure-vtpm", "azure-vtpm/evidence-json/*.json"),):
            for path in sorted(EVIDENCE.glob(pattern))[:2]:
                with self.subTest(path.name):
                    result = self.refused("evidence.kind", path)
                    self.assertEqual(kind, result["type"])
                    self.assertIn(kind, result["failed"]["message"])

    @needs_corpus
    def test_sev_snp(self):
        """A raw report needs the certificate of its chip alone; reports of others and of no known version are refused by name."""
        snp, at = EVIDENCE / "snp", ("--at", "2026-03-01T00:00:00Z")
        for name, chip in (("turin-v5-aci-tav", "59790fb1c39f35c1" + "0" * 112), ("milan-v2-trustee", None)):
            args = (snp / f"reports/{name}.report.bin", "--certs", snp / f"certs/vcek-{name}.der", *at)
            result = self.verify(DONE, *args)
            self.assertEqual("snp", result["type"])
            if chip:
                self.assertEqual(chip, result["claims"]["x-ms-sevsnpvm-chipid"])
            self.refused("amd.crl.present", *args, "--amd-crl-freshness", "on")
            self.refused("amd.leaf.present", args[0], *at)
            self.refused("amd.chain.validity", *args[:3], "--at", "2020-03-01T00:00:00Z")
        self.refused("snp.product", snp / "reports/turin-v5-aci-tav.report.bin", "--certs", snp / "certs/vcek-milan-v2-trustee.der", *at)
        self.refused("snp.report.version", snp / "reports/milan-v1-preview-hcl.report.bin", *at)

    @needs_corpus
    def test_azure_guests(self):
        """A whole request: the AIK's authorities are not public, so its own certificate is named."""
        for name, at in (("linux", "2021-05-01T00:00:00Z"), ("windows", "2023-06-01T00:00:00Z")):
            folder = EVIDENCE / "azure-vtpm/guest-requests"
            args = (folder / f"{name}.request.json", "--at", at)
            claims = self.verify(DONE, *args, "--anchor", folder / f"{name}.aikcert.der", "--type", "azure-guest")["claims"]
            self.assertEqual((True, name == "windows"), (claims["secureboot"], claims["x-ms-azurevm-is-windows"]))
            self.assertTrue(claims["x-ms-azurevm-dbvalidated"])
            claims = self.verify(DONE, *args, "--anchor", folder / f"{name}.aikcert.der", "--reference", "secure_boot_db=none")["claims"]
            self.assertFalse(claims["x-ms-azurevm-dbvalidated"])
            self.refused("aik.chain", *args)
            self.assertIn("--nonce", self.expect(MISUSE, "verify", *args, "--nonce", "00").err)

    @needs_corpus
    def test_paravisors(self):
        azure, at = EVIDENCE / "azure-vtpm", ("--at", "2026-01-01T00:00:00Z")
        blob = azure / "hcl/snp-cleanroom-encryption.hcl.bin"
        result = self.verify(DONE, blob, "--certs", azure / "cvm-platform-certs/snp-cleanroom-encryption.pem", *at)
        self.assertEqual(("hcl", "azure-compliant-cvm"), (result["type"], result["claims"]["x-ms-compliance-status"]))
        self.refused("amd.leaf.present", blob, *at)
        tdx = azure / "hcl/tdx-trustee.hcl.bin"
        self.assertIn("runtime data", self.refused("hcl.type", tdx)["failed"]["message"])
        # The TD quote beside it: whatever becomes of its collateral, the binding is by the claims in the blob.
        quote = azure / "td-quotes/tdx-trustee.tdquote.bin"
        self.refused("intel.root_crl.present", quote, "--runtime-data", tdx, *at)

    @needs_corpus
    def test_logs_are_replayed(self):
        for kind, pattern in (("eventlog", "eventlog/tpm2tools*"), ("eventlog", "eventlog/guard-windows*"), ("ima", "ima/guard*")):
            for path in sorted(EVIDENCE.glob(pattern))[:3]:
                with self.subTest(path.name):
                    result = self.verify(DONE, path)
                    self.assertEqual(kind, result["type"])
                    self.assertTrue(result["claims"]["pcrs"])
                    shown = json.loads(self.expect(DONE, "inspect", "--json", path).out)
                    self.assertEqual(kind, shown["kind"])
                    count, entries = (("events", shown["events"]) if kind == "eventlog" else ("entries", shown["entries"]))
                    self.assertEqual(result["claims"][count], len(entries))
        quoted = json.loads((EVIDENCE / "tpm/guard-latitude-7520/pcrs.json").read_text())["sha256"]
        claims = self.verify(DONE, EVIDENCE / "tpm/guard-latitude-7520/eventlog-0.bin")["claims"]
        for register, value in claims["pcrs"]["sha256"].items():
            self.assertEqual(quoted[register], value, register)
        self.assertFalse(claims["secureboot"])
        events = json.loads(self.expect(DONE, "inspect", "--json", EVIDENCE / "tpm/guard-latitude-7520/eventlog-0.bin").out)["events"]
        self.assertEqual({"guid": "8be4df61-93ca-11d2-aa0d-00e098032b8c", "name": "SecureBoot", "size": 1, "value": "00"},
                         next(e["variable"] for e in events if "variable" in e and e["register"] == 7))
        windows = [e["windows"]["EVENT_TRUSTBOUNDARY"] for e in events if "EVENT_TRUSTBOUNDARY" in e.get("windows", {})]
        self.assertEqual([False, False], [w["EVENT_SAFEMODE"] for w in windows if "EVENT_SAFEMODE" in w])
        self.assertEqual(["010001"], [w["EVENT_VSM_IDKS_INFO"]["Exponent"] for w in windows if "EVENT_VSM_IDKS_INFO" in w])
        self.assertTrue(any(p["PolicyName"] == "DriverSiPolicy.p7b" for w in windows for p in w.get("EVENT_SI_POLICY", [])), windows)
        events = json.loads(self.expect(DONE, "inspect", "--json", EVIDENCE / "tpm/guard-IMN-SUPERMICRO-WBCL-Quote-AIKs/eventlog-0.bin").out)["events"]
        self.assertEqual([["bla"]], [[p["aik"] for p in e["trust_points"]] for e in events if "trust_points" in e])
        self.refused("ima.template_hash", EVIDENCE / "ima/keylime-bad_signatures.txt")
        log = bytearray((EVIDENCE / "eventlog/guard-h12ssl.bios_measurements.bin").read_bytes())
        self.refused("eventlog.shape", self.file("cut", bytes(log[:-3])))

    @needs_corpus
    def test_verdicts(self):
        sets = {row["set"]: row for row in rows("collateral/SETS.tsv")}
        chains = sorted((EVIDENCE / "collateral/chains").glob("*.pem"))
        count = 0
        for row in list(rows("VERDICTS-intel.tsv"))[::1 if LONG else 7]:
            with self.subTest(f"{row['file']} {row['collateral_set']}"):
                files = sets[row["collateral_set"]]
                args = [EVIDENCE / row["file"], "--at", row["verification_time"]]
                for option, column in (("--tcb-info", "tcbinfo"), ("--qe-identity", "qeidentity"), ("--pck-crl", "pck_crl"),
                                       ("--root-crl", "root_crl")):
                    if files[column] not in ("", "-"):
                        args += [option, EVIDENCE / files[column]]
                for chain in chains:
                    args += ["--certs", chain]
                result = json.loads(self.assay("verify", *args, "--json").out)
                if row["completeness"] != "complete":
                    self.assertEqual((None, "rejected"), (result["tcb_status"], result["verdict"]))
                    self.assertIn("crl.present", result["failed"]["id"])
                    continue
                count += 1
                self.assertEqual(row["tcb_status"], result["tcb_status"], result["failed"])
                self.assertEqual([a for a in row["advisory_ids"].split(",") if a], result["advisories"])
                accepted = row["tcb_status"] in ("UpToDate", "SWHardeningNeeded")
                self.assertEqual("accepted" if accepted else "rejected", result["verdict"])
        self.assertGreater(count, 35)

    @needs_corpus
    def test_oe_samples(self):
        oe = EVIDENCE / "oe"
        for name, time, status in (("oe-evidence-dcap", None, DONE), ("oe-evidence-dcap_v3", None, DONE)):
            endorsements = oe / f"{name.replace('evidence', 'endorsements')}.bin"
            when = json.loads(self.expect(DONE, "inspect", "--json", endorsements).out)["creation_time"]
            result = self.verify(status, oe / f"{name}.bin", "--type", "oe", "--collateral", endorsements, "--at", time or when)
            self.assertEqual("oe", result["type"])


class Reference(EvidenceCase):
    """What is expected of evidence, as options and from a file."""

    def test_settings_and_files(self):
        args = self.simulate("sgx", "--seed", "5")
        ppid = next(c["found"] for c in self.verify(DONE, *args)["checks"] if c["id"] == "intel.pck.not_denied")
        self.refused("intel.pck.not_denied", *args, "--reference", f"denied_platform={ppid}")
        self.verify(DONE, *args, "--reference", f"denied_platform={'0' * 32}", "--reference", "azure_mrtd=none")
        conf = self.file("reference.conf", f"[server]\nport = 1\n[reference]\n; stolen\n  denied_platform = {ppid}\n")
        self.refused("intel.pck.not_denied", *args, "--reference", conf)

    def test_what_is_wrong_is_named(self):
        args = self.simulate("sgx", "--seed", "5")
        conf = self.file("wrong.conf", "[reference]\nazure_mrtd = none\ndenied_platform = 00\n")
        for value, expected in ((conf, f"{conf}:3: denied_platform = 00: allowed is a PPID"), ("/no/such", "cannot read /no/such"),
                                ("denied_platform=00", "allowed is a PPID of 32 hex digits"), ("denied=00", "or minimum_tcb in [reference]"),
                                (self.file("text", "nonsense\n"), "text:1: neither [section] nor")):
            with self.subTest(value):
                self.assertIn(expected, self.expect(MISUSE, "verify", *args, "--reference", value).err)


class Inspect(EvidenceCase):
    def inspect(self, path):
        tree = self.expect_json(DONE, "inspect", "--json", path)
        self.expect(DONE, "inspect", path)
        return tree

    def test_simulated(self):
        args = self.simulate("oe", "--evidence", "--kss")
        folder = Path(args[0]).parent
        tree = self.inspect(args[0])
        self.assertEqual("oe-evidence", tree["kind"])
        self.assertEqual({"pk": b"hello".hex()}, tree["custom_claims"])
        self.assertIn("KSS", tree["quote"]["report"]["flags"])
        leaf = tree["quote"]["signature_data"]["certification_data"]["certificates"][0]
        self.assertEqual(16, len(leaf["pck"]["tcb"]["components"]))
        self.assertIn("Assay simulation", leaf["subject"])
        kinds = {"tcbinfo.json": "tcb-info", "qeidentity.json": "enclave-identity", "root.crl": "crl", "pck.crl": "crl",
                 "tcb-signing-chain.pem": "certificates"}
        for name, kind in kinds.items():
            self.assertEqual(kind, self.inspect(folder / "collateral" / name)["kind"], name)
        self.assertEqual("certificate", self.inspect(folder / "anchor.pem")["kind"])
        for form in ("1.0", "1.5", "1.5ex"):
            quote = self.simulate("tdx", "--quote-version", "5", "--td-report", form, name=f"t{form}")[0]
            self.assertEqual("d0" * 48, self.inspect(quote)["report"]["mrtd"], form)
        for version in ("3", "4", "5"):
            quote = self.simulate("sgx", "--quote-version", version, name=f"v{version}")[0]
            self.assertEqual(int(version), self.inspect(quote)["header"]["version"])

    def test_sev_snp(self):
        for product, tcb in (("Genoa", {"bootloader", "tee", "snp", "microcode"}), ("Turin", {"fmc", "bootloader", "tee", "snp", "microcode"})):
            tree = self.inspect(self.simulate("snp", "--product", product, name=product)[0])
            self.assertEqual(("snp-evidence", "snp-report"), (tree["kind"], tree["report"]["kind"]))
            self.assertEqual(product, tree["report"]["product"])
            self.assertIn("reserved, always set", tree["report"]["policy"]["flags"])
            leaf = tree["certificates"][0]["amd"]
            self.assertEqual(tcb, set(leaf["tcb"]))
            self.assertEqual(tree["report"]["reported_tcb"]["name"], leaf["tcb_name"])
            self.assertEqual(leaf["tcb"], tree["report"]["reported_tcb"]["components"])
            self.assertTrue(tree["report"]["chip_id"].startswith(leaf["hw_id"]))
        vlek = self.inspect(self.simulate("snp", "--vlek", name="vlek")[0])
        self.assertEqual("VLEK", vlek["report"]["signing_key"])
        self.assertIn("csp_id", vlek["certificates"][0]["amd"])

    @needs_corpus
    def test_azure_guests(self):
        azure = EVIDENCE / "azure-vtpm"
        windows = self.inspect(azure / "guest-requests/windows.request.json")
        self.assertEqual(("azure-guest-request", "2.0", "Windows", "10.0", "TrustedLaunch"), tuple(
            windows[m] for m in ("kind", "protocol", "os_type", "os_version", "isolation")))
        self.assertEqual([*range(8), 11, 12, 13, 14], windows["tpm"]["pcr_set"])
        self.assertEqual("8da65c7d04a4d48cdfd1c7011f7fd1b7d42333dac4216df5272e7bf693ec850c", windows["tpm"]["quote"]["pcr_digest"])
        self.assertIn("TrustedVM.Azure.Microsoft", windows["tpm"]["aik_certificate"][0]["subject"])
        self.assertEqual("eventlog", windows["log"]["kind"])
        for path in sorted((azure / "hcl").iterdir()):
            with self.subTest(path.name):
                tree = self.inspect(path)
                self.assertEqual(("hcl-report", path.name[:3], True), (tree["kind"], tree["report_type"], tree["bound"]))
                self.assertIn("keys", tree["runtime_claims"])
        for path in sorted((azure / "evidence-json").iterdir()):
            with self.subTest(path.name):
                tree = self.inspect(path)
                self.assertEqual(("azure-vtpm-evidence", "hcl-report"), (tree["kind"], tree["hcl_report"]["kind"]))
                self.assertTrue("vcek" in tree or "report" in tree["td_quote"])

    def test_judges_nothing(self):
        for fault in ("sgx.quote.signature", "intel.pck.anchor", "intel.pck.not_revoked"):
            self.inspect(self.simulate("sgx", "--fault", fault)[0])
        for kind in ("1", "2", "3", "4", "7"):
            made = self.simulate("sgx", "--certification", kind, name=f"c{kind}")[0]
            self.assertEqual(int(kind), self.inspect(made)["signature_data"]["certification_data"]["type"])

    def test_hostile(self):
        args = self.simulate("oe", "--evidence")
        folder = Path(args[0]).parent
        for path in [Path(args[0]), folder / "anchor.pem", *sorted((folder / "collateral").iterdir())]:
            data = path.read_bytes()
            for size in range(0, len(data), max(1, len(data) // (60 if LONG else 5))):
                self.assay("inspect", self.file("e", data[:size]))
            for place in range(0, len(data), max(1, len(data) // (60 if LONG else 5))):
                changed = bytearray(data)
                changed[place] ^= 0x55
                self.assay("inspect", "--json", self.file("e", bytes(changed)))
        for data in (b"", b"\0" * 4096, b"\x30\x84\xff\xff\xff\xff", b"-----BEGIN CERTIFICATE-----\n", b"{" * 9999,
                     b'{"keys":[1,{"x5c":[1,"AA"]}]}x', b"A" * (17 << 20)):
            self.expect(REFUSED, "inspect", self.file("e", data))

    def test_nothing_steers_the_terminal(self):
        path = self.file("t.json", json.dumps({"tcbInfo": {"\033[2J": "\033]0;x\a"}}, ensure_ascii=False))
        self.assertNotIn("\033", self.expect(DONE, "inspect", path).out)

    @needs_corpus
    def test_corpus(self):
        good = 0
        for folder in ("sgx", "tdx", "oe", "collateral"):
            for path in sorted((EVIDENCE / folder).rglob("*"))[::1 if LONG else 4]:
                known = path.suffix in (".bin", ".der", ".json", ".pem") and ".ehd." not in path.name and \
                    ".claim-pk." not in path.name
                if known:
                    good += 1
                    with self.subTest(path.name):
                        self.expect_json(DONE, "inspect", "--json", path)
        self.assertGreater(good, 350 if LONG else 85)

    @needs_corpus
    def test_values(self):
        tree = self.inspect(EVIDENCE / "oe/oereport-azsdk-OpenEnclaveQuote.bin")
        self.assertEqual("oe-report", tree["kind"])
        self.assertTrue(tree["quote"]["report"]["report_data"].startswith("28542e44fe7e73f6610f6b31ae7576925f09ccdbb4c5"))
        leaf = tree["quote"]["signature_data"]["certification_data"]["certificates"][0]["pck"]
        self.assertEqual([17, 17, 2, 4, 1, 128, 6] + [0] * 9, leaf["tcb"]["components"])
        self.assertEqual(("00906ed50000", 10), (leaf["fmspc"], leaf["tcb"]["pcesvn"]))
        keys = json.loads((SHARED / "spec/examples/recorded-certs-jwks.json").read_text())["response"]["body"]
        tree = self.inspect(self.file("jwks.json", json.dumps(keys)))
        self.assertEqual("oe-report", tree["keys"][0]["x5c"][0]["evidence"]["kind"])


def rows(name):
    with open(EVIDENCE / name, newline="") as file:
        yield from csv.DictReader(file, delimiter="\t")


if __name__ == "__main__":
    unittest.main()
