"""What verifier and signer may not do is denied: tried from inside by programs that are confined alike, read from outside at the running
service, and looked for by a verifier that was taken over. Of release builds: the sanitizers need files and calls that the filters deny."""
import fcntl
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import service_case
from service_case import Service

RELEASE = Path(os.environ.get("ASSAY_RELEASE") or "build/release").resolve()
PROBE, TAKEOVER = RELEASE / "tests/sandbox/sandbox-probe", RELEASE / "tests/sandbox/sandbox-takeover"
USABLE = {"talk", "use_memory", "limit_cpu"}
OF_THE_SIGNER = {"random_numbers", "own_number", "make_key", "make_keys_ahead", "clock_page", "clock_counter"}
CLOCK_CALLS = {"clock_call", "clock_of_cpu", "day_call"}
NOT_OF_THE_HOST = {"trace_attach", "trace_me", "read_other_memory", "write_other_memory", "compare_other", "load_program", "count_events",
                   "key_ring", "mount_it", "unshare_it", "watch_faults", "ring", "execute"}
# What must work where nothing is confined: else a denial would prove nothing.
WORKS = {"open_file", "make_file", "make_socket", "make_unix_socket", "fork_it", "execute", "trace_me", "trace_attach", "kill_other",
         "read_other_memory", "map_code", "make_code", "clock_call", "clock_page", "sleep_call", "last_words", "ioctl_fd", "random_numbers", "be_dumpable"}


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
        self.compare("verifier", USABLE, {"clock_page": "killed by SIGSEGV", "clock_counter": of_this_machine, "make_keys_ahead": "refused: ENOSYS",
                                          "never_end": "killed by SIGPROF"})

    def test_signer(self):
        self.compare("signer", USABLE | OF_THE_SIGNER, {"never_end": "killed by SIGPROF", **{name: "refused: EPERM" for name in CLOCK_CALLS}})

    def test_host(self):
        found = self.probe("host")
        for attempt, outcome in found.items():
            with self.subTest(attempt):
                if attempt in NOT_OF_THE_HOST:
                    self.assertEqual("refused: EPERM", outcome)
                elif attempt not in ("never_end", "foreign_call", "clone_3", "counter_given_up"):
                    self.assertNotIn("killed", outcome)
        self.assertEqual("refused: ENOSYS", found["clone_3"])
        for attempt in (WORKS | USABLE | OF_THE_SIGNER) - NOT_OF_THE_HOST:
            self.assertEqual("done", found.get(attempt, "done"), attempt)

    def test_without_confinement_nothing_ends_them(self):
        found = self.probe("none")
        self.assertEqual({"never_end"}, {name for name, outcome in found.items() if outcome.startswith("killed")} - {"counter_given_up"})
        for attempt in sorted(WORKS | USABLE | OF_THE_SIGNER):
            with self.subTest(attempt):
                self.assertEqual("done", found.get(attempt, "done"))


class ReleaseService(unittest.TestCase):
    def start(self, kind=Service, **more):
        before, service_case.BUILD = service_case.BUILD, str(RELEASE)
        self.addCleanup(setattr, service_case, "BUILD", before)
        service = kind(**more)
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

    def test_a_verifier_knows_nothing_of_the_environment(self):
        os.environ["PGPASSWORD"] = "of-the-database"
        try:
            service = self.start()
        finally:
            del os.environ["PGPASSWORD"]
        environment = lambda pid: Path(f"/proc/{pid}/environ").read_text()
        self.assertIn("of-the-database", environment(service.process.pid))  # else nothing is shown
        for pid in service.children()["assay-verifier"]:
            self.assertEqual({"ASSAY_SANDBOX"}, {e.split("=")[0] for e in environment(pid).split("\0") if e} - {"ASAN_OPTIONS", "UBSAN_OPTIONS"})

    def test_keys_are_locked(self):
        service = self.start()
        for pid in service.children()["assay-signer"]:
            now = status(pid)
            locked = int(now["VmLck"].split()[0])
            self.assertGreater(locked, 0)
            if locked > 64:  # all of it, or the sealing key alone where the system allows no more
                self.assertGreaterEqual(locked, int(now["RssAnon"].split()[0]))


class OfNobody(Service):
    """Started as root, to become nobody, to whom its files belong."""

    def make_config(self, state):
        path = super().make_config(state)
        for place, folders, files in os.walk(self.folder):
            for name in [place, *(os.path.join(place, file) for file in files)]:
                shutil.chown(name, "nobody")
        return path


@unittest.skipUnless((RELEASE / "src/service/assayd").exists(), f"no release build in {RELEASE.name}: ./dev test makes one")
class Host(ReleaseService):
    def test_of_the_running_host(self):
        service = self.start(settings={})
        self.assertEqual(200, service.attest()[0])
        now = status(service.process.pid)
        self.assertEqual("2", now["Seccomp"])
        self.assertEqual("1", now["NoNewPrivs"])
        self.assertEqual(0, int(now["CapBnd"], 16))
        self.assertEqual(0, int(now["CapEff"], 16) & ~(1 << 1 | 1 << 14), "more than files of others, and locked memory for signers")
        said = [line for line in service.text().splitlines() if "sandbox: " in line]
        self.assertEqual(3, len(said), said)  # once, not for each pair
        self.assertRegex(said[0], r"verifier and signer may make \d+ and \d+ system calls")

    @unittest.skipUnless(os.geteuid() == 0, "not started as root")
    def test_root_becomes_the_user_and_goes_on_starting_pairs(self):
        service = self.start(OfNobody, settings={"server": {"user": "nobody"}})
        self.assertEqual(200, service.attest()[0])
        for pid in [service.process.pid, *sum(service.children().values(), [])]:
            now = status(pid)
            self.assertEqual({str(pwd.getpwnam("nobody").pw_uid)}, set(now["Uid"].split()))
            self.assertEqual({str(pwd.getpwnam("nobody").pw_gid)}, set(now["Gid"].split()))
            self.assertEqual(0, int(now["CapEff"], 16) & ~(1 << 14))
        before = service.children()
        for pid in before["assay-verifier"]:
            os.kill(pid, signal.SIGKILL)
        service.wait(lambda: service.attest()[0] == 200 and len(set(service.children()["assay-verifier"]) - set(before["assay-verifier"])) == 2)
        service.process.send_signal(signal.SIGHUP)
        service.wait(lambda: "were read again" in service.text())

    @unittest.skipUnless(os.geteuid() == 0, "not started as root")
    def test_root_without_a_user_is_refused(self):
        service = self.start(settings={})
        service.stop()
        for change, said in ((r"", "name the user to become with user in [server]"), (r"user = no-such-user", "there is no user no-such-user")):
            path = Path(service.folder, "changed.conf")
            path.write_text(re.sub(r"(?m)^user = .*$", change, Path(service.config).read_text()))
            done = subprocess.run([service.program, "--config", path], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(1, done.returncode)
            self.assertIn(said, done.stderr)


@unittest.skipUnless((RELEASE / "src/service/assayd").exists(), f"no release build in {RELEASE.name}: ./dev test makes one")
class OlderKernels(ReleaseService):
    """A filter round the whole service answers as a kernel does that lacks a call."""

    def start_without(self, calls, **settings):
        folder = Path(tempfile.mkdtemp(prefix="assay-without-"))
        self.addCleanup(shutil.rmtree, folder, True)
        program = folder / "src/service/assayd"
        program.parent.mkdir(parents=True)
        program.write_text(f"""#!{sys.executable}
import ctypes, os, sys
seccomp = ctypes.CDLL("libseccomp.so.2")
seccomp.seccomp_init.restype = ctypes.c_void_p
context = ctypes.c_void_p(seccomp.seccomp_init(0x7fff0000))
for name in {calls!r}:
    assert seccomp.seccomp_rule_add(context, 0x00050000 | 38, seccomp.seccomp_syscall_resolve_name(name.encode()), 0) == 0
assert seccomp.seccomp_load(context) == 0
os.execv({str(RELEASE / "src/service/assayd")!r}, sys.argv)
""")
        program.chmod(0o755)
        service = self.start(settings=settings)
        service.stop()
        service.program = str(program)
        return service

    def test_without_filters_it_does_not_start(self):
        service = self.start_without(["seccomp"])
        with self.assertRaisesRegex(AssertionError, "this kernel has no filters of system calls"):
            service.start()

    def test_without_filters_it_starts_where_the_setting_says_so(self):
        service = self.start_without(["seccomp"], core={"sandbox": "available"})
        service.start()
        self.assertEqual(200, service.attest()[0])
        self.assertEqual(1, service.text().count("this kernel has no filters of system calls"))
        for pid in sum(service.children().values(), []):
            self.assertEqual("1", status(pid)["Seccomp_filters"])  # that of this test

    def test_without_landlock_the_filters_hold_alone(self):
        service = self.start_without(["landlock_create_ruleset"])
        service.start()
        self.assertEqual(200, service.attest()[0])
        self.assertEqual(1, service.text().count("this kernel has no Landlock"))
        for pid in sum(service.children().values(), []):
            self.assertEqual("3", status(pid)["Seccomp_filters"])  # the test's, the host's, its own


@unittest.skipUnless(TAKEOVER.exists(), f"no release build in {RELEASE.name}: ./dev test makes one")
class TakenOver(ReleaseService):
    def take_over(self, program):
        """A pair whose verifier is the stand-in, started with all the rights of this test: a service gives its own none (FromOutside), and
        what the filter denies would be denied anyway."""
        folder = Path(tempfile.mkdtemp(prefix="assay-takeover-"))
        self.addCleanup(shutil.rmtree, folder, True)
        verifier, key = folder / "assay-verifier", folder / "sealing.key"
        shutil.copy(TAKEOVER, verifier)
        key.write_text(os.urandom(32).hex())
        key.chmod(0o600)
        (folder / "assay-verifier.told").write_text(f"{program}\n{key.read_text()}\n{key}\n")
        ends = [end for pair in (socket.socketpair(), socket.socketpair()) for end in pair]
        high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in ends]  # away from where they go
        self.addCleanup(lambda: [end.close() for end in ends] + [os.close(fd) for fd in high])

        def placed(*fds):
            return lambda: [os.dup2(fd, 3 + i) for i, fd in enumerate(fds)]
        signer = subprocess.Popen([RELEASE / "src/core/assay-signer", key], preexec_fn=placed(high[3]), close_fds=False, stdin=subprocess.DEVNULL)
        try:
            done = subprocess.run([verifier], preexec_fn=placed(high[1], high[2]), close_fds=False, capture_output=True, text=True, timeout=60,
                                  stdin=subprocess.DEVNULL, check=False)
        finally:
            signer.kill()
            signer.wait()
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
