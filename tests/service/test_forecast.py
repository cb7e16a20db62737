"""Early warning of a running service: newer TCB data beside those in force, and platforms counted by what they will lack."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from service_case import BUILD, Service, ServiceCase


class Forecast(ServiceCase):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory(prefix="assay-test-")
        cls.made = cls.kept.name
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        for name, options in (("now", ()), ("then", ("--evaluation", "18", "--module-status", "OutOfDate"))):
            subprocess.run([os.path.join(BUILD, "src/cli/assay"), "simulate", "tdx", "--seed", "99", "--at", now, "-o", f"{cls.made}/{name}", *options],
                           check=True, capture_output=True)
        cls.service = Service({"collateral": {"folder": f"{cls.made}/now/collateral", "anchor": f"{cls.made}/now/anchor.pem", "default_baseline": 17}})

    @classmethod
    def tearDownClass(cls):
        cls.service.remove()
        cls.kept.cleanup()

    def counts(self):
        text = self.service.call("GET", "/metrics")[3].decode()
        return {(tee, reason): int(n) for tee, reason, n in re.findall(r'^assay_platforms\{tee="(\w+)",too_old="([\w-]+)"\} (\d+)$', text, re.M)}

    def attest(self):
        with open(f"{self.made}/now/request.json", encoding="utf-8") as file:
            body = json.load(file)
        self.assert_token(self.service.call("POST", "/attest/TdxVm?api-version=2025-06-01", body))

    def until(self, condition):
        for _ in range(200):
            if condition():
                return
            time.sleep(0.05)
        self.fail(str(self.counts()))

    def test_newer_data_arrive(self):
        self.assertEqual(0, sum(self.counts().values()))
        for _ in range(5):
            self.attest()
        self.until(lambda: self.counts()["tdx", "none"] == 1)
        for name in ("tcbinfo.json", "qeidentity.json"):
            shutil.copy(f"{self.made}/then/collateral/{name}", f"{self.made}/now/collateral/newer-{name}")
        self.service.process.send_signal(signal.SIGHUP)
        self.until(lambda: self.counts()["tdx", "tdx-module"] == 1)
        self.attest()  # still accepted: the baseline decides, not the newest
        self.assertEqual(1, sum(self.counts().values()))


if __name__ == "__main__":
    unittest.main()
