"""What verifier and signer may not do is denied: tried from inside by programs that are confined alike, read from outside at the running
service, and looked for by a verifier that was taken over. Of release builds: the sanitizers need files and calls that the filters deny."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

import service_case
from service_case import Service

RELEASE = Path(os.environ.get("ASSAY_RELEASE") or "build/release").resolve()
PROBE, TAKEOVER = RELEASE / "tests/sandbox/sandbox-probe", RELEASE / "tests/sandbox/sandbox-takeover"
USABLE = {"talk", "last_words", "use_memory", "limit_cpu"}
OF_THE_SIGNER = {"random_numbers", "own_number", "make_key", "make_keys_ahead", "clock_page", "clock_counter"}
CLOCK_CALLS = {"clock_call", "clock_of_cpu", "day_call"}
# What must work where nothing is confined: else a denial would prove nothing.
WORKS = {"open_file", "make_file", "make_socket", "make_unix_socket", "fork_it", "execute", "trace_me", "trace_attach", "kill_other",
         "read_other_memory", "map_code", "make_code", "clock_call", "clock_page", "sleep_call", "ioctl_fd", "random_numbers", "be_dumpable"}


def status(pid):
    return dict(re.findall(r"^(\w+):\s*(.*)$", Path(f"/proc/{pid}/status").read_text(), re.M))


@unittest.skipUnless(PROBE.exists(), f"no release build in {RELEASE.name}: ./dev test makes one")
class FromInside(unittest.TestCase):
    def probe(self, program):
        done = subprocess.run([PROBE, program], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=True)
        found = dict(line.split("\t") for line in done.stdout.splitlines())
        self.assertGreater(len(found), 80)
        return found

    def compare(self, program, usable, other):
        for attempt, outcome in self.probe(program).items():
            with self.subTest(attempt):
                self.assertEqual("done" if attempt in usable else other.get(attempt, "killed by SIGSYS"), outcome)

    def test_verifier(self):
        of_this_machine = self.probe("none").get("counter_given_up")  # some hypervisors let it count on
        self.compare("verifier", USABLE, {"clock_page": "killed by SIGSEGV", "clock_counter": of_this_machine, "make_keys_ahead": "refused: ?",
                                          "never_end": "killed by SIGPROF"})

    def test_signer(self):
        self.compare("signer", USABLE | OF_THE_SIGNER, {"never_end": "killed by SIGPROF", **{name: "refused: EPERM" for name in CLOCK_CALLS}})

    def test_without_confinement_nothing_ends_them(self):
        found = self.probe("none")
        self.assertEqual({"never_end"}, {name for name, outcome in found.items() if outcome.startswith("killed")} - {"counter_given_up"})
        for attempt in sorted(WORKS | USABLE | OF_THE_SIGNER):
            with self.subTest(attempt):
                self.assertEqual("done", found.get(attempt, "done"))


class ReleaseService(unittest.TestCase):
    def start(self, build=RELEASE, **more):
        before, service_case.BUILD = service_case.BUILD, str(build)
        self.addCleanup(setattr, service_case, "BUILD", before)
        service = Service(**more)
        self.addCleanup(service.remove)
        return service


@unittest.skipUnless((RELEASE / "src/service/assayd").exists(), f"no release build in {RELEASE.name}: ./dev test makes one")
class FromOutside(ReleaseService):
    def test_of_the_running_service(self):
        service = self.start()
        self.assertEqual(200, service.attest()[0])
        children = service.children()
        for name, pids in children.items():
            self.assertTrue(pids)
            for pid in pids:
                with self.subTest(name):
                    now = status(pid)
                    self.assertEqual("2", now["Seccomp"])
                    self.assertEqual("1", now["NoNewPrivs"])
                    for kind in ("CapBnd", "CapInh", "CapAmb"):
                        self.assertEqual(0, int(now[kind], 16), kind)
                    for kind in ("CapPrm", "CapEff"):  # a signer may keep the one to lock its memory
                        self.assertEqual(0, int(now[kind], 16) & ~(1 << 14 if name == "assay-signer" else 0), kind)
                    self.assertEqual("2" if name == "assay-signer" else "1", now["Threads"])
                    self.assertEqual({"0", "1", "2", "3", "4"} if name == "assay-verifier" else {"0", "1", "2", "3"},
                                     set(os.listdir(f"/proc/{pid}/fd")))
                    maps = Path(f"/proc/{pid}/maps").read_text()
                    self.assertEqual(name == "assay-signer", "[vdso]" in maps)
                    self.assertNotRegex(maps, r"(?m)^\S+ .wx")

    def test_a_signer_started_after_a_reload_has_the_same_key_file(self):
        """Sanitizers do not see what an argument of a new process points to."""
        service = self.start(settings={})
        service.process.send_signal(signal.SIGHUP)
        service.wait(lambda: "were read again" in service.text())
        before = service.children()["assay-signer"]
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        service.wait(lambda: service.attest()[0] == 200 and len(set(service.children()["assay-signer"]) - set(before)) == len(before))
        for pid in service.children()["assay-signer"]:
            self.assertEqual(os.path.join(service.folder, "state/sealing.key"), Path(f"/proc/{pid}/cmdline").read_text().split("\0")[1])

    def test_keys_are_locked(self):
        service = self.start()
        for pid in service.children()["assay-signer"]:
            now = status(pid)
            locked = int(now["VmLck"].split()[0])
            self.assertGreater(locked, 0)
            if locked > 64:  # all of it, or the sealing key alone where the system allows no more
                self.assertGreaterEqual(locked, int(now["RssAnon"].split()[0]))


@unittest.skipUnless(TAKEOVER.exists(), f"no release build in {RELEASE.name}: ./dev test makes one")
class TakenOver(ReleaseService):
    def take_over(self, program):
        folder = Path(tempfile.mkdtemp(prefix="assay-takeover-"))
        self.addCleanup(shutil.rmtree, folder, True)
        for place, source in {"service/assayd": RELEASE / "src/service/assayd", "core/assay-signer": RELEASE / "src/core/assay-signer",
                              "core/assay-verifier": TAKEOVER}.items():
            (folder / "src" / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / "src" / place)
        key = folder / "state/sealing.key"
        key.parent.mkdir()
        key.write_text(os.urandom(32).hex())
        key.chmod(0o600)
        done = subprocess.run([folder / "src/service/assayd", "--dev", "--state", key.parent, "--port", "0"], capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL, check=False,
                              env=dict(os.environ, ASSAY_SHARED="", TAKEOVER_AS=program, TAKEOVER_KEY=key.read_text(), TAKEOVER_FILE=str(key)))
        self.assertIn("takeover: end", done.stderr)
        return dict(re.findall(r"^takeover (.*): (.*)$", done.stderr, re.M))

    def test_a_verifier_that_was_taken_over_finds_no_key(self):
        found = self.take_over("verifier")
        self.assertEqual(4, len(found))
        self.assertEqual({"killed by SIGSYS"}, set(found.values()), found)

    @unittest.skipUnless(os.geteuid() == 0, "another process can be read by root alone")
    def test_without_confinement_it_finds_it_in_every_way(self):
        found = self.take_over("none")
        self.assertEqual(4, len(found))
        self.assertEqual({"found"}, set(found.values()), found)


if __name__ == "__main__":
    unittest.main()
