"""The border between host and core, with two users: the host as one, the core, which the keeper starts, as another. What code in a host that
was taken over could try is tried with the host's user, without its filter of calls; the same attempts work for the core's user, or for root,
so that a denial is the border's. Of release builds: the sanitizers confine nothing."""
import ctypes
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import service_case  # noqa: E402
from service_case import Service  # noqa: E402
from swtpm import SwtpmCase  # noqa: E402

RELEASE = Path(os.environ.get("ASSAY_RELEASE") or "build/release").resolve()
HOST, CORE, OF_THE_HOSTS_GROUP = "nobody", "daemon", "sync"  # of every Debian
IPC_LOCK = 1 << 14

LIBC = ctypes.CDLL(None, use_errno=True)
SEIZE, INTERRUPT, DETACH, WALL, PIDFD_GETFD = 0x4206, 0x4207, 17, 0x40000000, 438


class Area(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]


def read_key(path):
    with open(path, "rb") as f:
        return len(f.read()) >= 64


def write_beside(path):
    with open(path + ".other", "w", encoding="utf-8"):
        pass
    os.unlink(path + ".other")
    return True


def memory_by_call(pid, address):
    buffer = ctypes.create_string_buffer(16)
    here, there = Area(ctypes.addressof(buffer), 16), Area(address, 16)
    return LIBC.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0) == 16


def memory_by_file(pid, address):
    fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    try:
        return len(os.pread(fd, 16, address)) == 16
    finally:
        os.close(fd)


def trace(pid):
    return LIBC.ptrace(SEIZE, pid, None, None) == 0 and LIBC.ptrace(INTERRUPT, pid, None, None) == 0 and os.waitpid(pid, WALL)[0] == pid and \
        LIBC.ptrace(DETACH, pid, None, None) == 0


def take_descriptor(pid):
    """Of its channel."""
    return LIBC.syscall(PIDFD_GETFD, os.pidfd_open(pid), 3, 0) >= 0


def send_signal(pid):
    os.kill(pid, 0)
    return True


def start_signer(program, *arguments):
    """One that has its key says so on its channel."""
    ours, theirs = socket.socketpair()
    ours.settimeout(30)
    with ours:
        done = subprocess.Popen(["/bin/sh", "-c", f'exec "$@" 3<&{theirs.fileno()}', "sh", program, *arguments], pass_fds=(theirs.fileno(),),
                                stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        theirs.close()
        try:
            return len(ours.recv(8)) > 0
        finally:
            done.kill()
            done.wait()


def run(*command):
    return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False).returncode == 0


def works(attempt):
    try:
        return bool(attempt())
    except OSError:
        return False


def as_user(name, attempts):
    """Those that work for this user, in a process that is nothing but that."""
    user = pwd.getpwnam(name)
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
            os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
            os.chdir("/")
            os.write(theirs, json.dumps([name for name, attempt in attempts.items() if works(attempt)]).encode())
            os._exit(0)
        finally:
            os._exit(1)
    os.close(theirs)
    with os.fdopen(ours, "rb") as f:
        told = f.read()
    assert os.waitpid(pid, 0)[1] == 0, "the attempts were not made"
    return set(json.loads(told))


# Nobody but root, whatever the user: these processes are not to be traced.
OF_ROOT = {*(f"{what} the {whom}" for what in ("trace", "take a descriptor of") for whom in ("signer", "verifier", "keeper")),
           "read the signer's memory by call", "read the signer's memory by file"}


def status(pid):
    return dict(re.findall(r"^(\w+):\s*(.*)$", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"), re.M))


class OfTwo(Service):
    """Started as root, to become two users. The key file is in a folder of the core's; all else is the host's."""

    def make_config(self, state):
        path = super().make_config(state)
        for place, _, files in os.walk(self.folder):
            for name in [place, *(os.path.join(place, file) for file in files)]:
                shutil.chown(name, HOST)
        os.chmod(self.folder, 0o711)
        core = os.path.join(self.folder, "core")
        os.mkdir(core, 0o700)
        shutil.chown(core, CORE)
        self.key = os.path.join(core, "root.key")
        text = Path(path).read_text(encoding="utf-8")
        text = re.sub(r"(?m)^sealing_key = .*$", f"sealing_key = {self.key}", text)
        text = re.sub(r"(?m)^user = .*$", f"user = {HOST}", text).replace("[core]\n", f"[core]\nuser = {CORE}\n")
        # A store of another root is another's.
        text = text.replace("/assay.db", "/two.db")
        Path(path).write_text(text, encoding="utf-8")
        return path


@unittest.skipUnless((RELEASE / "src/service/assayd").exists(), f"no release build in {RELEASE.name}: ./dev test makes one")
@unittest.skipUnless(os.geteuid() == 0, "not started as root, so nobody can become another user")
class Case(unittest.TestCase):
    def start(self, **more):
        before, service_case.BUILD = service_case.BUILD, str(RELEASE)
        self.addCleanup(setattr, service_case, "BUILD", before)
        service = OfTwo(settings=more.pop("settings", {}), **more)
        self.addCleanup(service.remove)
        return service

    def command(self, service, *arguments, user=None):
        done = subprocess.run([service.program, *arguments, "--config", service.config], capture_output=True, text=True, timeout=120, check=False,
                              stdin=subprocess.DEVNULL, env=service.env, user=user, group=user and pwd.getpwnam(user).pw_gid,
                              extra_groups=user and [])
        return done.returncode, done.stdout + done.stderr

    def use_one_user(self, service):
        service.stop()
        path = Path(service.config)
        path.write_text(path.read_text(encoding="utf-8").replace(f"user = {CORE}\n", ""), encoding="utf-8")
        shutil.chown(service.key, HOST)
        shutil.chown(os.path.dirname(service.key), HOST)
        service.start()

    def assert_user(self, pid, name):
        user, now = pwd.getpwnam(name), status(pid)
        self.assertEqual({str(user.pw_uid)}, set(now["Uid"].split()))
        self.assertEqual({str(user.pw_gid)}, set(now["Gid"].split()))
        self.assertEqual(set(os.getgrouplist(name, user.pw_gid)), set(map(int, now["Groups"].split())))
        for kind in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"):
            self.assertEqual(0, int(now[kind], 16) & ~IPC_LOCK, kind)
        self.assertEqual(("1", "2"), (now["NoNewPrivs"], now["Seccomp"]))

    def assert_key_file(self, service):
        there = os.stat(service.key)
        self.assertEqual((pwd.getpwnam(CORE).pw_uid, 0o600), (there.st_uid, there.st_mode & 0o777))


class Users(Case):
    def test_each_process_has_its_user(self):
        service = self.start()
        self.assertEqual(200, service.attest()[0])
        self.assert_user(service.process.pid, HOST)
        children = service.children()
        self.assertEqual([2, 2], [len(pids) for pids in children.values()])
        for pid in [service.keeper(), *sum(children.values(), [])]:
            self.assert_user(pid, CORE)
        self.assert_key_file(service)  # made on this first start
        self.assertIn(f"users: the core runs as {CORE}, assayd as {HOST}", service.text())
        # The keeper has what it inherited of standard streams, the host and the signal of its children, and no listener.
        self.assertEqual({"0", "1", "2", "3", "4"}, set(os.listdir(f"/proc/{service.keeper()}/fd")))

    def test_pairs_are_replaced_as_the_same_user(self):
        service = self.start()
        for name in ("assay-verifier", "assay-signer"):
            before = service.children()[name]
            for pid in before:
                os.kill(pid, signal.SIGKILL)
            service.wait(lambda: len(set(service.children()[name]) - set(before)) == 2 and service.attest()[0] == 200)
            for pid in sum(service.children().values(), []):
                self.assert_user(pid, CORE)
        self.assertRegex(service.text(), r"verifier \d+ ended by signal 9 \(Killed\); its pair is replaced")
        self.assertRegex(service.text(), r"signer \d+ ended by signal 9 \(Killed\); its pair is replaced")

    def test_it_starts_again_with_the_same_key_and_reads_its_configuration_again(self):
        service = self.start()
        kid = service.call("GET", "/certs")[1]["keys"][0]["kid"]
        service.process.send_signal(signal.SIGHUP)
        service.wait(lambda: "were read again" in service.text())
        self.assertEqual(0, service.stop())
        service.start()
        self.assertEqual(200, service.attest()[0])
        self.assertEqual(kid, service.call("GET", "/certs")[1]["keys"][0]["kid"])

    def test_the_users_must_be_two(self):
        service = self.start()
        service.stop()
        good = Path(service.config).read_text(encoding="utf-8")
        for change, said in ((f"user = {CORE}\n>user = {HOST}\n", "it must be another than [server] user"),
                             (f"user = {HOST}\n>user = root\n", "which must not be root"),
                             (f"user = {CORE}\n>user = root\n", "[core] user: it must not be root"),
                             (f"user = {CORE}\n>user = {OF_THE_HOSTS_GROUP}\n", f"{HOST} is in the group of {OF_THE_HOSTS_GROUP}"),
                             (f"user = {HOST}\n>", "name the user to become with user in [server]"),
                             (f"user = {CORE}\n>user = no-such-user\n", "[core] user: there is no user no-such-user")):
            with self.subTest(change):
                old, new = change.split(">")
                self.assertIn(old, good)
                Path(service.config).write_text(good.replace(old, new), encoding="utf-8")
                for command in ([], ["adopt"], ["reseal"], ["hand-over", "offer"]):
                    code, text = self.command(service, *command)
                    if new or not command:  # who adopts as root may be root for all of it
                        self.assertEqual(1, code)
                        self.assertIn(said, text)
        Path(service.config).write_text(good, encoding="utf-8")
        code, text = self.command(service, user=HOST)
        self.assertEqual(1, code)
        self.assertIn(f"the core becomes {CORE} only when assayd is started as root", text)

    def test_files_for_all_connections_may_be_open(self):
        service = self.start()
        for hard, allowed in (("4096", "1536"), ("700", "700")):
            service.stop()
            program = Path(service.folder, "with-few-files")
            program.write_text(f"#!/bin/sh\nulimit -Sn 256 && ulimit -Hn {hard} && exec {RELEASE}/src/service/assayd \"$@\"\n", encoding="utf-8")
            program.chmod(0o755)
            service.program = str(program)
            service.start()
            for pid, soft in ((service.process.pid, allowed), (service.keeper(), "256")):
                limits = Path(f"/proc/{pid}/limits").read_text(encoding="utf-8")
                self.assertEqual((soft, hard), re.search(r"(?m)^Max open files +(\d+) +(\d+)", limits).groups())
            self.assertEqual(hard == "700", "connections = 1024 may need 1536 open files, and 700 are allowed" in service.text())

    def test_one_user_for_both_is_told(self):
        service = self.start()
        self.use_one_user(service)
        self.assertIn("users: assayd and its core share one", service.text())
        self.assert_user(service.keeper(), HOST)


class Unit(Case):
    def test_what_the_unit_leaves_root_suffices(self):
        unit = (Path(__file__).parents[2] / "docs/assayd.service").read_text(encoding="utf-8")
        left = re.search(r"(?m)^CapabilityBoundingSet=(.*)$", unit).group(1).lower().replace("cap_", "+").split()
        self.assertIn("+setuid", left)
        service = self.start()
        service.stop()
        program = Path(service.folder, "as-in-the-unit")
        program.write_text(f"#!/bin/sh\nexec setpriv --bounding-set=-all,{','.join(left)} --inh-caps=-all --no-new-privs {RELEASE}/src/service/assayd \"$@\"\n",
                           encoding="utf-8")
        program.chmod(0o755)
        service.program = str(program)
        service.start()
        self.assertEqual(200, service.attest()[0])
        for pid, user in ((service.process.pid, HOST), (service.keeper(), CORE)):
            self.assert_user(pid, user)
        self.assertIn("the memory of signers is locked", service.text())

    def test_the_unit_and_its_users_are_well_formed(self):
        if not shutil.which("systemd-analyze") or not shutil.which("systemd-sysusers"):
            self.skipTest("no systemd-analyze and systemd-sysusers: install systemd")
        docs = Path(__file__).parents[2] / "docs"
        with tempfile.TemporaryDirectory() as root:
            unit = Path(root, "assayd.service")  # with a program that is there
            unit.write_text((docs / "assayd.service").read_text(encoding="utf-8").replace("/usr/sbin/assayd", "/bin/true"), encoding="utf-8")
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((0, ""), (done.returncode, "\n".join(line for line in done.stderr.splitlines() if "assayd.service" in line)))
            os.mkdir(os.path.join(root, "etc"))
            subprocess.run(["systemd-sysusers", f"--root={root}", "-"], input=(docs / "assayd.sysusers").read_bytes(), capture_output=True, timeout=60,
                           check=True)
            made = Path(root, "etc/passwd").read_text(encoding="utf-8")
            self.assertRegex(made, r"(?m)^assay:")
            self.assertRegex(made, r"(?m)^assay-core:")
            self.assertRegex(Path(root, "etc/group").read_text(encoding="utf-8"), r"(?m)^tss:.*\bassay-core$")


class Border(Case):
    def attempts(self, service):
        children = service.children()
        pids = {"signer": children["assay-signer"][0], "verifier": children["assay-verifier"][0], "keeper": service.keeper()}
        with open(f"/proc/{pids['signer']}/maps", encoding="utf-8") as f:
            address = next(int(line.split("-")[0], 16) for line in f if "[heap]" in line)
        signer, sealer, assayd = (str(RELEASE / "src" / name) for name in ("core/assay-signer", "sealer/assay-sealer", "service/assayd"))
        made = {"read the key file": lambda: read_key(service.key),
                "write beside the key file": lambda: write_beside(service.key),
                "start a signer": lambda: start_signer(signer, service.key),
                "start a sealer": lambda: run(sealer, "reseal", service.key, "file"),
                "assayd adopt": lambda: run(assayd, "adopt", "--config", service.config),
                "assayd reseal": lambda: run(assayd, "reseal", "--config", service.config),
                "read the signer's memory by call": lambda: memory_by_call(pids["signer"], address),
                "read the signer's memory by file": lambda: memory_by_file(pids["signer"], address)}
        for name, pid in pids.items():
            made[f"signal the {name}"] = lambda pid=pid: send_signal(pid)
            made[f"trace the {name}"] = lambda pid=pid: trace(pid)
            made[f"take a descriptor of the {name}"] = lambda pid=pid: take_descriptor(pid)
        return made

    def test_the_host_reaches_neither_keys_nor_core(self):
        service = self.start()
        attempts = self.attempts(service)
        self.assertEqual(set(), as_user(HOST, attempts))
        # The same, as the core's user; and as root, who alone traces what nobody may.
        self.assertEqual(set(attempts) - OF_ROOT - {"assayd adopt"}, as_user(CORE, attempts))
        self.assertEqual(OF_ROOT, as_user("root", {name: attempts[name] for name in OF_ROOT}))
        service.wait(lambda: service.attest()[0] == 200)
        self.assert_key_file(service)

    def test_with_one_user_the_key_is_the_hosts(self):
        """What is not promised then: so the test above is of the border, not of these attempts."""
        service = self.start()
        self.use_one_user(service)
        worked = as_user(HOST, self.attempts(service))
        self.assertEqual({"read the key file", "write beside the key file", "start a signer", "start a sealer", "assayd adopt", "assayd reseal",
                          "signal the signer", "signal the verifier", "signal the keeper"}, worked)


class Keeper(Case):
    def assert_gone(self, service, pids):
        """Soon: nobody waits for the end of a process whose parent ended."""
        until = time.monotonic() + 20
        while left := pids & {pid for _, pid, _ in service.processes()}:
            self.assertLess(time.monotonic(), until, f"{left} outlived the service")
            time.sleep(0.05)

    def test_without_it_the_service_ends(self):
        service = self.start()
        pids = set(sum(service.children().values(), []))
        self.assertGreater(len(pids), 3)
        os.kill(service.keeper(), signal.SIGKILL)
        self.assertEqual(1, service.process.wait(30))
        text = service.text()
        self.assertIn("the keeper of the core ended, and its pairs with it: no pair can be started, so the service ends", text)
        self.assertIn("assayd: the keeper of the core ended, and its pairs with it\n", text)
        self.assertIn("the keeper of the core ended by signal 9 (Killed)", text)
        self.assert_gone(service, pids)

    def test_the_service_ends_when_it_gives_no_answer(self):
        service = self.start()
        keeper = service.keeper()
        self.addCleanup(os.kill, keeper, signal.SIGCONT)
        os.kill(keeper, signal.SIGSTOP)
        os.kill(service.children()["assay-verifier"][0], signal.SIGKILL)
        self.assertEqual(1, service.process.wait(60))
        text = service.text()
        self.assertIn("the keeper of the core gave no answer within 10 s: no pair can be started, so the service ends", text)
        self.assertIn("assayd: the keeper of the core gave no answer within 10 s\n", text)

    def test_it_ends_with_the_host_that_was_killed(self):
        service = self.start()
        pids = {service.keeper(), *sum(service.children().values(), [])}
        self.assertGreater(len(pids), 4)
        service.process.kill()
        service.process.wait(30)
        self.assert_gone(service, pids)

    def test_signals_to_the_whole_group_end_nothing_too_soon(self):
        service = self.start()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(service.keeper(), number)
        self.assertEqual(200, service.attest()[0])
        os.kill(service.children()["assay-verifier"][0], signal.SIGKILL)
        service.wait(lambda: len(service.children()["assay-verifier"]) == 2 and service.attest()[0] == 200)


class Commands(Case):
    def test_adopt_as_root(self):
        service = self.start()
        self.assertEqual(200, service.attest()[0])
        service.stop()
        code, text = self.command(service, "adopt")
        self.assertEqual(0, code, text)
        self.assertRegex(text, r"(?m)^0 of [1-9]\d* records are not as the core sealed them")
        code, text = self.command(service, "adopt", user=HOST)
        self.assertEqual(1, code)
        self.assertIn(f"become the user {CORE}", text)
        service.start()  # it may still write its store
        self.assertEqual(200, service.attest()[0])


    def test_adopt_as_root_touches_the_hosts_files_as_the_host(self):
        """Who had the host may have left there what harms root alone."""
        service = self.start()
        service.stop()
        config = Path(service.config)
        audit, store = Path(service.folder, "audit.log"), Path(service.folder, "state/two.db")
        config.write_text(config.read_text(encoding="utf-8") + f"[audit]\nfile = {audit}\n", encoding="utf-8")
        state = re.search(r"the state of the store is (\w+)", self.command(service, "adopt")[1]).group(1)
        secret = Path(service.folder, "of-root")
        secret.mkdir(0o700)
        other = secret / "audit.log"
        audit.symlink_to(other)
        code, text = self.command(service, "adopt", "--accept", state)
        self.assertEqual(1, code)
        self.assertIn(f"audit log {audit}: cannot be opened", text)
        self.assertFalse(other.exists())
        audit.unlink()
        code, text = self.command(service, "adopt", "--accept", state)
        self.assertEqual(0, code, text)
        self.assertEqual(pwd.getpwnam(HOST).pw_uid, audit.stat().st_uid)
        service.start()
        service.stop()
        shutil.move(store, secret / "two.db")
        store.symlink_to(secret / "two.db")
        code, text = self.command(service, "adopt")
        self.assertEqual(1, code)
        self.assertNotIn("records are not as", text)

    def test_hand_over_as_root_reads_endorsements_as_the_host(self):
        service = self.start()
        service.stop()
        collateral = Path(service.folder, "state/simulated/collateral")
        _, good = self.command(service, "hand-over", "grant")
        secret = Path(service.folder, "of-root")
        shutil.move(collateral, secret)
        secret.chmod(0o700)
        shutil.chown(secret, "root", "root")
        collateral.symlink_to(secret)
        code, text = self.command(service, "hand-over", "grant")
        self.assertEqual(1, code)
        self.assertNotEqual(good, text)
        self.assertRegex(text, r"Permission denied")


class Tpm(SwtpmCase, Case):
    def test_the_tpm_is_the_cores(self):
        tpm = self.tpm()
        service = self.start(settings={"keys": {"sealer": "tpm2", "sealer_tpm": tpm.tcti}})
        self.assertEqual(200, service.attest()[0])
        self.assert_key_file(service)
        kid = service.call("GET", "/certs")[1]["keys"][0]["kid"]
        service.stop()
        service.start()
        self.assertEqual(kid, service.call("GET", "/certs")[1]["keys"][0]["kid"])

    def test_reseal_as_root(self):
        tpm = self.tpm()
        service = self.start()
        kid = service.call("GET", "/certs")[1]["keys"][0]["kid"]
        service.stop()
        path = Path(service.config)
        path.write_text(path.read_text(encoding="utf-8").replace("[keys]\n", f"[keys]\nsealer = tpm2\nsealer_tpm = {tpm.tcti}\n"), encoding="utf-8")
        code, text = self.command(service, "reseal", "--from", "file", user=HOST)
        self.assertNotEqual(0, code)
        code, text = self.command(service, "reseal", "--from", "file")
        self.assertEqual(0, code, text)
        self.assert_key_file(service)
        service.start()
        self.assertEqual(kid, service.call("GET", "/certs")[1]["keys"][0]["kid"])


if __name__ == "__main__":
    unittest.main()
