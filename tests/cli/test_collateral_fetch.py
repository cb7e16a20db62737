"""assay collateral fetch, against simulated sources."""
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from cli_case import DONE, MISUSE, REFUSED, CliCase, needs_openssl  # noqa: E402
from upstream import Endorsements, Upstream  # noqa: E402


@needs_openssl
class FetchCase(CliCase):
    def platform(self, tee="sgx", name=None, at=None, *words):
        folder = self.dir / (name or tee)
        self.expect(DONE, "simulate", tee, "--at", at or int(time.time()), "--seed", "7", *words, "-o", folder)
        return folder

    def source(self, *folders, **kw):
        u = Upstream([Endorsements(f, tee) for f, tee in folders], **kw)
        self.addCleanup(u.close)
        return u

    def fetch(self, status, upstream, *args, source="pcs", anchor=None, words=()):
        anchor = anchor or self.dir / "sgx" / "anchor.pem"
        ca = ["--ca", upstream.ca] if hasattr(upstream, "ca") else []
        run = self.expect(status, "collateral", "fetch", "--into", self.dir / "into", "--source", f"{source} {upstream.url}", *ca,
                          "--anchor", anchor, "--rate", "60000", "--json", *args, *words)
        return {o["name"]: o for o in json.loads(run.out)["fetched"]}, run

    def outcomes(self, fetched):
        return {name: o["outcome"] for name, o in fetched.items()}

    def test_for_evidence_then_verified_with_it(self):
        sgx = self.platform()
        u = self.source((sgx, "sgx"))
        fetched, _ = self.fetch(DONE, u, "--for", sgx / "quote.bin")
        self.assertEqual(set(self.outcomes(fetched).values()), {"new"})
        self.assertEqual(len(fetched), 4)
        for o in fetched.values():
            self.assertTrue((self.dir / "into" / o["file"]).is_file())
        self.expect(DONE, "verify", sgx / "quote.bin", "--collateral", self.dir / "into", "--anchor", sgx / "anchor.pem",
                    "--freshness", "strict", "--runtime-data", sgx / "runtime.bin")
        again, _ = self.fetch(DONE, u, "--for", sgx / "quote.bin")
        self.assertEqual(set(self.outcomes(again).values()), {"same"})

    def test_tdx_for_evidence(self):
        self.platform()
        tdx = self.platform("tdx")
        u = self.source((tdx, "tdx"))
        fetched, _ = self.fetch(DONE, u, "--for", tdx / "tdquote.bin", anchor=tdx / "anchor.pem")
        self.assertEqual(set(self.outcomes(fetched).values()), {"new"})
        self.assertTrue(u.asked("/tdx/certification/v4/tcb?"))
        self.expect(DONE, "verify", tdx / "tdquote.bin", "--type", "tdx", "--collateral", self.dir / "into", "--anchor", tdx / "anchor.pem",
                    "--freshness", "strict")

    def test_pccs_with_hexadecimal_bodies_and_old_names(self):
        sgx = self.platform()
        u = self.source((sgx, "sgx"))
        u.behave("/v4/", "status", status=404)  # a cache that knows version 3 alone
        fetched, _ = self.fetch(DONE, u, "--for", sgx / "quote.bin", source="pccs")
        self.assertEqual(set(self.outcomes(fetched).values()), {"new"})
        self.assertTrue(u.asked("/sgx/certification/v3/rootcacrl"))

    def test_thim_speaks_plain_http_to_this_machine_alone(self):
        sgx = self.platform()
        u = self.source((sgx, "sgx"), tls=False)
        fetched, _ = self.fetch(DONE, u, "--for", sgx / "quote.bin", source="thim")
        self.assertEqual(set(self.outcomes(fetched).values()), {"new"})
        with u.lock:
            self.assertTrue(all(headers.get("Metadata") == "true" for _, headers in u.requests))
        run = self.expect(REFUSED, "collateral", "fetch", "--into", self.dir / "into", "--source", "thim http://192.0.2.1", "--want",
                          "intel/sgx/00906ed50000/platform")
        self.assertIn("only loopback and link-local", run.err)
        self.expect(MISUSE, "collateral", "fetch", "--into", self.dir / "into", "--source", f"pcs {u.url}", "--fmspc", "00906ed50000")

    def test_a_number_that_is_asked_for_is_the_one_that_comes(self):
        sgx, old = self.platform(), self.platform("sgx", "old", int(time.time()) - 300 * 86400, "--evaluation", "12")
        u = self.source((sgx, "sgx"), (old, "sgx"))
        fmspc = Endorsements(sgx).fmspc
        fetched, _ = self.fetch(REFUSED, u, "--fmspc", fmspc, "--evaluation", "12")
        self.assertEqual(fetched[f"intel/tcb/sgx/{fmspc}/12"]["outcome"], "new")
        self.assertEqual(fetched["intel/crl/processor"]["outcome"], "refused")  # the platform's CRL came instead
        self.assertEqual(fetched["intel/crl/platform"]["outcome"], "new")
        refused, _ = self.fetch(REFUSED, u, "--want", f"intel/sgx/{fmspc}/platform/99")
        self.assertEqual(refused[f"intel/tcb/sgx/{fmspc}/99"]["outcome"], "absent")
        wrong, _ = self.fetch(REFUSED, u, "--want", f"intel/sgx/{fmspc}/platform/99", source="pccs")  # cannot be asked for it
        self.assertEqual(wrong[f"intel/tcb/sgx/{fmspc}/99"]["outcome"], "refused")
        self.assertIn("evaluation number 17", wrong[f"intel/tcb/sgx/{fmspc}/99"]["reason"])

    def test_a_busy_source_is_waited_for(self):
        sgx = self.platform()
        u = self.source((sgx, "sgx"))
        u.behave("/tcb?", "status", times=1, status=429, headers={"Retry-After": "2"})
        fetched, _ = self.fetch(DONE, u, "--for", sgx / "quote.bin")
        self.assertEqual(set(self.outcomes(fetched).values()), {"new"})
        self.assertEqual(len(u.asked("/tcb?")), 2)
        u.behave("", "status", status=503, headers={"Retry-After": "3600"})  # longer than anybody waits
        fetched, run = self.fetch(MISUSE, u, "--for", sgx / "quote.bin")
        self.assertEqual(set(self.outcomes(fetched).values()), {"busy"})
        self.assertRegex(run.err, r"asked again in 360\d s")

    def test_a_proxy_that_is_not_there_and_a_certificate_that_nobody_trusts(self):
        sgx = self.platform()
        u = self.source((sgx, "sgx"))
        run = self.expect(MISUSE, "collateral", "fetch", "--into", self.dir / "into", "--source", f"pcs {u.url}", "--anchor",
                          sgx / "anchor.pem", "--want", "intel/sgx/00906ed50000/platform/1234")
        self.assertIn("certificate", run.err)
        self.fetch(MISUSE, u, "--want", "intel/sgx/00906ed50000/platform", words=["--proxy", "http://127.0.0.1:1"])
        self.assertEqual(u.asked(), [])

    def test_evidence_that_names_no_platform(self):
        sgx = self.platform()
        u = self.source((sgx, "sgx"))
        stranger = self.platform("sgx", "stranger")
        data = bytearray((stranger / "quote.bin").read_bytes())
        run = self.expect(MISUSE, "collateral", "fetch", "--into", self.dir / "into", "--source", f"pcs {u.url}", "--for",
                          stranger / "quote.bin")  # no anchor: nobody vouches for it
        self.assertIn("intel.pck.anchor", run.err)
        data[:2] = b"\xff\xff"
        bad = self.file("bad.bin", bytes(data))
        self.expect(MISUSE, "collateral", "fetch", "--into", self.dir / "into", "--source", f"pcs {u.url}", "--for", bad)
        self.assertEqual(u.asked(), [])

    def test_misuse(self):
        for words in (["--fmspc", "00906ed50000"], ["--into", "x"], ["--into", "x", "--fmspc", "0090"], ["--into", "x", "--product", "Rome"],
                      ["--into", "x", "--want", "intel"], ["--into", "x", "--fmspc", "00906ed50000", "--source", "pcs http://x"],
                      ["--into", "x", "--fmspc", "00906ed50000", "--early", "--evaluation", "17"],
                      ["--into", "x", "--fmspc", "00906ed50000", "--tee", "sev"], ["--into", "x", "--fmspc", "00906ed50000", "--rate", "0"]):
            with self.subTest(words=words):
                self.expect(MISUSE, "collateral", "fetch", *words)


if __name__ == "__main__":
    unittest.main()
