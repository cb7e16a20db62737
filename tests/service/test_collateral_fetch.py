"""The fetcher of endorsements in assayd, against a source that misbehaves as sources do."""
import base64
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from service_case import BUILD, READY_SECONDS, Service  # noqa: E402
from upstream import Endorsements, Upstream  # noqa: E402

PLATFORM = ["/tcb?", "/qe/identity?", "/pckcrl?", "/IntelSGXRootCA.der"]  # what one SGX platform needs of PCS


def b64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def simulate(folder, *words):
    """SGX evidence with endorsements that are good now, under a root of their own."""
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    subprocess.run([os.path.join(BUILD, "src/cli/assay"), "simulate", "sgx", "--at", str(int(time.time())), *words, "-o", folder], check=True,
                   capture_output=True, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    return folder


class Fetching(Service):
    """assayd with an empty folder, and a source that has what its platform needs."""

    seed = ("--seed", "7")  # the same keys in another year

    def __init__(self, settings=None, words=(), sources="pcs"):
        self.made = tempfile.mkdtemp(prefix="assay-fetch-")
        self.platform = simulate(os.path.join(self.made, "platform"), *self.seed, *words)
        self.upstream = Upstream([Endorsements(self.platform)])
        self.collateral = os.path.join(self.made, "folder")
        os.mkdir(self.collateral)
        self.words = {"folder": self.collateral, "anchor": f"{self.platform}/anchor.pem", "refresh": f"{sources} {self.upstream.url}",
                      "refresh_ca": self.upstream.ca, "refresh_rate": 60000, "refresh_misses": 1000, **(settings or {})}
        super().__init__({"collateral": self.words})

    def start(self):
        super().start()
        self.simulated = self.platform

    def change(self, restart=False, **settings):
        """Another configuration, by SIGHUP; or by a start, which forgets what was tried."""
        self.words.update(settings)
        with open(self.config, encoding="utf-8") as f:
            text = f.read()
        section = "[collateral]\n" + "".join(f"{k} = {v}\n" for k, v in self.words.items())
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(re.sub(r"\[collateral\]\n(?:(?!\[).*\n)*", lambda _: section, text))
        if restart:
            self.stop()
            self.start()
            return
        seen = self.text().count("were read again")
        self.process.send_signal(signal.SIGHUP)
        self.wait(lambda: self.text().count("were read again") > seen)

    def metric(self, name):
        status, _, _, data = self.call("GET", "/metrics")
        assert status == 200
        found = re.search(rf"^{re.escape(name)} (\S+)$", data.decode(), re.M)
        return float(found[1]) if found else None

    def attest_until(self, status, seconds=READY_SECONDS):
        answer = self.attest()
        for _ in range(seconds * 10):
            if answer[0] == status:
                break
            time.sleep(0.1)
            answer = self.attest()
        return answer

    def contents(self):
        """Of all files but chains of certificates, whose names have their hash."""
        found = {}
        for name in [n for n in self.files() if not n.startswith("chain-")]:
            with open(os.path.join(self.collateral, name), "rb") as f:
                found[name] = f.read()
        return found

    def files(self):
        return sorted(n for n in os.listdir(self.collateral) if not n.startswith("."))

    def remove(self):
        super().remove()
        self.upstream.close()
        subprocess.run(["rm", "-rf", self.made], check=False)


class FetchCase(unittest.TestCase):
    def service(self, *args, **kw):
        s = Fetching(*args, **kw)
        self.addCleanup(s.remove)
        return s

    def assert_refused(self, answer, text):
        self.assertEqual(answer[0], 400, answer[3][:500])
        self.assertIn(text, answer[1]["error"]["message"])
        self.assertGreaterEqual(int(answer[2]["Retry-After"]), 1)

    def test_what_a_platform_lacks_is_fetched_once_for_all(self):
        s = self.service()
        gate = threading.Event()
        s.upstream.behave("/tcb?", "wait", event=gate)
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(s.attest())) for _ in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for answer in answers:  # nobody waited for the source, which is still thinking
            self.assert_refused(answer, "being fetched")
        gate.set()
        answer = s.attest_until(200)
        self.assertEqual(answer[0], 200, s.text()[-3000:])
        for what in PLATFORM:
            self.assertEqual(len(s.upstream.asked(what)), 1, what)
        self.assertEqual(s.metric('assay_collateral_fetches_total{source="pcs",outcome="new"}'), 4)
        self.assertEqual(s.metric('assay_collateral_objects{kind="tcb-info-sgx"}'), 1)
        self.assertGreater(s.metric('assay_collateral_age_seconds{kind="crl-root"}'), 0)
        self.assertGreater(s.metric('assay_collateral_expiry_timestamp_seconds{kind="identity-qe"}'), time.time())
        self.assertGreater(s.metric('assay_collateral_missing_total{fetch="under_way"}') + s.metric('assay_collateral_missing_total{fetch="new"}'), 0)

    def test_nothing_is_fetched_for_a_platform_that_nobody_vouches_for(self):
        s = self.service()
        stranger = simulate(os.path.join(s.made, "stranger"))  # under another root
        s.simulated = stranger
        answer = s.attest()
        self.assertEqual(answer[0], 400)
        self.assertNotIn("Retry-After", answer[2])
        self.assertEqual(s.upstream.asked(), [])

    def test_refresh_ahead_of_expiry(self):
        s = self.service()
        s.attest()
        self.assertEqual(s.attest_until(200)[0], 200, s.text()[-3000:])
        old = s.contents()
        # The same platform and keys a day later, and a margin that makes everything due.
        time.sleep(1.1)
        s.upstream.forget()
        later = simulate(os.path.join(s.made, "later"), "--at", str(int(time.time()) + 86400), *s.seed)
        s.upstream.endorsements = [Endorsements(later)]
        s.change(restart=True, refresh_margin_hours=87600)
        s.wait(lambda: s.metric('assay_collateral_fetches_total{source="pcs",outcome="replaced"}') == 4)
        new = s.contents()
        self.assertEqual(set(old), set(new))
        self.assertEqual(s.attest()[0], 200)
        self.assertGreaterEqual(s.metric("assay_collateral_loads_total"), 1)

    def test_a_tired_source_is_left_alone(self):
        s = self.service()
        s.upstream.behave("/tcb?", "status", times=1, status=429, headers={"Retry-After": "2"})
        first = time.monotonic()
        self.assert_refused(s.attest(), "being fetched")
        s.wait(lambda: s.metric('assay_collateral_fetches_total{source="pcs",outcome="busy"}') == 1)
        self.assertEqual(len(s.upstream.asked()), 1)  # neither that nor anything else before its time
        self.assertEqual(s.attest_until(200)[0], 200, s.text()[-3000:])
        self.assertGreaterEqual(time.monotonic() - first, 2)
        self.assertIn("answered 429; it is asked again in", s.text())

    def test_wrong_answers_change_nothing(self):
        s = self.service()
        other = Endorsements(simulate(os.path.join(s.made, "other")))  # another root
        right = s.upstream.endorsements[0]
        wrong = [
            ("headers", {"headers": {}}, "not at hand"),  # before anything else brought the chain
            ("body", {"body": b"<html>welcome</html>"}, "not what was asked for"),
            ("body", {"body": b""}, "empty"),
            ("body", {"body": right.identity}, "not what was asked for"),
            ("body", {"body": right.tcb_info.replace(right.fmspc.encode(), b"00906ed50000")}, "FMSPC 00906ed50000"),
            ("body", {"body": right.tcb_info.replace(b"UpToDate", b"uptodate", 1)}, "not what was asked for"),
            ("body", {"body": right.tcb_info[:-3] + (b'1"}' if right.tcb_info[-3:] == b'0"}' else b'0"}')}, "signature"),
            ("body", {"body": other.tcb_info}, "signature"),
            ("headers", {"headers": {"TCB-Info-Issuer-Chain": "-----BEGIN%2"}}, "percent-encoded"),
            ("headers", {"headers": {"TCB-Info-Issuer-Chain": "hello"}}, "holds no certificates"),
            ("status", {"status": 302, "headers": {"Location": s.upstream.url + "/elsewhere"}}, "redirects are not followed"),
            ("status", {"status": 500}, "answered 500"),
            ("status", {"status": 404}, "no such thing"),
            ("truncated", {}, "/tcb?"),
            ("status", {"status": 410}, "no such thing"),
            ("huge", {}, "has more than"),
            ("status", {"status": 404}, "no such thing"),
            ("reset", {}, "/tcb?"),
        ]
        for kind, what, reason in wrong:
            with self.subTest(kind=kind, reason=reason):
                s.upstream.good()
                s.upstream.behave("/tcb?", kind, **what)
                s.change()  # forgets what was sought in vain
                seen = len(s.text())
                found = lambda: re.search(r"intel/tcb/sgx/\S+ which a platform needs, was not fetched: (?!it asked)(.*)", s.text()[seen:])
                s.wait(lambda: s.attest() and found())  # a loaded machine may end a request for its time
                self.assertIn(reason, found()[1])
                self.assertEqual([n for n in s.files() if n.startswith("tcbinfo")], [])
                self.assertEqual(s.upstream.asked("/elsewhere"), [])

    def test_last_years_data_is_refused(self):
        s = self.service()
        s.attest()
        self.assertEqual(s.attest_until(200)[0], 200, s.text()[-3000:])
        kept = s.contents()
        last_year = simulate(os.path.join(s.made, "last-year"), "--at", str(int(time.time()) - 300 * 86400), "--evaluation", "15", *s.seed)
        same = simulate(os.path.join(s.made, "older"), "--at", str(int(time.time()) - 5 * 86400), *s.seed)
        s.upstream.endorsements = [Endorsements(last_year), Endorsements(same)]
        s.upstream.forget()
        s.change(restart=True, refresh_margin_hours=87600)
        s.wait(lambda: s.metric('assay_collateral_fetches_total{source="pcs",outcome="older"}') >= 6)
        self.assertEqual(kept, s.contents())
        self.assertEqual(s.attest()[0], 200)

    def test_a_source_that_is_away_or_slow_stops_nobody(self):
        s = self.service()
        s.attest()
        self.assertEqual(s.attest_until(200)[0], 200, s.text()[-3000:])
        s.upstream.behave("", "trickle", pause=0.5)
        s.change(refresh_margin_hours=87600)
        s.wait(lambda: len(s.upstream.asked("/tcb?")) > 1)
        for _ in range(20):
            self.assertEqual(s.attest()[0], 200)
        s.upstream.behaviours[0].kind, s.upstream.behaviours[0].what = "status", {"status": 503}
        s.change(refresh_interval_minutes=30)
        for _ in range(20):
            self.assertEqual(s.attest()[0], 200)
        self.assertEqual(s.stop(), 0)  # though an answer trickles

    def test_what_is_absent_is_remembered(self):
        s = self.service()
        s.upstream.endorsements = []
        s.attest()
        s.wait(lambda: s.metric('assay_collateral_fetches_total{source="pcs",outcome="absent"}') >= 4)
        asked = len(s.upstream.asked())
        for _ in range(50):
            self.assert_refused(s.attest(), "asked lately")
        self.assertEqual(len(s.upstream.asked()), asked)
        self.assertGreaterEqual(s.metric('assay_collateral_missing_total{fetch="in_vain"}'), 50)

    def test_a_caller_has_a_budget(self):
        s = self.service({"refresh_misses": 1})
        s.upstream.endorsements = []
        self.assert_refused(s.attest(), "being fetched")
        # Another baseline is another thing to fetch, and the budget is spent.
        s.change(default_baseline=99)
        self.assert_refused(s.attest(), "Too many")

    def test_known_platforms_are_judged_with_the_network_cut(self):
        """For the whole run: a name space that has loopback alone, with a source that nobody can reach."""
        with tempfile.TemporaryDirectory(prefix="assay-cut-") as folder:
            made = subprocess.run(["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$0" "$@"', sys.executable, os.path.abspath(__file__),
                                   "cut", folder], capture_output=True, timeout=600, text=True)
            if "unshare failed" in made.stderr or "Operation not permitted" in made.stderr:
                self.skipTest("no network name spaces here: " + made.stderr.strip()[:200])
            self.assertEqual(made.returncode, 0, made.stderr[-3000:])
            self.assertIn("judged", made.stdout)

    def test_the_certificate_of_a_chip_comes_from_kds(self):
        """A report without its VCEK: refused, fetched by chip and TCB, judged; one whose chip KDS does not know is not asked for twice."""
        made = tempfile.mkdtemp(prefix="assay-kds-")
        self.addCleanup(shutil.rmtree, made)
        platform, folder = os.path.join(made, "snp"), os.path.join(made, "folder")
        subprocess.run([os.path.join(BUILD, "src/cli/assay"), "simulate", "snp", "--at", str(int(time.time())), "--seed", "11", "-o", platform],
                       check=True, capture_output=True, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        os.mkdir(folder)
        with open(f"{platform}/chain.pem", encoding="ascii") as f:
            vcek, *issuers = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", f.read(), re.S)
        with open(f"{folder}/issuers.pem", "w", encoding="ascii") as f:  # of the simulation; AMD's are built in
            f.write("".join(issuers))
        with open(f"{platform}/snp-report.bin", "rb") as f:
            report = f.read()
        with open(f"{platform}/request.json", encoding="utf-8") as f:
            body = json.load(f)
        body["report"] = b64url(json.dumps({"SnpReport": b64url(report)}).encode())
        path = f"/vcek/v1/Milan/{report[0x1a0:0x1e0].hex()}"
        upstream = Upstream(kds={path: ssl.PEM_cert_to_DER_cert(vcek)})
        self.addCleanup(upstream.close)
        s = Service({"collateral": {"folder": folder, "anchor": f"{platform}/anchor.pem", "refresh": f"kds {upstream.url}",
                                    "refresh_ca": upstream.ca, "refresh_rate": 60000}})
        self.addCleanup(s.remove)
        attest = lambda: s.call("POST", "/attest/SevSnpVm?api-version=2022-08-01", body)  # noqa: E731
        self.assert_refused(attest(), "being fetched")
        s.wait(lambda: attest()[0] == 200)
        reported = report[0x180:0x188]
        query = f"blSPL={reported[0]:02}&teeSPL={reported[1]:02}&snpSPL={reported[6]:02}&ucodeSPL={reported[7]:02}"
        self.assertEqual([f"{path}?{query}"], upstream.asked("/vcek/v1/Milan/" + path.split("/")[-1]))
        stranger = bytearray(report)
        stranger[0x1a0] ^= 1
        body["report"] = b64url(json.dumps({"SnpReport": b64url(bytes(stranger))}).encode())
        self.assertEqual(attest()[0], 400)
        asked = path.replace(path.split("/")[-1], bytes(stranger[0x1a0:0x1e0]).hex())
        s.wait(lambda: len(upstream.asked(asked)) == 1)
        for _ in range(5):
            self.assertEqual(attest()[0], 400)
        time.sleep(0.5)
        self.assertEqual(len(upstream.asked(asked)), 1)

    def test_killed_while_it_fetches(self):
        s = self.service()
        for _ in range(8):
            for name in os.listdir(s.collateral):
                if not name.startswith("."):
                    os.remove(os.path.join(s.collateral, name))
            s.attest()
            time.sleep(0.05)
            s.kill()
            good = [n for n in s.files() if not n.endswith((".json", ".pem", ".der", ".crl"))]
            self.assertEqual(good, [])
            s.start()
        s.attest()
        self.assertEqual(s.attest_until(200)[0], 200, s.text()[-3000:])


def with_the_network_cut(folder):
    """Within the name space: nothing but loopback, from the first start to the end."""
    with open("/proc/net/dev", encoding="utf-8") as f:
        assert [line.split(":")[0].strip() for line in f if ":" in line] == ["lo"]
    kinds = {"sgx": ("SgxEnclave", "2022-08-01"), "tdx": ("TdxVm", "2025-06-01"), "snp": ("SevSnpVm", "2022-08-01")}
    platforms = {tee: os.path.join(folder, tee) for tee in kinds}
    for tee, where in platforms.items():
        subprocess.run([os.path.join(BUILD, "src/cli/assay"), "simulate", tee, "--at", str(int(time.time())), "--seed", "9", "-o", where], check=True, capture_output=True, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    everything = os.path.join(folder, "everything")
    os.mkdir(everything)
    for tee, where in platforms.items():
        for name in os.listdir(os.path.join(where, "collateral")):
            shutil.copy(os.path.join(where, "collateral", name), os.path.join(everything, f"{tee}-{name}"))
    s = Service({"collateral": {"folder": everything, "anchor": "\nanchor = ".join(os.path.join(p, "anchor.pem") for p in platforms.values()),
                                "refresh": "pcs, kds", "refresh_margin_hours": 87600}})
    try:
        for tee, (path, version) in kinds.items():
            with open(os.path.join(platforms[tee], "request.json"), encoding="utf-8") as f:
                body = json.load(f)
            for _ in range(50):
                status, answer, _, raw = s.call("POST", f"/attest/{path}?api-version={version}", dict(body, nonce=os.urandom(8).hex()))
                assert status == 200 and answer["token"], (tee, raw[:1000])
            print(f"judged 50 of {tee}")
        _, _, _, metrics = s.call("GET", "/metrics")
        unreachable = re.search(r'source="pcs",outcome="unreachable"} (\d+)', metrics.decode())
        assert int(unreachable[1]) > 0, "nothing was refreshed, so nothing was tried"
        assert "is served on" in s.text(), s.text()[-2000:]
    finally:
        s.remove()


if __name__ == "__main__":
    if sys.argv[1:2] == ["cut"]:
        with_the_network_cut(sys.argv[2])
    else:
        unittest.main()
