"""Confidential containers from the command line: the security policy against the host data, endorsements of the utility VM."""
import base64
import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cli_case import DONE, SHARED, needs_corpus
from test_evidence import EvidenceCase

EVIDENCE = SHARED / "evidence"
AT, LATE = "2025-10-01T00:00:00Z", "2026-04-01T00:00:00Z"


def decoded(text):
    return base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_").rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


class Containers(EvidenceCase):
    @needs_corpus
    def test_host_data_is_the_digest_of_the_security_policy(self):
        policies = {name: self.file(name, base64.b64decode((EVIDENCE / f"uvm/policies/{name}.rego.b64").read_bytes()))
                    for name in ("sidecar-attest", "sidecar-ctx")}
        for report, own, at in (("milan-v2-aci-sidecar", "sidecar-attest", "2024-01-01T00:00:00Z"), ("milan-v2-aci-maaperf", "sidecar-attest",
                                "2024-01-01T00:00:00Z"), ("milan-v3-aci-tav", "sidecar-ctx", LATE), ("genoa-v3-aci-tav", "sidecar-ctx", LATE)):
            for name, policy in policies.items():
                with self.subTest(report=report, policy=name):
                    args = (EVIDENCE / f"snp/reports/{report}.report.bin", "--certs", EVIDENCE / f"snp/certs/vcek-{report}.der", "--at", at,
                            "--init-data", policy)
                    if name == own:
                        self.verify(DONE, *args)
                    else:
                        self.refused("snp.init_data", *args)

    @needs_corpus
    def test_a_report_with_its_endorsement(self):
        request = json.loads((EVIDENCE / "uvm/maa-requests/cleanroom-sidecar.request.json").read_text(encoding="utf-8-sig"))
        report = self.file("report.json", decoded(request["report"]))
        runtime = self.file("runtime", decoded(request["runtimeData"]["data"]))
        args = (report, "--runtime-data", runtime, "--runtime-type", "json", "--at", AT)
        self.assertEqual("azure-compliant-uvm", self.verify(DONE, *args)["claims"]["x-ms-compliance-status"])
        self.refused("uvm.root", *args, "--reference", "uvm_root=none")
        newer = "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.3.6.1.4.1.311.76.59.1.2 ContainerPlat-AMD-UVM 104"
        failed = self.refused("uvm.svn", *args, "--reference", f"uvm_root={newer}")["failed"]
        self.assertIn("uvm_root", failed["remedy"])

    def test_simulated_endorsements(self):
        for form in ("legacy", "cwt"):
            with self.subTest(form):
                args = self.simulate("snp", "--uvm", form, name=form)
                self.assertEqual("azure-compliant-uvm", self.verify(DONE, *args)["claims"]["x-ms-compliance-status"])
                shown = json.loads(self.expect(DONE, "inspect", "--json", self.dir / form / "uvm.cose").out)
                self.assertEqual((form, "ContainerPlat-AMD-UVM"), (shown["form"], shown["feed"]))
                self.refused("uvm.root", *(a for i, a in enumerate(args) if a != "--reference" and args[i - 1] != "--reference"))
        self.refused("uvm.measurement", *self.simulate("snp", "--uvm", "cwt", "--fault", "uvm.measurement", name="other"))


if __name__ == "__main__":
    unittest.main()
