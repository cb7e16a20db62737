"""assayd as a cache of endorsements for other tools: the paths of PCS, PCCS, KDS and THIM, asked with Python's own client."""
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from service_case import Service

SHARED = Path(os.environ.get("ASSAY_SHARED") or "no-corpus")
PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.S)


def ders(pem):
    return [base64.b64decode(b"".join(block.strip().splitlines()[1:-1])) for block in PEM.findall(pem)]


def same_name(headers):
    return {k.lower(): v for k, v in headers}


# What a cache with everything of the corpus gives out, all of it in date on one day.
NEWEST_SETS = ("tdx-b0c06f000000-e20-20260813", "sgx-00606a000000-e21-20260605")


def phala():
    """The folder of the npm package, installed below the build folder where it is not there yet; None without node or npm."""
    build = Path(os.environ.get("ASSAY_BUILD", "build/test")).resolve()
    if not shutil.which("node"):
        return None
    for folder in (build / "clients", build / "phala"):
        if (folder / "node_modules/@phala/dcap-qvl").is_dir():
            return folder / "node_modules/@phala/dcap-qvl"
    if shutil.which("npm"):
        (build / "phala").mkdir(exist_ok=True)
        subprocess.run(["npm", "install", "--prefix", ".", "--no-audit", "--no-fund", "@phala/dcap-qvl@0.3.9"], cwd=build / "phala", capture_output=True)
    found = build / "phala/node_modules/@phala/dcap-qvl"
    return found if found.is_dir() else None


class Serving(unittest.TestCase):
    """Over simulated endorsements, whose root the operator trusts."""

    @classmethod
    def setUpClass(cls):
        cls.service = Service({"collateral": {"serve": "on"}})
        cls.folder = Path(cls.service.simulated) / "collateral"
        cls.info = next(p.read_bytes() for p in cls.folder.iterdir() if b'"tcbInfo"' in p.read_bytes())
        cls.identity = next(p.read_bytes() for p in cls.folder.iterdir() if b'"enclaveIdentity"' in p.read_bytes())
        cls.fmspc = json.loads(cls.info)["tcbInfo"]["fmspc"]
        cls.number = json.loads(cls.info)["tcbInfo"]["tcbEvaluationDataNumber"]

    @classmethod
    def tearDownClass(cls):
        cls.service.remove()

    def get(self, path, status=200, method="GET"):
        c = self.service.connect()
        c.request(method, path)
        r = c.getresponse()
        body, headers = r.read(), same_name(r.getheaders())
        c.close()
        self.assertEqual(status, r.status, (path, body[:200]))
        self.assertTrue(headers["request-id"])
        if status != 200:
            self.assertTrue(headers["content-type"].startswith("text/plain"), path)
        return body, headers

    def test_documents_are_the_bytes_that_were_signed(self):
        for path, body, header in ((f"/sgx/certification/v4/tcb?fmspc={self.fmspc}", self.info, "tcb-info-issuer-chain"),
                                   ("/sgx/certification/v4/qe/identity", self.identity, "sgx-enclave-identity-issuer-chain"),
                                   ("/sgx/certification/v3/qe/identity", self.identity, "sgx-enclave-identity-issuer-chain")):
            found, headers = self.get(path)
            self.assertEqual(body, found)
            self.assertEqual("application/json", headers["content-type"])
            self.assertNotRegex(headers[header], r"[ +/=\n]")
            chain = urllib.parse.unquote(headers[header]).encode()
            self.assertEqual(ders(next(p.read_bytes() for p in self.folder.iterdir() if "chain" in p.name)), ders(chain))
            self.assertEqual(2, len(ders(chain)))
            self.assertRegex(headers["cache-control"], r"^max-age=\d+$")
            found, headers = self.get(path, method="HEAD")
            self.assertEqual(b"", found)

    def test_parameters(self):
        tcb = f"/sgx/certification/v4/tcb?fmspc={self.fmspc}"
        n = self.number
        for query in ("&update=standard", "&update=EARLY", f"&tcbEvaluationDataNumber={n}", "&clientid=production_client&api-version=2018-10-01-preview",
                      f"&fmspc={'f' * 12}", f"&tcbEvaluationDataNumber={n}&tcbEvaluationDataNumber=3"):
            self.assertEqual(self.info, self.get(tcb + query)[0])
        self.assertEqual(self.info, self.get(f"/sgx/certification/v4/tcb?fmspc={self.fmspc.lower()}")[0])
        self.assertEqual(self.info, self.get(f"/sgx/certification/v4/tcb?FMSPC={self.fmspc.upper()}")[0])
        for query, status in (("&update=late", 400), ("&tcbEvaluationDataNumber=x", 400), ("&tcbEvaluationDataNumber=99999999999999999999", 400),
                              (f"&update=early&tcbEvaluationDataNumber={n}", 400), (f"&tcbEvaluationDataNumber={n - 1}", 410), (f"&tcbEvaluationDataNumber={n + 1}", 404)):
            self.get(tcb + query, status)
        for path, status in (("tcb", 400), ("tcb?fmspc=12", 400), ("tcb?fmspc=" + "g" * 12, 400), ("tcb?fmspc=" + "f" * 12, 404), ("pckcrl", 400),
                             ("pckcrl?ca=both", 400), ("pckcrl?ca=processor", 404), ("crl", 400), ("crl?uri=https://example.com/x.crl", 400),
                             ("crl?uri=" + "https://certificates.trustedservices.intel.com/" + "x" * 2048, 400), ("qve/identity", 404), ("nothing", 404),
                             ("pckcert?qeid=00&cpusvn=00&pcesvn=00&pceid=0000", 461), ("tcbevaluationdatanumbers", 404)):
            self.get("/sgx/certification/v4/" + path, status)
        self.assertIn(b"No cache data", self.get("/tdx/certification/v4/qe/identity", 404)[0])
        self.get(f"/tdx/certification/v4/tcb?fmspc={self.fmspc}", 404)
        self.get(f"/tdx/certification/v3/tcb?fmspc={self.fmspc}", 404)
        self.get(f"/sgx/certification/v3/tcb?fmspc={self.fmspc}", 404)  # there is no TCB info of version 2
        for path in ("/sgx/certification/v5/tcb", "/sgx/certification/v", "/sgx/certification/v44/tcb", "/vcek/v1/", "/vcek/v1/Athlon/crl", "/SevSnpVM/certificates/"):
            self.get(path, 400 if "SevSnpVM" in path else 404)
        headers = self.get("/sgx/certification/v4/rootcacrl", 405, "POST")[1]
        self.assertEqual("GET, HEAD", headers["allow"])

    def test_root_crl_is_hexadecimal_text(self):
        der = (self.folder / "root.crl").read_bytes()
        der = base64.b64decode(b"".join(der.strip().splitlines()[1:-1])) if der.startswith(b"-----") else der
        body, headers = self.get("/sgx/certification/v4/rootcacrl")
        self.assertEqual(der.hex().encode(), body)
        self.assertEqual("application/pkix-crl", headers["content-type"])
        for uri in ("https://certificates.trustedservices.intel.com/IntelSGXRootCA.der", "https://certificates.trustedservices.intel.com/intelsgxrootca.crl"):
            for path in ("crl", "pckcrl"):
                self.assertEqual(der, self.get(f"/sgx/certification/v4/{path}?uri={urllib.parse.quote(uri, safe='')}&clientid=x")[0])

    def test_a_reload_swaps_what_is_served(self):
        """The PCK authority stands in the quote; with it in the folder the PCK CRL can be served."""
        self.get("/sgx/certification/v4/pckcrl?ca=platform&encoding=der", 404)
        chain = PEM.findall((Path(self.service.simulated) / "quote.bin").read_bytes())
        (self.folder / "authority.pem").write_bytes(b"".join(chain[1:]))
        before = self.service.text().count("were read again")
        self.service.process.send_signal(signal.SIGHUP)
        self.service.wait(lambda: self.service.text().count("were read again") > before)
        crl = (self.folder / "pck.crl").read_bytes()
        der = base64.b64decode(b"".join(crl.strip().splitlines()[1:-1])) if crl.startswith(b"-----") else crl
        body, headers = self.get("/sgx/certification/v4/pckcrl?ca=Platform&encoding=DER")
        self.assertEqual((der, "application/pkix-crl"), (body, headers["content-type"]))
        self.assertEqual(ders(b"".join(chain[1:])), ders(urllib.parse.unquote(headers["sgx-pck-crl-issuer-chain"]).encode()))
        body, headers = self.get("/sgx/certification/v4/pckcrl?ca=PLATFORM")
        self.assertEqual((der.hex().encode(), "application/x-pem-file"), (body, headers["content-type"]))

    def test_the_data_plane_is_as_before(self):
        self.assertEqual(200, self.service.call("GET", "/certs")[0])


class Off(unittest.TestCase):
    def test_nothing_is_served_unless_told(self):
        service = Service()
        self.addCleanup(service.remove)
        for path in ("/sgx/certification/v4/rootcacrl", "/vcek/v1/Milan/crl"):
            self.assertEqual(404, service.call("GET", path)[0])


@unittest.skipUnless(SHARED.is_dir(), "no corpus: ASSAY_SHARED")
class Genuine(unittest.TestCase):
    """Intel's and AMD's own, from a signed bundle without any folder."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="assay-serving-"))
        (cls.folder / "all").mkdir()
        evidence = SHARED / "evidence"
        for path in (*(evidence / "collateral").glob("*.*"), *(evidence / "collateral/chains").glob("*.pem"), *(evidence / "snp/certs").glob("*.der"),
                     *(evidence / "snp/crl").glob("*.der")):
            if path.suffix in (".der", ".json", ".pem"):
                shutil.copy(path, cls.folder / "all")
        assay = os.path.join(os.environ.get("ASSAY_BUILD", "build/test"), "src/cli/assay")
        for args in (("key", "-o", "key"), ("export", "all", "-o", "bundle", "--key", "key")):
            subprocess.run([os.path.abspath(assay), "collateral", *args], check=True, capture_output=True, cwd=cls.folder)
        cls.service = Service({"collateral": {"serve": "on", "bundle": cls.folder / "bundle", "bundle_key": f"{cls.folder}/key.pub"}})

    @classmethod
    def tearDownClass(cls):
        cls.service.remove()
        shutil.rmtree(cls.folder)

    get = Serving.get

    def test_intel(self):
        known = {}
        for path in (SHARED / "evidence/collateral").glob("*.json"):
            known[path.read_bytes()] = path.name
        for path, begin in (("/sgx/certification/v4/tcb?fmspc=00606a000000&update=early", "tcbinfo-v3-sgx-00606a000000-e21-20260730"),
                            ("/sgx/certification/v4/tcb?fmspc=00606A000000&tcbEvaluationDataNumber=17", "tcbinfo-v3-sgx-00606a000000-e17-20250815"),
                            ("/sgx/certification/v3/tcb?fmspc=00906ed50000&tcbEvaluationDataNumber=10", "tcbinfo-v2-sgx-00906ed50000-e10"),
                            ("/tdx/certification/v4/tcb?fmspc=b0c06f000000", "tcbinfo-v3-tdx-b0c06f000000-e20"),
                            ("/tdx/certification/v4/qe/identity", "qeid-tdqe-e19"), ("/sgx/certification/v4/qe/identity?update=early", "qeid-qe-e21-20260730"),
                            ("/sgx/certification/v4/qve/identity", "qeid-qve-e17"), ("/metadata/THIM/sgx/certification/v4/qe/identity?tcbEvaluationDataNumber=17", "qeid-qe-e17")):
            body, headers = self.get(path)
            self.assertTrue(known[body].startswith(begin), (path, known[body]))
        self.get("/sgx/certification/v4/tcb?fmspc=00606a000000&tcbEvaluationDataNumber=9", 410)
        for ca in ("processor", "platform"):
            body, headers = self.get(f"/sgx/certification/v4/pckcrl?ca={ca}&encoding=der")
            self.assertIn(body, [p.read_bytes() for p in (SHARED / "evidence/collateral").glob(f"crl-{ca}-2026*.der")])
            self.assertEqual(2, len(ders(urllib.parse.unquote(headers["sgx-pck-crl-issuer-chain"]).encode())))

    def test_amd(self):
        certs = SHARED / "evidence/snp/certs"
        for product in ("milan", "Genoa", "Turin"):
            body, headers = self.get(f"/vcek/v1/{product}/cert_chain")
            low = product.lower()
            self.assertEqual([(certs / f"{low}-ask.der").read_bytes(), (certs / f"{low}-ark.der").read_bytes()], ders(body))
            self.assertEqual((certs / f"{low}-asvk.der").read_bytes(), ders(self.get(f"/vlek/v1/{product}/cert_chain")[0])[0])
        for product in ("Milan", "Genoa"):
            crl = next((SHARED / "evidence/snp/crl").glob(f"{product.lower()}*.der")).read_bytes()
            self.assertEqual((crl, "application/pkix-crl"), (self.get(f"/vcek/v1/{product}/crl")[0], self.get(f"/vlek/v1/{product}/crl")[1]["content-type"]))
        self.get("/vcek/v1/Turin/crl", 404)
        self.get("/vlek/v1/Milan/cert?blSPL=3&teeSPL=0&snpSPL=8&ucodeSPL=115", 404)

    def test_vceks(self):
        """By chip and TCB, which the command line read from the certificates."""
        assay = os.path.join(os.environ.get("ASSAY_BUILD", "build/test"), "src/cli/assay")
        shown = json.loads(subprocess.run([assay, "collateral", "show", str(self.folder / "bundle"), "--json"], check=True, capture_output=True).stdout)
        vceks = [o for o in shown["objects"] if o["kind"] == "vcek"]
        files = {p.read_bytes() for p in (SHARED / "evidence/snp/certs").glob("vcek*.der")}
        self.assertGreater(len(vceks), 20)
        for o in vceks:
            tcb = bytes.fromhex(o["tcb"])[::-1]  # as reports hold it
            spl = dict(fmcSPL=tcb[0], blSPL=tcb[1], teeSPL=tcb[2], snpSPL=tcb[3], ucodeSPL=tcb[7]) if o["product"] == "Turin" else \
                dict(blSPL=tcb[0], teeSPL=tcb[1], snpSPL=tcb[6], ucodeSPL=tcb[7])
            for text in (lambda n: str(n), lambda n: f"{n:02}"):
                body, _ = self.get(f"/vcek/v1/{o['product']}/{o['hwid']}?" + "&".join(f"{k}={text(v)}" for k, v in spl.items()))
                self.assertIn(body, files)
            chain = ders(self.get(f"/SevSnpVM/certificates/{o['hwid'].upper()}/{o['tcb']}?api-version=2020-10-15-preview&clientId=ConfidentialACI")[0])
            self.assertEqual((3, body), (len(chain), chain[0]))
        told = json.loads(self.get(f"/metadata/THIM/amd/certification?tcbVersion={o['tcb']}&platformId={o['hwid']}")[0])
        self.assertEqual(["vcekCert", "tcbm", "certificateChain", "cacheControl"], list(told))
        self.assertEqual((chain[:1], chain[1:]), (ders(told["vcekCert"].encode()), ders(told["certificateChain"].encode())))
        query = "&".join(f"{k}={v}" for k, v in spl.items())
        for path, status in ((f"{o['hwid']}", 400), (f"{o['hwid'][:-2]}?{query}", 400), (f"{o['hwid']}?{query.replace('SPL=', 'SPL=9', 1)}", 404),
                             (f"{o['hwid']}?{query.replace('SPL=', 'SPL=x', 1)}", 400), (f"{o['hwid']}?{query.replace('SPL=', 'SPL=999', 1)}", 400)):
            self.get(f"/vcek/v1/{o['product']}/{path}", status)

    def test_a_real_client(self):
        """The verifier of Phala fetches from us as from any PCCS, and accepts quotes by what it got."""
        package = phala()
        if not package:
            self.skipTest("no node, or @phala/dcap-qvl cannot be installed")
        rows = [line.split("\t") for line in (SHARED / "evidence/VERDICTS-intel.tsv").read_text().splitlines()]
        rows = [r for r in rows if r[1].startswith(NEWEST_SETS) and r[3] in ("UpToDate", "OutOfDate", "SWHardeningNeeded")]
        wanted = [r[3] for r in rows]
        quotes = [SHARED / "evidence" / r[0] for r in rows]
        script = """
            const q = require(process.argv[1]), fs = require('fs');
            (async () => {
                for (const file of process.argv.slice(3)) {
                    const quote = fs.readFileSync(file);
                    const collateral = await q.getCollateral(process.argv[2], quote);
                    try {
                        console.log(q.verify(quote, collateral, AT).status);
                    } catch (e) {
                        if (!e.message.includes('Debug mode')) throw e;
                        console.log('debug');  // it takes no debug enclave; what we gave it was in order
                    }
                }
            })().catch(e => { console.error(e); process.exit(1); });
        """.replace("AT", str(int(datetime(2026, 8, 20, tzinfo=timezone.utc).timestamp())))
        run = subprocess.run(["node", "-e", script, str(package), f"https://localhost:{self.service.port}/sgx/certification/v4/", *map(str, quotes)],
                             capture_output=True, text=True, env=dict(os.environ, NODE_EXTRA_CA_CERTS=self.service.ca))
        self.assertEqual(0, run.returncode, run.stderr)
        found = run.stdout.split()
        self.assertEqual([w for w, f in zip(wanted, found) if f != "debug"], [f for f in found if f != "debug"])
        self.assertEqual(len(wanted), len(found))
        self.assertLessEqual({"UpToDate", "OutOfDate", "SWHardeningNeeded"}, set(found))

    def test_a_bundle_of_another_key_is_refused(self):
        subprocess.run([os.path.join(os.environ.get("ASSAY_BUILD", "build/test"), "src/cli/assay"), "collateral", "key", "-o", str(self.folder / "other")], check=True)
        config = Path(self.service.config).read_text().replace("/key.pub", "/other.pub")
        before = self.service.text().count("nothing was reloaded")
        Path(self.service.config).write_text(config)
        self.service.process.send_signal(signal.SIGHUP)
        self.service.wait(lambda: self.service.text().count("nothing was reloaded") > before)
        self.assertIn("is not signed by the key", self.service.text())
        Path(self.service.config).write_text(config.replace("/other.pub", "/key.pub"))
        self.get("/sgx/certification/v4/rootcacrl")


if __name__ == "__main__":
    unittest.main()
