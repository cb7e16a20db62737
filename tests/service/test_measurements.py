"""Announced measurements on the service's side: the list it serves, the core it refuses to start with, and `assay trust` over a live service."""
import base64
import datetime
import hashlib
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

from service_case import BUILD, Service
from test_own_evidence import DONE, REFUSED, SNP, elements, take_apart, unb64

ASSAY = os.path.abspath(os.path.join(BUILD, "src/cli/assay"))
PROGRAMS = [os.path.abspath(os.path.join(BUILD, "src/core", name)) for name in ("assay-verifier", "assay-signer")]
PATH = "/.well-known/assay-measurements"
SNP_MEASUREMENT, SNP_HOST_DATA = slice(0x90, 0xc0), slice(0xc0, 0xe0)


def days_ago(n):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=n)).strftime("%Y-%m-%dT%H:%M:%SZ")


def measured(der):
    """What the SEV-SNP report in a certificate measured, as `assay release announce --value` takes it."""
    (_, text, _), = elements(take_apart(der)[1][SNP])
    report = unb64(json.loads(text)["SnpReport"])
    return {"measurement": report[SNP_MEASUREMENT].hex(), "host_data": report[SNP_HOST_DATA].hex()}


def values(measurement):
    return [word for name, value in measurement.items() for word in ("--value", f"{name}={value}")]


class MeasurementCase(unittest.TestCase):
    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="assay-measured-"))
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.run_assay("collateral", "key", "-o", "release.pem")

    def run_assay(self, *args, status=DONE):
        done = subprocess.run([ASSAY, *map(str, args)], capture_output=True, text=True, cwd=self.dir, timeout=120, check=False)
        self.assertEqual(status, done.returncode, f"{args}\n{done.stdout}\n{done.stderr}")
        return done

    def announce(self, name, version, kind, what, days=0, more=()):
        """A record more, announced so many days ago."""
        self.run_assay("release", "announce", name, "--key", "release.pem", "--component", "assay", "--version", version, "--kind", kind,
                       *what, "--at", days_ago(days), *more)
        return self.dir / name

    def software(self, name, version, days=0, digests=None, more=()):
        what = []
        for d in digests or PROGRAMS:
            what += ["--digest", d]
        return self.announce(name, version, "software", what, days, more)

    def other(self):
        return [f"{n}={hashlib.sha256(n.encode()).hexdigest()}" for n in ("assay-verifier", "assay-signer")]

    def settings(self, path, enforced="on", **more):
        return {"core": {"pairs": 1, "measurements": path, "measurements_key": self.dir / "release.pem.pub", "measurements_enforced": enforced}, **more}

    def start(self, *args, **kwargs):
        service = Service(*args, **kwargs)
        self.addCleanup(service.remove)
        return service


class Served(MeasurementCase):
    def test_the_list_is_served_as_it_stands_and_read_again(self):
        path = self.software("list.jws", "1.0", 5)
        service = self.start(self.settings(path))
        self.assertIn("this core is assay 1.0 (software), as announced", service.text())
        status, _, headers, raw = service.call("GET", PATH)
        self.assertEqual((200, path.read_bytes()), (status, raw))
        self.assertEqual("application/jose", headers["Content-Type"])
        self.assertEqual(path.read_bytes(), service.call_as("other.example", PATH)[3])  # under any name
        self.assertEqual(405, service.call("POST", PATH, {})[0])
        self.assertEqual(200, service.attest()[0])

        old = path.read_bytes()
        self.software("list.jws", "1.1", 0, self.other())  # this core is retired in three months
        self.reload(service, "configuration and endorsements were read again")
        self.assertNotEqual(old, path.read_bytes())
        self.assertEqual(path.read_bytes(), service.call("GET", PATH)[3])
        self.assertIn("as announced, retired after", service.text())

        good = path.read_bytes()
        path.write_bytes(good[:-4] + (b"AAAA" if good[-4:] != b"AAAA" else b"BBBB"))
        self.reload(service, "nothing was reloaded, what was in force stays: .*trust.measurement.signature")
        self.assertEqual(good, service.call("GET", PATH)[3])

        path.unlink()
        self.software("list.jws", "2.0", 1, self.other())  # of somebody who forgot this core: told, and it goes on until it ends
        self.reload(service, "does not start again: .*is not announced")
        self.assertEqual(path.read_bytes(), service.call("GET", PATH)[3])
        self.assertEqual(200, service.attest()[0])
        service.stop()
        with self.assertRaisesRegex(AssertionError, "this core is not announced"):
            service.start()

    def reload(self, service, expected):
        before = len(service.text())
        service.process.send_signal(signal.SIGHUP)
        service.wait(lambda: re.search(expected, service.text()[before:]))

    def test_without_a_list_there_is_no_such_path(self):
        self.assertEqual(404, self.start(development=["--evidence", "none"]).call("GET", PATH)[0])


class Enforced(MeasurementCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service({"keys": {"evidence": "none"}})  # its configuration, with other lines each time

    @classmethod
    def tearDownClass(cls):
        cls.service.remove()

    def outcome(self, path, enforced="on", key=None, keys="evidence = none\n", env=None):
        """None when it serves, else how it refused."""
        s = self.service
        s.stop()
        text = Path(s.config).read_text(encoding="utf-8").replace("evidence = none\n", keys)
        config = self.dir / "assayd.conf"
        core = f"[core]\nmeasurements = {path}\nmeasurements_key = {key or self.dir / 'release.pem.pub'}\nmeasurements_enforced = {enforced}\n"
        config.write_text(text.replace("[core]\n", core), encoding="utf-8")
        kept, s.config, old = s.config, config, s.env
        s.env = {**s.env, **(env or {})}
        try:
            s.start()
        except AssertionError as e:
            return str(e)
        finally:
            s.config, s.env = kept, old
            s.stop()
        return None

    def refused(self, expected, *args, **kwargs):
        self.assertRegex(self.outcome(*args, **kwargs) or "it started", expected)
        self.assertNotIn("serving ", self.service.text())

    def test_what_may_run(self):
        self.assertIsNone(self.outcome(self.software("first.jws", "1", 1)))
        self.assertIsNone(self.outcome(self.software("not.jws", "1", 1, self.other()), "off"))
        self.refused("assay-verifier [0-9a-f]{64}(.|\n)*this core is not announced .trust.measurement.announced, above.: install", self.dir / "not.jws")
        half = self.software("half.jws", "1", 1, [PROGRAMS[0], self.other()[1]])
        self.refused("this core is not announced", half)

    def test_the_schedule(self):
        self.software("early.jws", "1", 30, self.other())
        self.refused("may not be used yet .trust.measurement.usable", self.software("early.jws", "2", 10))
        self.software("in_time.jws", "1", 100, self.other())
        self.assertIsNone(self.outcome(self.software("in_time.jws", "2", 70)))
        self.software("retired.jws", "1", 300)
        self.assertIsNone(self.outcome(self.software("retired.jws", "2", 80, self.other())))
        self.software("flaw.jws", "1", 300)
        self.refused("is retired .trust.measurement.not_retired", self.software("flaw.jws", "2", 40, self.other(), ["--unplanned"]))

    def test_a_list_that_is_not_the_publishers_is_refused_even_if_nothing_is_enforced(self):
        path = self.software("list.jws", "1", 1)
        self.run_assay("collateral", "key", "-o", "other.pem")
        self.refused("trust.measurement.signature", path, "off", self.dir / "other.pem.pub")
        head, payload, signature = path.read_bytes().split(b".")
        changed = self.dir / "changed.jws"
        changed.write_bytes(b".".join((head, payload[:40] + (b"A" if payload[40:41] != b"A" else b"B") + payload[41:], signature)))
        self.refused("trust.measurement", changed, "off")
        changed.write_bytes(b"")
        self.refused("trust.measurement.list", changed)
        self.refused("cannot read .*nothing.jws", self.dir / "nothing.jws")
        self.refused("neither a certificate nor a public key", path, "on", path)

    def test_settings_that_belong_together(self):
        config = self.dir / "assayd.conf"
        text = Path(self.service.config).read_text(encoding="utf-8")
        for line in ("measurements = x", "measurements_key = x", "measurements_enforced = on"):
            config.write_text(text.replace("[core]\n", f"[core]\n{line}\n"), encoding="utf-8")
            done = subprocess.run([self.service.program, "--config", config, "--check-config"], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(1, done.returncode)
            self.assertIn("measurements, measurements_key: both must be set", done.stderr)

    def test_what_the_tee_measured_must_be_announced_too(self):
        library, root, entry = self.dir / "fake_tsm.so", self.dir / "root", self.dir / "entry"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, Path(__file__).with_name("fake_tsm.c"), "-ldl"], check=True)
        root.mkdir()
        entry.mkdir()
        env = {"FAKE_TSM": str(root), "FAKE_TSM_ENTRY": str(entry), "LD_PRELOAD": str(library), "ASAN_OPTIONS": "detect_leaks=0:verify_asan_link_order=0"}
        (self.dir / "runtime").write_bytes(b"any")
        self.run_assay("simulate", "snp", "-o", "snp", "--seed", "7", "--runtime-data", "runtime")
        report = (self.dir / "snp/snp-report.bin").read_bytes()
        for name, content in (("provider", b"sev_guest\n"), ("generation", b"1\n"), ("outblob", report), ("auxblob", b""),
                              ("inblob", hashlib.sha256(b"the start of assayd").digest() + bytes(32))):
            (entry / name).write_bytes(content)
        keys = f"evidence = tsm\nevidence_path = {root}\n"
        path = self.software("list.jws", "1", 1)
        self.refused("no record of kind snp(.|\n)*this core is not announced", path, keys=keys, env=env)
        self.announce("list.jws", "0", "snp", ["--value", "measurement=" + "00" * 48, "--partial"], 10)
        self.refused("no record of kind snp", path, keys=keys, env=env)
        path.unlink()
        self.software("list.jws", "1", 1)
        self.announce("list.jws", "1", "snp", ["--value", "measurement=" + report[SNP_MEASUREMENT].hex(), "--partial"], 1)
        self.assertIsNone(self.outcome(path, keys=keys, env=env))
        (entry / "outblob").write_bytes(report[:100])
        self.refused("not of its form|does not say what it measured", path, keys=keys, env=env)
        self.refused("does not say what it measured: .*nothing/here", path, keys="evidence = sev-guest\nevidence_path = /nothing/here\n")


class Trusted(MeasurementCase):
    """`assay trust` with a live service: it fetches the keys, and the list, itself."""

    def trust(self, service, status, *more, folder="simulated-snp"):
        made = os.path.join(service.folder, "state", folder)
        return self.run_assay("trust", f"https://localhost:{service.port}", "--ca", service.ca, "--anchor", f"{made}/anchor.pem",
                              "--collateral", f"{made}/collateral", *more, status=status)

    def with_evidence(self, service):
        listed = lambda: base64.b64decode(service.call("GET", "/certs")[1]["keys"][0]["x5c"][0])
        service.wait(lambda: SNP in take_apart(listed())[1])
        return listed()

    def partial(self, service, good, key):
        """A launch measurement without host data says nothing of the container."""
        part = self.announce("part.jws", "1", "snp", ["--value", "measurement=" + good["measurement"], "--partial"], 1)
        judged = ("--measurements", part, *key)
        self.assertIn("trust.measurement.whole", self.trust(service, REFUSED, *judged).stderr)
        allowed = self.trust(service, DONE, *judged, "--allow-partial").stdout
        self.assertIn("announced IN PART", allowed)
        self.assertIn("PARTIAL: the record leaves out", allowed)
        self.assertTrue(all(k["partial"] is True for k in json.loads(self.trust(service, DONE, *judged, "--allow-partial", "--json").stdout)["keys"]))
        both = self.announce("part.jws", "2", "snp", values(good), 0, ["--unplanned"])  # usable in a month: the first is in use still
        self.assertIn("trust.measurement.whole", self.trust(service, REFUSED, "--measurements", both, *key).stderr)

    def test_over_the_network(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        service = self.start(development=["--evidence", "simulated-snp", "--port", str(port)])
        good = measured(self.with_evidence(service))
        bad = {**good, "measurement": "00" * 48}
        key = ("--release-key", "release.pem.pub")

        done = self.trust(service, REFUSED)
        self.assertIn("not compared", done.stdout)
        announced = self.announce("good.jws", "1", "snp", values(good), 1)
        self.assertIn("accepted: genuine hardware", self.trust(service, DONE, "--measurements", announced, *key).stdout)
        self.partial(service, good, key)
        other = self.announce("bad.jws", "1", "snp", values(bad), 1)
        self.assertIn("trust.measurement.announced", self.trust(service, REFUSED, "--measurements", other, *key).stderr)
        self.assertIn("answered 404", self.trust(service, 1, *key).stderr)  # it publishes none

        # The same service by a configuration: its certificate is in the store, and it publishes a list.
        service.stop()
        served = self.dir / "served.jws"
        state = os.path.join(service.folder, "state")
        service.config = self.dir / "assayd.conf"
        service.settings = {}
        service.config.write_text(
            f"[server]\nlisten = 127.0.0.1\nport = {port}\ncertificate = {state}/server.pem\nprivate_key = {state}/server.key\n"
            f"user = {pwd.getpwuid(os.geteuid()).pw_name}\n"
            f"[core]\npairs = 1\nmeasurements = {served}\nmeasurements_key = {self.dir}/release.pem.pub\n"
            f"[store]\nurl = sqlite:{state}/assay.db\n[keys]\nsealing_key = {state}/sealing.key\nevidence = none\n"
            f"[provider first]\nissuer = https://localhost:{port}\n", encoding="utf-8")
        shutil.copy(other, served)
        service.start()
        self.assertIn("trust.measurement.announced", self.trust(service, REFUSED, *key).stderr)
        shutil.copy(announced, served)
        service.process.send_signal(signal.SIGHUP)
        service.wait(lambda: "were read again" in service.text())
        self.assertIn("accepted: genuine hardware", self.trust(service, DONE, *key).stdout)
        self.trust(service, DONE, *key, "--measurements", f"https://localhost:{port}{PATH}")
        self.run_assay("collateral", "key", "-o", "other.pem")
        self.assertIn("trust.measurement.signature", self.trust(service, REFUSED, "--release-key", "other.pem.pub").stderr)


if __name__ == "__main__":
    unittest.main()
