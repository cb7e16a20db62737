"""assay trust over recorded key sets of the original service, and assay release."""
import json
import unittest

from cli_case import DONE, MISUSE, REFUSED, SHARED, CliCase, needs_corpus

COLLATERAL = ["tcbinfo-v2-sgx-00906ed50000-e10-20210331-0487222c.json", "qeid-qe-e10-20210701-0f7320e2.json",
              "certs/intel-tcbsigning-20180521-20250521-ec37d981.der", "certs/intel-root-20180521-20491231-44a0196b.der",
              "crl-processor-20221018-67a75283.der", "crl-root-20220419-ef604c71.der"]
SIGNER = "74ba5fba208571cf99e1f7158e6536a05bbb6ce7807eef8f6a97f64a7af64b83"
MINE = {"measurements": [{"kind": "sgx", "values": {"mrsigner": SIGNER, "product_id": 1, "svn": 1}}]}
SERVICE = "https://sharedwus.wus.attest.azure.net"


def key_set(value):
    """The JWKS somewhere in a recording: {"keys": [...]} as an object or as a text."""
    if isinstance(value, str) and "x5c" in value:
        return key_set(json.loads(value))
    if isinstance(value, dict):
        if isinstance(value.get("keys"), list):
            return value
        value = list(value.values())
    for item in value if isinstance(value, list) else []:
        found = key_set(item)
        if found:
            return found
    return None


@needs_corpus
class Recorded(CliCase):
    def setUp(self):
        super().setUp()
        recorded = json.loads((SHARED / "spec/examples/recorded-certs-jwks.json").read_text())
        self.jwks = self.file("certs.json", json.dumps(key_set(recorded)))
        self.mine = self.file("mine.json", json.dumps(MINE))

    def trust(self, status, *args, service=SERVICE):
        files = [a for name in COLLATERAL for a in ("--collateral", SHARED / "evidence/collateral" / name)]
        return self.expect(status, "trust", service, "--jwks", self.jwks, "--allow-chained", "--at", "2022-11-17T20:28:29Z", *files, *args)

    def test_keys_that_no_tee_holds_are_not_passed_over(self):
        files = [a for name in COLLATERAL for a in ("--collateral", SHARED / "evidence/collateral" / name)]
        judged = ("trust", SERVICE, "--jwks", self.jwks, "--measurements", self.mine, "--at", "2022-11-17T20:28:29Z", *files)
        self.assertIn("--allow-chained", self.expect(REFUSED, *judged).err)
        own = json.loads((self.dir / "certs.json").read_text())["keys"][0]["kid"]
        self.expect(DONE, *judged, "--kid", own)

    def test_four_steps_are_shown(self):
        run = self.trust(DONE, "--measurements", self.mine)
        for word in ("✓ signature", "✓ evidence", "✓ binding", "✓ measurement", "SWHardeningNeeded", SIGNER, "accepted"):
            self.assertIn(word, run.out)
        self.assertIn("no TEE holds it", run.out)  # the keys under an authority's chain

    def test_json_has_steps_and_checks(self):
        told = json.loads(self.trust(DONE, "--measurements", self.mine, "--json").out)
        self.assertEqual(told["verdict"], "accepted")
        own = told["keys"][0]
        self.assertEqual([s["result"] for s in own["steps"]], ["pass"] * 4)
        self.assertEqual((own["tee"], own["debug"], own["measurement"]["mrsigner"]), ("sgx", False, SIGNER))
        self.assertIn("trust.binding.report_data", [c["id"] for c in own["checks"]])

    def test_without_measurements_it_is_not_accepted(self):
        self.assertIn("--any-measurement", self.trust(REFUSED).err)
        self.trust(DONE, "--any-measurement")

    def test_another_address_is_refused(self):
        self.assertIn("trust.certificate.name", self.trust(REFUSED, "--measurements", self.mine, service="https://other.example").err)

    def test_endorsements_are_needed(self):
        run = self.expect(REFUSED, "trust", SERVICE, "--jwks", self.jwks, "--at", "2022-11-17T20:28:29Z", "--any-measurement")
        self.assertIn("intel.", run.err)

    def test_a_signed_list_and_its_schedule(self):
        self.expect(DONE, "collateral", "key", "-o", "release.pem")
        announce = ("release", "announce", "list.jws", "--key", "release.pem", "--component", "maa", "--kind", "sgx",
                    "--value", "product_id=1", "--value", "svn=1")
        judged = ("--measurements", "list.jws", "--release-key", "release.pem.pub")
        self.expect(DONE, *announce, "--version", "1", "--value", "mrsigner=" + "00" * 32, "--at", "2022-01-01T00:00:00Z")
        self.assertIn("trust.measurement.announced", self.trust(REFUSED, *judged).err)
        self.expect(DONE, *announce, "--version", "2", "--value", "mrsigner=" + SIGNER, "--at", "2022-10-01T00:00:00Z")
        self.assertIn("trust.measurement.usable", self.trust(REFUSED, *judged).err)  # until December
        (self.dir / "list.jws").unlink()
        self.expect(DONE, *announce, "--version", "1", "--value", "mrsigner=" + SIGNER, "--at", "2022-01-01T00:00:00Z")
        self.trust(DONE, *judged)
        self.expect(DONE, *announce, "--version", "2", "--value", "mrsigner=" + "00" * 32, "--at", "2022-10-01T00:00:00Z", "--unplanned")
        self.assertIn("trust.measurement.not_retired", self.trust(REFUSED, *judged).err)
        self.expect(DONE, "collateral", "key", "-o", "other.pem")
        self.assertIn("trust.measurement.signature",
                      self.trust(REFUSED, "--measurements", "list.jws", "--release-key", "other.pem.pub").err)


class Release(CliCase):
    def announce(self, status, *args):
        return self.expect(status, "release", "announce", "list.jws", "--key", "release.pem", "--component", "assay", *args)

    def setUp(self):
        super().setUp()
        self.expect(DONE, "collateral", "key", "-o", "release.pem")
        self.program = self.file("assay-verifier", "a program")

    def listed(self, at):
        return json.loads(self.expect(DONE, "release", "list", "list.jws", "--release-key", "release.pem.pub", "--at", at, "--json").out)

    def test_the_schedule(self):
        software = ("--kind", "software", "--digest", self.program)
        self.announce(DONE, "--version", "1.0", *software, "--at", "2026-01-31T12:00:00Z")
        self.announce(DONE, "--version", "1.1", *software, "--at", "2026-03-31T12:00:00Z")
        self.announce(DONE, "--version", "1.2", *software, "--at", "2026-08-31T12:00:00Z", "--unplanned")
        first, second, third = self.listed("2026-04-01T00:00:00Z")["measurements"]
        self.assertEqual(first["usable_from"], "2026-01-31T12:00:00Z")
        self.assertEqual(first["retired_after"], "2026-06-30T12:00:00Z")
        self.assertEqual(second["usable_from"], "2026-05-31T12:00:00Z")
        self.assertEqual(second["retired_after"], third["usable_from"])
        self.assertEqual(third["usable_from"], "2026-09-30T12:00:00Z")
        self.assertEqual([r["state"].split(" 2")[0] for r in (first, second, third)], ["in use until", "usable from", "usable from"])

    def test_a_flaw_found_before_the_release_is_in_use(self):
        """What was never in use is announced and retired; the list is read all the same."""
        software = ("--kind", "software", "--digest", self.program)
        self.announce(DONE, "--version", "1.0", *software, "--at", "2025-11-01T00:00:00Z")
        self.announce(DONE, "--version", "1.1", *software, "--at", "2026-03-01T00:00:00Z")
        self.announce(DONE, "--version", "1.2", *software, "--at", "2026-03-10T00:00:00Z", "--unplanned")
        first, second, third = self.listed("2026-04-20T00:00:00Z")["measurements"]
        self.assertEqual(first["retired_after"], "2026-04-10T00:00:00Z")
        self.assertEqual((second["usable_from"], second["retired_after"]), ("2026-05-01T00:00:00Z",) * 2)
        self.assertIn("in use", third["state"])

    def test_a_record_is_whole_or_said_to_be_partial(self):
        of_tdx = [word for name in ("mrtd", "rtmr0", "rtmr1", "rtmr2") for word in ("--value", f"{name}=" + "ab" * 48)]
        snp = ("--kind", "snp", "--value", "measurement=" + "ab" * 48)
        for n in (2, 4, 6):
            self.assertIn("name rtmr0, rtmr1 and rtmr2 too, or say --partial", self.announce(MISUSE, "--version", "1", "--kind", "tdx", *of_tdx[:n]).err)
        self.assertIn("name host_data too", self.announce(MISUSE, "--version", "1", *snp).err)
        self.assertFalse((self.dir / "list.jws").exists())
        self.announce(DONE, "--version", "1", "--kind", "tdx", *of_tdx, "--at", "2026-01-01T00:00:00Z")
        self.announce(DONE, "--version", "1", *snp, "--value", "host_data=" + "00" * 32, "--at", "2026-01-02T00:00:00Z")
        self.announce(DONE, "--version", "2", "--kind", "tdx", *of_tdx[:2], "--partial", "--at", "2026-01-03T00:00:00Z")
        self.announce(DONE, "--version", "2", *snp, "--partial", "--at", "2026-01-04T00:00:00Z")

    def test_nonsense_is_refused(self):
        good = ("--version", "1", "--kind", "sgx", "--value", "mrenclave=" + "ab" * 32)
        for bad in (("--kind", "sgx"), ("--version", "1", "--kind", "sgx"), ("--version", "1", "--kind", "abacus"),
                    ("--version", "1", "--kind", "sgx", "--value", "mrenclave=12"), ("--version", "1", "--kind", "software"),
                    ("--version", "1", "--kind", "sgx", "--value", "mrsigner=" + "ab" * 32),
                    ("--version", "1", "--kind", "sgx", "--value", "mrenclave=" + "ab" * 32, "--value", "svn=1"),
                    ("--version", "1", "--kind", "tdx", "--value", "mrenclave=" + "ab" * 32)):
            self.announce(MISUSE, *bad)
        self.assertFalse((self.dir / "list.jws").exists())
        self.announce(DONE, *good, "--at", "2026-01-01T00:00:00Z")
        self.announce(MISUSE, *good)  # twice the same version
        self.announce(MISUSE, "--version", "2", *good[2:], "--at", "2025-01-01T00:00:00Z")  # before the one that is there
        text = (self.dir / "list.jws").read_text()
        self.file("list.jws", text[:-8] + "AAAA" + text[-4:])
        self.announce(MISUSE, "--version", "3", *good[2:])
        self.expect(REFUSED, "release", "list", "list.jws", "--release-key", "release.pem.pub")


if __name__ == "__main__":
    unittest.main()
