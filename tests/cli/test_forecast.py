"""assay collateral forecast: simulated and real platforms against newer TCB data."""
import json
import shutil
import unittest
from pathlib import Path

from cli_case import DONE, MISUSE, REFUSED, SHARED, CliCase, needs_corpus

EVIDENCE = SHARED / "evidence"


class Forecast(CliCase):
    def make(self, name, *options, kind="sgx"):
        self.expect(DONE, "simulate", kind, "--seed", "7", "-o", self.dir / name, *options)
        return self.dir / name

    def collateral(self, *folders):
        """One folder with the endorsements of all, as a mirror of Intel's would hold them."""
        whole = self.dir / "all"
        whole.mkdir()
        for folder in folders:
            for path in (folder / "collateral").iterdir():
                shutil.copy(path, whole / f"{folder.name}-{path.name}")
        return "--collateral", whole, "--anchor", folders[0] / "anchor.pem", "--at", "2026-01-01T00:00:00Z", "--baseline", "17"

    def forecast(self, status, *args):
        result = self.expect_json(status, "collateral", "forecast", *args, "--json")
        text = self.expect(status, "collateral", "forecast", *args).out
        for platform in result["platforms"]:
            self.assertIn(f"{platform['file']}: {platform['type']} {platform['outlook']}", text)
        self.assertEqual(result["fails"], sum(p["outlook"] in ("fails", "refused") for p in result["platforms"]))
        return result["platforms"]

    def test_stays_and_fails(self):
        now, then = self.make("now"), self.make("then", "--evaluation", "18", "--qe-status", "TCB_NOT_SUPPORTED")
        platform = self.forecast(DONE, now / "quote.bin", *self.collateral(now))[0]
        self.assertEqual(("stays", "UpToDate", "UpToDate", 17, []), tuple(platform[k] for k in ("outlook", "status", "status_then", "evaluation_then", "reasons")))
        shutil.rmtree(self.dir / "all")
        args = self.collateral(now, then)
        platform = self.forecast(REFUSED, now / "quote.bin", *args)[0]
        self.assertEqual(("fails", "UpToDate", "TCB_NOT_SUPPORTED", 17, 18, "2026-01-21T00:00:00Z", None),
                         tuple(platform[k] for k in ("outlook", "status", "status_then", "evaluation", "evaluation_then", "from", "failed")))
        self.assertEqual([{"kind": "quoting-enclave", "index": 0, "found": 8, "needed": 9, "text": "quoting enclave: ISV SVN 8, 9 needed"}], platform["reasons"])

    def test_folders_and_kinds(self):
        now, td = self.make("now"), self.make("td", kind="tdx")
        shutil.copy(td / "tdquote.bin", now / "other.bin")
        platforms = self.forecast(DONE, now, *self.collateral(now, td))
        self.assertEqual({"sgx", "tdx"}, {p["type"] for p in platforms})
        self.assertEqual(len(platforms), len({p["platform"] for p in platforms}))

    def test_refused_today(self):
        now = self.make("now", "--status", "OutOfDate")
        args = self.collateral(now)
        platform = self.forecast(REFUSED, now / "quote.bin", *args)[0]
        self.assertEqual(("refused", "intel.tcb.status"), (platform["outlook"], platform["failed"]))
        self.assertEqual(["sgx-component"] * 16 + ["pce"], [r["kind"] for r in platform["reasons"]])
        self.forecast(DONE, now / "quote.bin", *args, "--accept", "OutOfDate")
        self.assertEqual("refused", self.forecast(REFUSED, self.file("junk", b"\3\0\2\0" + bytes(700)), *args)[0]["outlook"])

    def test_misuse(self):
        now = self.make("now")
        args = self.collateral(now)
        for wrong in ((), (now / "quote.bin",), (now / "none.bin", *args), (now / "collateral", *args), (now / "quote.bin", *args, "--accept", "Revoked")):
            self.expect(MISUSE, "collateral", "forecast", *wrong)

    @needs_corpus
    def test_real_platform(self):
        """GOLDEN 5: UpToDate under evaluation number 16, OutOfDate under 18."""
        files = [EVIDENCE / "collateral" / name for name in self.sets("tdx-00806f050000-e16-20240614-242e") + self.sets("tdx-00806f050000-e18-20260107-fde9")]
        chain = EVIDENCE / "collateral/chains/tcb-signing-chain-20180521-20250521.pem"
        args = [EVIDENCE / "tdx/tdx-v4-00806f050000-00b2526a.bin", "--at", "2024-07-08T00:13:53Z", "--baseline", "16"]
        for path in [*files, chain]:
            args += ["--collateral", path]
        platform = self.forecast(REFUSED, *args)[0]
        self.assertEqual(("fails", "UpToDate", "OutOfDate", 16, 18), tuple(platform[k] for k in ("outlook", "status", "status_then", "evaluation", "evaluation_then")))
        self.assertIn("tdx-module", [r["kind"] for r in platform["reasons"]])
        self.assertTrue(all(r["found"] < r["needed"] for r in platform["reasons"]))

    def sets(self, name):
        for line in (EVIDENCE / "collateral/SETS.tsv").read_text().splitlines():
            if line.startswith(name + "\t"):
                return [Path(column).relative_to("collateral") for column in line.split("\t")[3:7]]
        raise KeyError(name)


if __name__ == "__main__":
    unittest.main()
