"""The root key under each of its sealers, from outside: the service starts, starts again with the same keys, and refuses where it must."""
import glob
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from service_case import BUILD, Service  # noqa: E402
from swtpm import SwtpmCase  # noqa: E402

RELEASE = os.environ.get("ASSAY_RELEASE", "build/release")


class SealerCase(unittest.TestCase):
    program = os.path.join(BUILD, "src/service/assayd")

    def service(self, keys=None, env=None):
        service = Service(settings={"core": {"pairs": 2}, "keys": keys or {}}, env=env, program=self.program)
        self.addCleanup(service.remove)
        return service

    def set_keys(self, service, **values):
        """Other settings of [keys] in the configuration of a stopped service; None takes one away."""
        with open(service.config, encoding="utf-8") as f:
            text = f.read()
        for name, value in values.items():
            text = re.sub(rf"^{name} = .*\n", "", text, flags=re.M)
            if value is not None:
                text = text.replace("[keys]\n", f"[keys]\n{name} = {value}\n")
        with open(service.config, "w", encoding="utf-8") as f:
            f.write(text)

    def key_file(self, service):
        return os.path.join(service.folder, "state", "sealing.key")

    def kid(self, service):
        status, body, _, raw = service.attest()
        self.assertEqual(200, status, raw)
        return service.call("GET", "/certs")[1]["keys"][0]["kid"]

    def starts_again(self, service, kid):
        service.start()
        self.assertEqual(kid, self.kid(service))
        service.stop()

    def settings_of(self, service):
        """Of [keys], as assayd gives them to its signers."""
        with open(service.config, encoding="utf-8") as f:
            keys = dict(re.findall(r"^(sealing_key|sealer\w*) = (.*)$", f.read(), re.M))
        names = {"sealer": "sealer", "sealer_tpm": "tpm", "sealer_pcrs": "pcrs", "sealer_pkcs11": "pkcs11", "sealer_pin_file": "pin_file"}
        return [keys["sealing_key"]] + [f"{names[k]}={v}" for k, v in keys.items() if k in names]

    def refuses(self, service, *words):
        """A signer does not start, and says why. (That a service then ends, saying the same, File tests.)"""
        signer = os.path.join(os.path.dirname(self.program), "../core/assay-signer")
        done = subprocess.run(["sh", "-c", 'exec "$@" 3</dev/null', "sh", signer, *self.settings_of(service)], capture_output=True, text=True,
                              timeout=120, env=service.env, check=False, stdin=subprocess.DEVNULL)
        self.assertNotEqual(0, done.returncode)
        self.assertNotIn("it is started by assayd", done.stderr, "the root key was opened")
        for word in words:
            self.assertIn(word, done.stderr)
        return done.stderr

    def reseal(self, service, code=0, *, source=None):
        said = ["--from", source] if source else []
        done = subprocess.run([self.program, "reseal", *said, "--config", service.config], capture_output=True, text=True, timeout=60, env=service.env, check=False,
                              stdin=subprocess.DEVNULL)
        self.assertEqual(code, done.returncode, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def read(self, service):
        with open(self.key_file(service), encoding="ascii") as f:
            return f.read()

    def write(self, service, text):
        with open(self.key_file(service), "w", encoding="ascii") as f:
            f.write(text)

    def field(self, text, name):
        return re.search(rf"^{name} (.*)$", text, re.M).group(1)

    def change(self, service, name):
        """Each of some digits of a field changed: none is taken."""
        good = self.read(service)
        value = self.field(good, name)
        for at in (0, len(value) // 2, len(value) - 1):
            other = value[:at] + ("1" if value[at] != "1" else "2") + value[at + 1:]
            self.write(service, good.replace(f"{name} {value}", f"{name} {other}"))
            self.refuses(service, "the key file")
        self.write(service, good)


class File(SealerCase):
    def test_a_file(self):
        service = self.service()
        kid = self.kid(service)
        text = self.read(service)
        self.assertRegex(text, r"\Aassay-key 1\nholds root\nsealer file\nsealed [0-9a-f]{64}\n\Z")
        self.assertIn("kept by the permissions of its file alone", service.text())
        service.stop()
        self.starts_again(service, kid)

        os.chmod(self.key_file(service), 0o640)
        self.refuses(service, "its owner alone")
        os.chmod(self.key_file(service), 0o600)

        os.rename(self.key_file(service), self.key_file(service) + ".moved")
        os.symlink("sealing.key.moved", self.key_file(service))
        self.refuses(service, "its owner alone")
        os.remove(self.key_file(service))
        os.rename(self.key_file(service) + ".moved", self.key_file(service))

        self.write(service, text.replace(self.field(text, "sealed"), "5a" * 32))
        done = subprocess.run([self.program, "--config", service.config], capture_output=True, text=True, timeout=120, env=service.env, check=False,
                              stdin=subprocess.DEVNULL)
        self.assertEqual(1, done.returncode)
        self.assertIn("is not the one that sealed this store", done.stderr)
        self.assertNotIn("assayd adopt", done.stderr)

        self.write(service, text.replace("assay-key 1", "assay-key 2"))
        self.refuses(service, "another version")
        for planted in (text, "5a" * 32 + "\n"):
            self.write(service, planted)
            self.set_keys(service, sealer="snp")
            self.assertIn("--from file", self.reseal(service, 1))
            self.assertEqual(planted, self.read(service))
            self.set_keys(service, sealer=None)
        self.write(service, text.replace("sealer file", "sealer vault"))
        self.refuses(service, "sealed by vault", "assayd reseal")
        self.write(service, text.replace("holds root", "holds offer"))
        self.refuses(service, "no root key")
        self.write(service, text[:-3])
        self.refuses(service, "damaged")
        self.write(service, text)
        self.set_keys(service, sealer="tpm2")
        done = subprocess.run([self.program, "--config", service.config], capture_output=True, text=True, timeout=120, env=service.env, check=False,
                              stdin=subprocess.DEVNULL)
        self.assertEqual(1, done.returncode)
        self.assertIn("it is sealed by file, and [keys] sealer is tpm2", done.stderr)
        self.assertIn("the pairs of verifier and signer do not start", done.stderr)
        self.set_keys(service, sealer=None)
        self.write(service, self.field(text, "sealed") + "\n")  # as the first versions wrote it
        self.starts_again(service, kid)


class HandOver(SealerCase):
    """The command; the steps themselves, between nodes that can prove something, are in tests/unit/test_hand_over.c."""

    def hand_over(self, service, *arguments, data=b""):
        done = subprocess.run([self.program, "hand-over", *arguments], input=data, capture_output=True, timeout=120, env=service.env, check=False)
        return done.returncode, done.stdout, done.stderr.decode()

    def test_without_a_tee_nothing_is_handed_over(self):
        service = self.service()
        service.stop()
        root = bytes.fromhex(self.field(self.read(service), "sealed"))
        config = ("--config", service.config)
        answers = [self.hand_over(service, "grant", *config, data=data) for data in (b"", b"x" * 100, b"assay-offer 1\n" + bytes(200), b"x" * 100000)]
        for code, out, err in answers:
            self.assertEqual((1, b""), (code, out))
            self.assertIn("the offer is refused: handover.shape", err)
        code, out, err = self.hand_over(service, "offer", *config)
        self.assertEqual((1, b""), (code, out))
        self.assertIn("there is a key file", err)
        os.remove(self.key_file(service))
        code, out, err = self.hand_over(service, "offer", *config)
        self.assertEqual((1, b""), (code, out))
        self.assertIn("copy the file over a channel that you trust", err)
        code, out, err = self.hand_over(service, "accept", *config, data=b"x")
        self.assertEqual((1, b""), (code, out))
        self.assertIn("has made no offer", err)
        self.assertFalse([n for n in os.listdir(os.path.dirname(self.key_file(service))) if n.startswith("sealing.key")])
        self.assertEqual(32, len(root))

    def test_usage(self):
        for arguments in (("hand-over",), ("hand-over", "take", "--config", "x"), ("hand-over", "offer"), ("reseal", "--config", "x", "y"),
                          ("hand-over", "offer", "--from", "file", "--config", "x")):
            done = subprocess.run([self.program, *arguments], capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL)
            self.assertEqual(1, done.returncode)
            self.assertIn("Usage: assayd reseal", done.stderr)


@unittest.skipUnless(os.path.exists(os.path.join(RELEASE, "src/sealer/assay-sealer")), "no release build: ./dev test makes one")
class Sealer(unittest.TestCase):
    """The release build: the address sanitizer locks nothing."""

    def test_its_memory_is_locked(self):
        ours, its = socket.socketpair()
        self.addCleanup(ours.close)
        with its:
            sealer = subprocess.Popen(["sh", "-c", f'exec "$0" serve 3<&{its.fileno()}', os.path.join(RELEASE, "src/sealer/assay-sealer")],
                                      pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(sealer.wait)
        self.addCleanup(sealer.kill)
        for _ in range(600):  # it waits for its question
            self.assertIsNone(sealer.poll())
            with open(f"/proc/{sealer.pid}/status", encoding="ascii") as f:
                locked = int(re.search(r"^VmLck:\s+(\d+)", f.read(), re.M).group(1))
            if locked:
                return
            time.sleep(0.05)
        self.fail("nothing is locked")


def memory_holds(pid, secret):
    """Whether a process has these bytes in its writable memory; None where this user may not look."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as f:
        areas = [line.split()[:2] for line in f]
    try:
        with open(f"/proc/{pid}/mem", "rb", 0) as f:
            for area, rights in areas:
                start, end = (int(x, 16) for x in area.split("-"))
                if rights.startswith("rw"):
                    try:
                        f.seek(start)
                        if secret in f.read(end - start):
                            return True
                    except OSError:
                        continue
    except PermissionError:
        return None
    return False


@unittest.skipUnless(os.path.exists(os.path.join(RELEASE, "src/sealer/assay-sealer")), "no release build: ./dev test makes one")
class Memory(SealerCase):
    program = os.path.join(RELEASE, "src/service/assayd")

    def test_the_signer_alone_has_the_root(self):
        service = self.service()
        self.kid(service)
        root = bytes.fromhex(self.field(self.read(service), "sealed"))
        children = service.children()
        found = [memory_holds(pid, root) for pid in children["assay-signer"]]
        if None in found:
            self.skipTest("this user may not read the memory of other processes")
        self.assertEqual([True] * 2, found)
        for pid in [service.process.pid, service.keeper(), *children["assay-verifier"]]:
            self.assertFalse(memory_holds(pid, root), pid)
            self.assertFalse(memory_holds(pid, root.hex().encode()), pid)
        for pid in [service.process.pid, *children["assay-verifier"], *children["assay-signer"]]:
            for name in ("cmdline", "environ"):
                with open(f"/proc/{pid}/{name}", "rb") as f:
                    told = f.read()
                self.assertTrue(root not in told and root.hex().encode() not in told)
        self.assertNotIn(root.hex(), service.text())
        service.stop()
        for folder, _, names in os.walk(service.folder):
            for name in names:
                with open(os.path.join(folder, name), "rb") as f:
                    data = f.read()
                self.assertTrue(name == "sealing.key" or (root not in data and root.hex().encode() not in data), name)


class Tpm(SwtpmCase, SealerCase):
    def test_a_tpm(self):
        tpm = self.tpm()
        service = self.service()
        kid = self.kid(service)
        root = self.field(self.read(service), "sealed")
        service.stop()
        self.set_keys(service, sealer="tpm2", sealer_tpm=tpm.tcti)
        self.refuses(service, "sealed by file", "assayd reseal")
        self.assertIn("--from file", self.reseal(service, 1))
        self.assertIn("sealed by file, not by tpm2", self.reseal(service, 1, source="tpm2"))
        self.assertIn("sealed by tpm2; it was by file", self.reseal(service, source="file"))
        text = self.read(service)
        self.assertEqual(0o600, stat.S_IMODE(os.stat(self.key_file(service)).st_mode))
        self.assertEqual("sha256:0,2,4,7", self.field(text, "pcrs"))
        self.assertNotIn(root, text)
        self.starts_again(service, kid)
        for kind in ("transient", "loaded-session"):
            self.assertEqual(b"", tpm.tool("tpm2_getcap", f"handles-{kind}"), "left in the TPM")

        for name in ("object", "sealed", "values"):
            self.change(service, name)
        self.write(service, text.replace("pcrs sha256:0,2,4,7", "pcrs sha256:0,2,4"))
        self.refuses(service, "the key file")
        self.write(service, text)

        other = self.tpm(fresh=True)
        self.set_keys(service, sealer_tpm=other.tcti)
        self.refuses(service, "of another machine")
        self.set_keys(service, sealer_tpm="swtpm:host=127.0.0.1,port=1")
        self.refuses(service, "no TPM answers")
        self.set_keys(service, sealer_tpm=tpm.tcti, sealer="file")
        self.refuses(service, "sealed by tpm2")
        self.set_keys(service, sealer="tpm2")

        tpm.measure(11, b"another phase of the start")
        self.starts_again(service, kid)
        tpm.measure(4, b"another kernel")
        self.refuses(service, "booted something else", "register 4 of the TPM")
        self.assertIn("booted something else", self.reseal(service, 1))
        self.assertEqual(text, self.read(service))
        tpm.tool("tpm2_changeauth", "-c", "owner", "password of the owner")
        self.refuses(service, "owner hierarchy has a password")

    def test_many_signers_make_one_root(self):
        tpm = self.tpm()
        service = self.service()
        service.stop()
        for path in glob.glob(os.path.join(service.folder, "state", "assay.db*")) + [self.key_file(service)]:
            os.remove(path)
        self.set_keys(service, sealer="tpm2", sealer_tpm=tpm.tcti, sealer_pcrs="sha384:4-5,7")
        service.start()
        kid = self.kid(service)
        for _ in range(8):
            self.kid(service)
        self.assertEqual("sha384:4-5,7", self.field(self.read(service), "pcrs"))
        self.assertEqual([], glob.glob(self.key_file(service) + ".*"))
        service.stop()
        self.starts_again(service, kid)
        self.set_keys(service, sealer_pcrs="sha256:24")
        os.remove(self.key_file(service))
        self.refuses(service, "names no registers")


REPORT = {"VERSION": 0, "POLICY": 8, "FAMILY_ID": 16, "IMAGE_ID": 32, "VMPL": 0x30, "KEY_WORD": 0x48, "MEASUREMENT": 0x90, "HOST_DATA": 0xc0, "ID_KEY_DIGEST": 0xe0,
          "AUTHOR_KEY_DIGEST": 0x110}
DEFAULTS = {"VERSION": b"\x05", "POLICY": (0x3001f).to_bytes(8, "little"), "MEASUREMENT": b"image" * 9, "HOST_DATA": b"this container"}
FIRST_FORM = """assay-key 1
holds root
sealer snp
salt 63479ad69a090b258277ec8fba6f99419a2ffb248981510657c944ccd1148e97
sealed 0ab306823035661bb8dba21cf85814b59b1a43a04527c2cabb8d65348a2dce0ef8c1fafdbb4bc2111c3b5fce5c3ef9ad2383ae5f2ec004c4a951d6ee
"""


@unittest.skipUnless(os.path.exists(os.path.join(RELEASE, "src/sealer/assay-sealer")), "no release build: ./dev test makes one")
class Snp(SealerCase):
    """A stand-in for /dev/sev-guest, preloaded. The release build: the address sanitizer wants to be loaded first."""
    program = os.path.join(RELEASE, "src/service/assayd")

    def test_a_derived_key(self):
        folder = tempfile.mkdtemp(prefix="assay-sev-")
        self.addCleanup(shutil.rmtree, folder, True)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", f"{folder}/fake_sev.so", os.path.join(os.path.dirname(__file__), "fake_sev.c"), "-ldl"],
                       check=True)

        def launch(secret=bytes(range(32)), **fields):
            report = bytearray(1184)
            for name, value in dict(DEFAULTS, **fields).items():
                report[REPORT[name]:REPORT[name] + len(value)] = value
            with open(f"{folder}/guest", "wb") as f:
                f.write(secret + report)

        launch()
        service = self.service(env={"LD_PRELOAD": f"{folder}/fake_sev.so", "FAKE_SEV": f"{folder}/guest"})
        kid = self.kid(service)
        service.stop()
        root = self.field(self.read(service), "sealed")
        self.set_keys(service, sealer="snp")
        self.assertIn("sealed by snp", self.reseal(service, source="file"))
        self.assertNotIn(root, self.read(service))
        self.starts_again(service, kid)
        for name in ("bound", "salt", "sealed"):
            self.change(service, name)
        for other in (dict(secret=bytes(range(1, 33))), dict(MEASUREMENT=b"other"), dict(IMAGE_ID=b"1"), dict(FAMILY_ID=b"1"), dict(HOST_DATA=b"that container"),
                      dict(ID_KEY_DIGEST=b"1"), dict(AUTHOR_KEY_DIGEST=b"1"), dict(POLICY=(0x3000f).to_bytes(8, "little")), dict(KEY_WORD=b"\x04")):
            launch(**other)
            self.refuses(service, "sealed for another")
        launch(VERSION=b"\x09")  # an update of the firmware locks nothing away
        self.starts_again(service, kid)
        for open_guest, why in ((dict(POLICY=(0xb001f).to_bytes(8, "little")), "may be debugged"), (dict(POLICY=(0x7001f).to_bytes(8, "little")), "migration agent"),
                                (dict(VMPL=b"\2"), "not of VMPL 0 but of 2"), (dict(VMPL=b"\xff" * 4), "not of VMPL 0"), (dict(VERSION=b"\1"), "cannot read")):
            launch(**open_guest)
            self.refuses(service, why)
            self.assertIn(why, self.reseal(service, 1))
        self.unsealed(service, folder)
        launch()
        self.first_form(service)

    def unsealed(self, service, folder):
        with open(f"{folder}/guest", "wb") as f:
            f.write(bytes(8))
        self.refuses(service, "/dev/sev-guest")
        os.remove(f"{folder}/guest")
        self.refuses(service, "is this an SEV-SNP guest")

    def first_form(self, service):
        """An envelope of before host data were bound is taken by nobody but the operator, once."""
        for path in glob.glob(os.path.join(service.folder, "state", "assay.db*")):
            os.remove(path)
        now = self.read(service)
        self.write(service, FIRST_FORM)
        self.refuses(service, "sealed by an earlier version", "assayd reseal --from snp")
        self.assertIn("sealed by an earlier version", self.reseal(service, 1))
        self.assertEqual(FIRST_FORM, self.read(service))
        stripped = re.sub(r"^bound .*\n", "", now, flags=re.M)  # what is bound is not unbound by leaving its name out
        self.write(service, stripped)
        self.assertIn("changed since it was sealed", self.reseal(service, 1, source="snp"))
        self.write(service, FIRST_FORM)
        self.assertIn("sealed by snp; it was by snp", self.reseal(service, source="snp"))
        self.assertIn("hostdata", self.field(self.read(service), "bound"))
        service.start()
        kid = self.kid(service)
        service.stop()
        self.starts_again(service, kid)


@unittest.skipUnless(shutil.which("softhsm2-util") and shutil.which("pkcs11-tool"), "no softhsm2-util or pkcs11-tool: install softhsm2, opensc")
class Token(SealerCase):
    """SoftHSM, with tokens of the test's own."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="assay-token-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        os.mkdir(f"{self.folder}/tokens")
        self.put("softhsm2.conf", f"directories.tokendir = {self.folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        self.env = {"SOFTHSM2_CONF": f"{self.folder}/softhsm2.conf"}
        self.pin_file = self.put("pin", "sesame-1\n")
        self.make_token("assay")
        self.pkcs11("assay", "--keygen", "--key-type", "AES:32", "--label", "root wrap", "--id", "01", "--sensitive", "--private")

    def put(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(path, 0o600)
        return path

    def run_tool(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ, **self.env), stdin=subprocess.DEVNULL)
        self.assertEqual(0, done.returncode, done.stderr)

    def make_token(self, label):
        self.run_tool("softhsm2-util", "--init-token", "--free", "--label", label, "--pin", "sesame-1", "--so-pin", "officer-1")

    def pkcs11(self, token, *arguments):
        module = subprocess.run(["p11-kit", "list-modules"], capture_output=True, text=True, check=False).stdout
        module = re.search(r"^softhsm2: (\S+)", module, re.M).group(1)
        self.run_tool("pkcs11-tool", "--module", module, "--token-label", token, "--login", "--pin", "sesame-1", *arguments)

    def sealed(self, uri):
        """A service whose root is in the token, stopped; and its kid."""
        service = self.service(env=self.env)
        kid = self.kid(service)
        service.stop()
        root = self.field(self.read(service), "sealed")
        self.set_keys(service, sealer="pkcs11", sealer_pkcs11=uri, sealer_pin_file=self.pin_file)
        self.assertIn("sealed by pkcs11", self.reseal(service, source="file"))
        self.assertNotIn(root, self.read(service))
        self.starts_again(service, kid)
        return service, kid

    def test_an_aes_key(self):
        uri = "pkcs11:token=assay;object=root%20wrap"
        service, kid = self.sealed(uri)
        self.assertEqual("aes-gcm", self.field(self.read(service), "mechanism"))
        for name in ("wrapped", "sealed", "iv"):
            self.change(service, name)

        self.set_keys(service, sealer_pkcs11="pkcs11:token=other;object=root%20wrap")
        self.refuses(service, "no token is there")
        self.make_token("other")
        self.refuses(service, "has no key")
        self.pkcs11("other", "--keygen", "--key-type", "AES:32", "--label", "root wrap", "--id", "01", "--sensitive", "--private")
        self.refuses(service, "does not open it")
        self.set_keys(service, sealer_pkcs11="token=assay")
        self.refuses(service, "names no key")
        self.set_keys(service, sealer_pkcs11=uri + "?pin-value=sesame-1")
        self.assertNotIn("sesame", self.refuses(service, "sealer_pin_file"))
        self.set_keys(service, sealer_pkcs11=uri, sealer_pin_file=None)
        self.refuses(service, "without a PIN")
        self.set_keys(service, sealer_pkcs11=f"{uri}?pin-source=file:{self.pin_file}")
        self.starts_again(service, kid)
        self.put("pin", "sesame-2\n")
        self.assertNotIn("sesame", self.refuses(service, "refuses the PIN"))
        self.refuses(service, "got a wrong PIN last")
        self.put("pin", "sesame-1\n")
        self.refuses(service, "got a wrong PIN last")
        self.pkcs11("assay", "--list-objects")
        self.starts_again(service, kid)
        os.chmod(self.pin_file, 0o644)
        self.refuses(service, "its owner alone")

    def test_an_rsa_key(self):
        self.pkcs11("assay", "--keypairgen", "--key-type", "rsa:2048", "--label", "pair", "--id", "02")
        service, kid = self.sealed("pkcs11:token=assay;object=pair")
        self.assertEqual("rsa-oaep", self.field(self.read(service), "mechanism"))
        for name in ("wrapped", "sealed"):
            self.change(service, name)
        self.set_keys(service, sealer_pkcs11="pkcs11:token=assay;object=root%20wrap")
        self.refuses(service, "another kind of key")
        # From one token key to another, and back to a file: the settings name the key that opens.
        self.set_keys(service, sealer_pkcs11="pkcs11:token=assay;object=pair", sealer="file")
        self.assertIn("sealed by file; it was by pkcs11", self.reseal(service))
        self.starts_again(service, kid)


if __name__ == "__main__":
    unittest.main()
