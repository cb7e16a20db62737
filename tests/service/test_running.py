"""assayd over its life: starts that cannot succeed, what SIGHUP changes, several providers, signers that end."""
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

from service_case import BUILD, Service, ServiceCase


def alive(pid):
    """Whether the process still runs: one that ended may stay listed as a zombie until someone asks for its status."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class Starts(unittest.TestCase):
    """With the parts of one development run."""

    @classmethod
    def setUpClass(cls):
        cls.service = Service({})
        cls.service.stop()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.service.folder)

    def start(self, change):
        """Exit status and what was said, with the configuration changed by a function over its text."""
        with open(self.service.config, encoding="utf-8") as f:
            text = change(f.read())
        path = os.path.join(self.service.folder, "changed.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        done = subprocess.run([os.path.join(BUILD, "src/service/assayd"), "--config", path], capture_output=True, text=True, timeout=60,
                              env=self.service.env, check=False)
        return done.returncode, done.stderr

    def assert_fails(self, change, *words):
        code, said = self.start(change)
        self.assertEqual(code, 1, said)
        for word in words:
            self.assertIn(word, said)

    def state(self, name):
        return os.path.join(self.service.folder, "state", name)

    def test_a_key_that_others_can_read(self):
        os.chmod(self.state("sealing.key"), 0o644)
        try:
            self.assert_fails(lambda text: text, "sealing.key", "mode 0600", "do not start")
        finally:
            os.chmod(self.state("sealing.key"), 0o600)

    def test_a_key_that_is_none(self):
        with open(self.state("none.key"), "w", encoding="utf-8") as f:
            f.write("nonsense\n")
        os.chmod(self.state("none.key"), 0o600)
        self.assert_fails(lambda text: text.replace("sealing.key", "none.key"), "do not start")

    def test_a_folder_for_the_key_that_is_not_there(self):
        self.assert_fails(lambda text: text.replace("sealing.key", "nowhere/sealing.key"), "nowhere/sealing.key", "do not start")

    def test_files_that_are_not_there(self):
        self.assert_fails(lambda text: text.replace("server.pem", "other.pem"), "other.pem")
        self.assert_fails(lambda text: text.replace("simulated/collateral", "simulated/other"), "simulated/other")
        self.assert_fails(lambda text: text.replace("anchor.pem", "other.pem"), "other.pem")
        self.assert_fails(lambda text: text.replace("state/issuer.jwks", "state/other"), "state/other")

    def test_keys_of_an_issuer_that_are_none(self):
        with open(self.state("none.jwks"), "w", encoding="utf-8") as f:
            f.write('{"keys":[{"kty":"oct","k":"AAAA"}]}')
        self.assert_fails(lambda text: text.replace("state/issuer.jwks", "state/none.jwks"), "none.jwks", "no key of the set can be used")

    def test_settings_for_callers(self):
        for section, wrong, reason in (
                ("issuer a", {"url": "http://a.example"}, "https://"), ("issuer a", {"url": "https://a.example/\"x"}, "https://"),
                ("issuer a", {"refresh_seconds": "0"}, "from 1 to 86400"), ("issuer a", {"private_addresses": "yes"}, "on or off"),
                ("issuer a", {"url": "x509:abc"}, "hash of a CA's key"), ("issuer a", {"url": "https://a.example"}, "needs url and subscriptions"),
                ("issuer a", {"subscriptions": "all"}, "needs url and subscriptions"), ("issuer a", {"subscriptions": "a,,b"}, "commas between"),
                ("issuer a", {"subscriptions": "a/b"}, "commas between"),
                ("issuer a", {"colour": "red"}, "url, audiences"),
                ("issuer a", {"url": "https://localhost/assay/development", "subscriptions": "all", "jwks_file": "x"}, "two issuers have the url"),
                ("assignment a", {"issuer": "development", "subject": "a", "role": "Owner"}, "[assignment a] needs"),
                ("assignment a", {"issuer": "development", "role": "Owner", "scope": "/"}, "[assignment a] needs"),
                ("assignment a", {"subject": "a", "group": "b"}, "one of subject, group and role_claim"),
                ("assignment a", {"issuer": "nobody", "subject": "a", "role": "Owner", "scope": "/"}, "no section [issuer nobody]"),
                ("assignment a", {"role": "King"}, "Attestation Reader"), ("assignment a", {"scope": "/subscriptions/"}, "resource id of a provider"),
                ("provider b/c", {"issuer": "https://b.example"}, "names without blanks"),
                ("provider b", {"issuer": "https://b.example", "group": "a%2fb"}, "names without blanks")):
            with self.subTest(section=section, wrong=wrong):
                self.assert_fails(lambda text: text + f"[{section}]\n" + "".join(f"{k} = {v}\n" for k, v in wrong.items()), reason)

    def test_a_port_that_is_taken(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", self.service.port))
            s.listen()
            self.assert_fails(lambda text: text, f"port {self.service.port}")

    def test_usage(self):
        program = os.path.join(BUILD, "src/service/assayd")
        for arguments in ([], ["--dev", "--config", "x"], ["--dev", "--port", "x"], ["--dev", "--port", "65536"], ["--nonsense"], ["--dev", "x"]):
            done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual((done.returncode, done.stdout), (1, ""), arguments)
            self.assertIn("usage: assayd", done.stderr)
        for argument in ("--help", "--version"):
            done = subprocess.run([program, argument], capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        for program in ("assay-verifier", "assay-signer"):  # not to be started by hand
            done = subprocess.run([os.path.join(BUILD, "src/core", program)], capture_output=True, text=True, timeout=20, check=False,
                                  stdin=subprocess.DEVNULL, env=self.service.env)
            self.assertEqual(done.returncode, 1)
            self.assertIn("started by assayd", done.stderr)


class Processors(unittest.TestCase):
    """Where pairs run."""

    def places(self, pairs):
        """For each program, the processors that its processes may use."""
        service = Service({"core": {"pairs": pairs}})
        try:
            return {name: sorted(sorted(os.sched_getaffinity(pid)) for pid in pids) for name, pids in service.children().items()}
        finally:
            service.remove()

    def test_each_pair_keeps_to_one_where_there_are_as_many(self):
        alone = [[cpu] for cpu in sorted(os.sched_getaffinity(0))]
        self.assertEqual(self.places(len(alone)), {"assay-verifier": alone, "assay-signer": alone})

    def test_another_number_runs_anywhere(self):
        every = sorted(os.sched_getaffinity(0))
        anywhere = [every] * (len(every) + 1)
        self.assertEqual(self.places(len(every) + 1), {"assay-verifier": anywhere, "assay-signer": anywhere})


class Reload(ServiceCase):
    settings = {"core": {"pairs": 1}}

    def setUp(self):
        with open(self.service.config, encoding="utf-8") as f:
            self.good = f.read()

    def tearDown(self):
        self.hang_up(self.good)

    def hang_up(self, text):
        """What the log says about a new configuration."""
        with open(self.service.config, "w", encoding="utf-8") as f:
            f.write(text)
        before = len(self.service.text())
        self.service.process.send_signal(signal.SIGHUP)
        self.service.wait(lambda: " again\n" in self.service.text()[before:] or "nothing was reloaded" in self.service.text()[before:])
        return self.service.text()[before:]

    def test_limits_and_rules_change(self):
        self.assert_token(self.service.attest())
        log = self.hang_up(self.good.replace("[server]", "[server]\nbody_bytes = 2000"))
        self.assertIn("read again", log)
        self.assert_error(self.service.attest(), 413, "RequestEntityTooLarge")
        log = self.hang_up(self.good.replace("[collateral]", "[collateral]\ndefault_baseline = 77"))
        self.assertIn("read again", log)
        self.assertIn("77", self.assert_error(self.service.attest(), 400, "InvalidParameter"))
        self.hang_up(self.good)
        self.assert_token(self.service.attest())

    def test_a_bad_configuration_changes_nothing(self):
        for text, reason in ((self.good + "nonsense\n", ":%d: neither" % (self.good.count("\n") + 2)),
                             (self.good.replace("pairs = 1", "pairs = none"), "allowed is a whole number"),
                             (self.good.replace("server.pem", "other.pem"), "other.pem"),
                             (self.good.replace("state/issuer.jwks", "state/other"), "state/other"),
                             (self.good.replace("simulated/collateral", "simulated/other") + "", "simulated/other")):
            log = self.hang_up(text.replace("[server]", "[server]\nbody_bytes = 2000"))
            self.assertIn("nothing was reloaded", log)
            self.assertIn(reason, log)
            self.assert_token(self.service.attest())

    def test_what_only_a_start_changes_is_named(self):
        log = self.hang_up(self.good.replace("pairs = 1", "pairs = 2").replace("[server]", "[server]\nbody_bytes = 2000"))
        self.assertIn("change at the next start: [core] pairs", log)
        self.assert_error(self.service.attest(), 413, "RequestEntityTooLarge")
        self.assertEqual(len(self.service.children()["assay-verifier"]), 1)

    def test_a_new_certificate_serves_new_connections(self):
        kept = self.service.connect()
        kept.connect()
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                            f"{folder}/key", "-out", f"{folder}/pem", "-subj", "/CN=new"], check=True, capture_output=True)
            self.hang_up(self.good.replace(f"{self.service.folder}/state/server.pem", f"{folder}/pem")
                         .replace(f"{self.service.folder}/state/server.key", f"{folder}/key"))
            with open(f"{folder}/pem", encoding="utf-8") as f:
                self.assertEqual(ssl.get_server_certificate(("localhost", self.service.port)).strip(), f.read().strip())
        self.assert_token(self.service.attest(connection=kept))
        kept.close()

    def test_many_in_a_row_while_requests_run(self):
        for i in range(10):
            self.service.process.send_signal(signal.SIGHUP)
            self.assert_token(self.service.attest())


class Providers(ServiceCase):
    settings = {"core": {"pairs": 2}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service.stop()
        with open(cls.service.config, "a", encoding="utf-8") as f:
            f.write(f"[provider second]\nissuer = https://Second.localhost:{cls.service.port}\n")
        cls.service.start()
        cls.service.wait(lambda: cls.service.text().count("serving ") == 2)

    def test_host_chooses(self):
        found = {}
        for name, issuer in (("localhost", "localhost"), ("second.localhost", "Second.localhost"), ("SECOND.localhost", "Second.localhost")):
            header, claims = self.assert_token(self.service.call_as(name))
            self.assertEqual(claims["iss"], f"https://{issuer}:{self.service.port}")
            keys = self.service.call_as(name, "/certs")[1]["keys"]
            self.assertEqual([k["kid"] for k in keys], [header["kid"]])
            found[issuer] = header["kid"]
        self.assertEqual(len(set(found.values())), 2)
        self.assertEqual(self.service.call_as("third.localhost")[0], 404)

    def test_the_sealing_key_is_a_file_of_its_owner_alone(self):
        self.assertEqual(os.stat(os.path.join(self.service.folder, "state", "sealing.key")).st_mode & 0o777, 0o600)
        self.assertFalse([n for n in os.listdir(os.path.join(self.service.folder, "state")) if n.endswith(".new")])

    def test_a_signer_that_ends_while_idle_is_replaced(self):
        before = self.service.children()
        for pid in before["assay-signer"]:
            os.kill(pid, signal.SIGKILL)
        self.service.wait(lambda: not set(self.service.children()["assay-verifier"]) & set(before["assay-verifier"]))
        self.service.wait(lambda: len(self.service.children()["assay-signer"]) == 2)
        for _ in range(4):
            self.service.wait(lambda: self.service.attest()[0] == 200, 20)
        self.assertIn("signer ", self.service.text())

    def test_the_pairs_end_with_the_service_even_when_it_is_killed(self):
        pids = [pid for pids in self.service.children().values() for pid in pids]
        self.service.kill()
        until = time.monotonic() + 20
        while left := [pid for pid in pids if alive(pid)]:
            self.assertLess(time.monotonic(), until, f"{left} outlived the service")
            time.sleep(0.05)
        self.service.start()
        self.service.wait(lambda: self.service.text().count("serving ") == 2)


if __name__ == "__main__":
    unittest.main()
