"""assayd hand-over as an operator runs it: on a machine that is no TEE nothing is given out; between two whose hardware a stand-in plays
(tests/hand_over) the key goes over, and the second node goes on where the first one was."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from service_case import BUILD, Service, ServiceCase

ASSAYD = os.path.join(BUILD, "src/service/assayd")


class HandOver(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="assay-hand-over-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.key = os.path.join(self.folder, "sealing.key")
        self.config = os.path.join(self.folder, "assayd.conf")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"[server]\ncertificate = {self.folder}/none\nprivate_key = {self.folder}/none\nuser = nobody\n[provider one]\nissuer = https://one.example\n"
                    f"[store]\nurl = sqlite:{self.folder}/assay.db\n[keys]\nsealing_key = {self.key}\nevidence = none\n")

    def run_step(self, *arguments, given=b""):
        # The leak checker needs a process that can be traced; these cannot.
        return subprocess.run([ASSAYD, "hand-over", *arguments], input=given, capture_output=True, check=False, timeout=120,
                              env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})

    def refused(self, done, reason):
        self.assertEqual((1, b""), (done.returncode, done.stdout), done.stderr)
        self.assertIn(reason, done.stderr.decode())

    def test_no_tee_offers_nothing(self):
        self.refused(self.run_step("offer", "--config", self.config), "this machine is no TEE")
        self.assertEqual(["assayd.conf"], os.listdir(self.folder))  # no secret of an offer that never was

    def test_what_is_no_offer_gets_no_grant(self):
        with open(os.open(self.key, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write(os.urandom(32).hex() + "\n")
        for given in (b"", b"an offer", b"\0" * 1024, b"\xff" * (64 * 1024)):
            self.refused(self.run_step("grant", "--config", self.config, given=given), "handover.shape")
        self.assertEqual({"assayd.conf", "sealing.key"}, set(os.listdir(self.folder)))

    def test_nobody_asked_for_a_grant(self):
        self.refused(self.run_step("accept", "--config", self.config, given=b"a grant"), "offer")
        self.assertFalse(os.path.exists(self.key))

    def test_misuse(self):
        for arguments in ((), ("give", "--config", self.config), ("offer",), ("offer", "--config", self.config, "more")):
            done = self.run_step(*arguments)
            self.assertEqual(1, done.returncode)
            self.assertIn("Usage: assayd", done.stderr.decode())


class Nodes(unittest.TestCase):
    """Each has a folder with its configuration, its key file, and the word that says what runs there."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="assay-hand-over-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        programs = os.path.join(self.folder, "programs")
        os.mkdir(programs)
        for source, name in (("service/assayd", "assayd"), ("core/assay-verifier", "assay-verifier"), ("core/assay-signer", "assay-signer")):
            shutil.copy(os.path.join(BUILD, "src", source), os.path.join(programs, name))
        shutil.copy(os.path.join(BUILD, "tests/hand_over/assay-sealer-simulated"), os.path.join(programs, "assay-sealer"))
        self.assayd = os.path.join(programs, "assayd")
        self.key = {}
        for name in ("old", "new"):
            os.mkdir(os.path.join(self.folder, name))
            self.key[name] = self.path(name, "sealing.key")
            self.runs(name, "sgx")
            with open(self.path(name, "assayd.conf"), "w", encoding="utf-8") as f:
                f.write(f"[server]\ncertificate = none\nprivate_key = none\nuser = nobody\n[provider one]\nissuer = https://one.example\n"
                        f"[store]\nurl = sqlite:{self.path(name, 'assay.db')}\n[keys]\nsealing_key = {self.key[name]}\n"
                        f"evidence = tsm\nevidence_path = {self.path(name, 'tee')}\n")
        with open(os.open(self.key["old"], os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write(os.urandom(32).hex() + "\n")

    def path(self, node, name):
        return os.path.join(self.folder, node, name)

    def runs(self, node, what):
        with open(self.path(node, "tee"), "w", encoding="ascii") as f:
            f.write(what)

    def step(self, node, verb, given=b""):
        done = subprocess.run([self.assayd, "hand-over", verb, "--config", self.path(node, "assayd.conf")], input=given, capture_output=True,
                              check=False, timeout=120, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
        self.assertNotIn("Sanitizer", done.stderr.decode())
        return done

    def done(self, node, verb, given=b""):
        done = self.step(node, verb, given)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def refused(self, reason, node, verb, given=b""):
        done = self.step(node, verb, given)
        self.assertEqual((1, b""), (done.returncode, done.stdout), done.stderr)
        self.assertIn(reason, done.stderr.decode())
        self.assertFalse(os.path.exists(self.key["new"]))

    def hand_over(self):
        granted = self.step("old", "grant", self.done("new", "offer"))
        taken = self.step("new", "accept", granted.stdout)
        self.assertEqual((0, 0), (granted.returncode, taken.returncode), granted.stderr + taken.stderr)
        names = [re.search(r"root key ((?:[0-9a-f]{4}-){4}[0-9a-f]{4})[ ,]", done.stderr.decode()) for done in (granted, taken)]
        self.assertEqual(names[0].group(1), names[1].group(1))
        with open(self.key["old"], "rb") as old, open(self.key["new"], "rb") as new:
            self.assertEqual(old.read().split()[-1], new.read().split()[-1])
        self.assertEqual(0o600, os.stat(self.key["new"]).st_mode & 0o777)

    def test_all_kinds_of_hardware(self):
        for what in ("sgx", "tdx", "snp"):
            self.runs("old", what)
            self.runs("new", what)
            self.hand_over()
            os.remove(self.key["new"])

    def test_another_node_gets_nothing(self):
        for what, check in (("tdx", "handover.measurement"), ("snp", "handover.measurement"), ("sgx-otherwise", "handover.configuration"),
                            ("sgx-forged", "sgx.quote.signature")):
            self.runs("new", what)
            offer = self.step("new", "offer")
            if offer.returncode == 0:
                self.refused(check, "old", "grant", offer.stdout)
            else:  # it judges itself first
                self.assertIn(check, offer.stderr.decode())
        self.runs("new", "sgx-debug")
        self.refused("may be debugged", "new", "offer")
        self.assertFalse(os.path.exists(self.key["old"] + ".granted"))

    def test_the_new_node_is_judged_as_it_is_when_it_accepts(self):
        offer = self.done("new", "offer")
        grant = self.done("old", "grant", offer)
        self.runs("new", "sgx-otherwise")
        self.refused("handover.configuration", "new", "accept", grant)
        self.runs("new", "sgx")
        self.done("new", "accept", grant)

    def test_each_offer_has_one_grant_and_each_grant_one_offer(self):
        first = self.done("new", "offer")
        of_first = self.done("old", "grant", first)
        self.refused("handover.fresh", "old", "grant", first)
        second = self.done("new", "offer")
        self.refused("handover.answer", "new", "accept", of_first)
        grant = self.done("old", "grant", second)
        for place in (20, 60, 90, 150, 300, len(grant) // 2):
            changed = bytearray(grant)
            changed[place] ^= 1
            self.refused("", "new", "accept", bytes(changed))
        self.done("new", "accept", grant)
        done = self.step("new", "accept", grant)
        self.assertEqual(1, done.returncode)
        self.assertIn("there is a key file", done.stderr.decode())

    def test_the_installed_program_trusts_no_simulated_hardware(self):
        """The stand-in's offer and grant are good in all but the root that vouches for them."""
        offer = self.done("new", "offer")
        done = subprocess.run([ASSAYD, "hand-over", "grant", "--config", self.path("old", "assayd.conf")], input=offer, capture_output=True, check=False,
                              timeout=120, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
        self.assertEqual((1, b""), (done.returncode, done.stdout))
        self.assertIn("the offer is refused: intel.pck.anchor", done.stderr.decode())

    def test_the_second_node_goes_on_where_the_first_one_was(self):
        first = Service(settings={"core": {"pairs": 1}})
        self.addCleanup(first.remove)
        case = ServiceCase()
        head, _ = case.assert_token(first.attest())
        token = first.attest()[1]["token"]
        listed = first.call("GET", "/certs")[1]
        self.assertEqual(0, first.stop())
        shutil.copy(os.path.join(first.folder, "state/sealing.key"), self.key["old"])
        shutil.copy(os.path.join(first.folder, "state/assay.db"), self.path("new", "assay.db"))
        self.hand_over()
        with open(first.config, encoding="utf-8") as f:
            text = f.read()
        for old, new in (("sealing.key", self.key["new"]), ("assay.db", self.path("new", "assay.db"))):
            self.assertIn(f"{first.folder}/state/{old}", text)
            text = text.replace(f"{first.folder}/state/{old}", new)
        with open(first.config, "w", encoding="utf-8") as f:
            f.write(text)
        os.remove(os.path.join(first.folder, "state/sealing.key"))
        first.start()
        self.assertEqual(listed, first.call("GET", "/certs")[1])
        again, _ = case.assert_token(first.attest())
        self.assertEqual((head["kid"], head["x5c"] if "x5c" in head else None), (again["kid"], again["x5c"] if "x5c" in again else None))
        path = os.path.join(self.folder, "token.jwt")
        with open(path, "w", encoding="ascii") as f:
            f.write(token)
        done = subprocess.run([os.path.abspath(os.path.join(BUILD, "src/cli/assay")), "token", "verify", path, "--issuer", f"https://localhost:{first.port}"],
                              capture_output=True, text=True, check=False, timeout=60,
                              env={**os.environ, "NODE_EXTRA_CA_CERTS": first.ca})
        self.assertEqual(0, done.returncode, done.stderr)


if __name__ == "__main__":
    unittest.main()
