#!/usr/bin/env python3
"""A software TPM of the tests' own: a real swtpm with an endorsement key certified by a CA made for it, on two free ports of the
loopback address, in a temporary folder, run by whoever runs the tests, gone when the test is.

    with Swtpm(log=linux_log()) as tpm:
        tpm.make_ak("rsa")                   # persistent at 0x81000003, its certificate in NV 0x01C101D0
        run("assay", "attest", url, "--self", "--tpm", tpm.tcti, ...)

The log is replayed into the registers as firmware would have extended them, locality of the start included. `linux_log()` is a
small but whole boot of a machine; no evidence of real hardware is needed.

As a program it serves tests in C: it prints a line of NAME=VALUE pairs when the TPM is ready, takes `stop`, `start` and `reset` on
standard input, answers each with `done`, and at the end of its input stops the TPM and removes everything.
"""
import atexit
import hashlib
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

READY_SECONDS = 30
BANKS = {"sha1": (0x0004, 20), "sha256": (0x000B, 32), "sha384": (0x000C, 48), "sha512": (0x000D, 64)}
AK_HANDLE, AK_CERTIFICATE, EK_CERTIFICATE, HCL_REPORT, REPORT_DATA = 0x81000003, 0x01C101D0, 0x01C00002, 0x01400001, 0x01400002
NV_LIMIT = 2048  # bytes of one index in swtpm
EV_NO_ACTION, EV_SEPARATOR, EV_ACTION, EV_S_CRTM_VERSION, EV_IPL = 3, 4, 5, 8, 0xD
EV_EFI_VARIABLE_DRIVER_CONFIG, EV_EFI_BOOT_SERVICES_APPLICATION, EV_EFI_ACTION = 0x80000001, 0x80000003, 0x80000007
GLOBAL_VARIABLE = bytes.fromhex("61dfe48bca93d211aa0d00e098032b8c")  # 8be4df61-93ca-11d2-aa0d-00e098032b8c as it lies in memory
IMAGE_SECURITY = bytes.fromhex("cbb219d73a3d9645a3bcdad00e67656f")


class EventLog:
    """A boot log of the crypto-agile form of the TCG's PC Client profile, made event by event."""

    def __init__(self, banks=("sha1", "sha256", "sha384"), locality=None):
        self.banks, self.events = banks, []
        table = b"".join(struct.pack("<HH", *BANKS[bank]) for bank in banks)
        header = b"Spec ID Event03\0" + struct.pack("<IBBBBI", 0, 0, 2, 0, 2, len(banks)) + table + b"\0"
        self.data = struct.pack("<II20sI", 0, EV_NO_ACTION, bytes(20), len(header)) + header
        if locality is not None:
            self.add(0, EV_NO_ACTION, b"StartupLocality\0" + bytes([locality]))

    def add(self, pcr, kind, event, measured=None):
        """An event whose digests are over `measured`, or over the event itself."""
        measured = event if measured is None else measured
        digests = {bank: bytes(BANKS[bank][1]) if kind == EV_NO_ACTION else hashlib.new(bank, measured).digest() for bank in self.banks}
        self.data += struct.pack("<III", pcr, kind, len(digests))
        self.data += b"".join(struct.pack("<H", BANKS[bank][0]) + digest for bank, digest in digests.items())
        self.data += struct.pack("<I", len(event)) + event
        return self

    def variable(self, guid, name, value, pcr=7):
        return self.add(pcr, EV_EFI_VARIABLE_DRIVER_CONFIG,
                        guid + struct.pack("<QQ", len(name), len(value)) + name.encode("utf-16-le") + value)


def linux_log(secure_boot=True, kernel="6.1.0", locality=None, banks=("sha1", "sha256", "sha384")):
    """Firmware, secure boot variables, boot loader, kernel: registers 0 to 9 and 14."""
    log = EventLog(banks, locality)
    log.add(0, EV_S_CRTM_VERSION, "Assay test firmware 1\0".encode("utf-16-le"))
    log.variable(GLOBAL_VARIABLE, "SecureBoot", b"\1" if secure_boot else b"\0")
    for guid, name in ((GLOBAL_VARIABLE, "PK"), (GLOBAL_VARIABLE, "KEK"), (IMAGE_SECURITY, "db"), (IMAGE_SECURITY, "dbx")):
        log.variable(guid, name, f"keys of {name}".encode())
    log.add(4, EV_EFI_ACTION, b"Calling EFI Application from Boot Option")
    for pcr in range(8):
        log.add(pcr, EV_SEPARATOR, bytes(4))
    log.add(4, EV_EFI_BOOT_SERVICES_APPLICATION, struct.pack("<QQQQ", 0x7F000000, 0x1000, 0, 4) + b"\x7f\xff\x04\0", b"boot loader")
    log.add(14, EV_IPL, b"MokList\0", b"no keys")
    log.add(8, EV_IPL, b"grub_cmd: linux /vmlinuz\0", b"linux /vmlinuz")
    log.add(8, EV_IPL, b"kernel_cmdline: /vmlinuz root=/dev/vda1\0", b"/vmlinuz root=/dev/vda1")
    log.add(9, EV_IPL, b"/vmlinuz\0", kernel.encode())
    return log.data


def read_log(data):
    """Locality of the start and [(register, {algorithm: digest})] of the events that were extended. For logs that tests trust."""
    first = struct.unpack_from("<I", data, 28)[0]
    agile, at, locality, extends = data[32:48] == b"Spec ID Event03\0", 32 + first, 0, []
    sizes, count = {}, struct.unpack_from("<I", data, 56)[0] if agile else 0
    for i in range(count):
        algorithm, size = struct.unpack_from("<HH", data, 60 + 4 * i)
        sizes[algorithm] = size
    if not agile:
        at = 0
    while at + 8 <= len(data):
        pcr, kind = struct.unpack_from("<II", data, at)
        at += 8
        if pcr == kind == 0xFFFFFFFF or (pcr, kind, data[at:at + 8]) == (0, 0, bytes(8)):
            break
        digests = {}
        if agile:
            n = struct.unpack_from("<I", data, at)[0]
            at += 4
            for _ in range(n):
                algorithm = struct.unpack_from("<H", data, at)[0]
                digests[algorithm] = data[at + 2:at + 2 + sizes[algorithm]]
                at += 2 + sizes[algorithm]
        else:
            digests[BANKS["sha1"][0]] = data[at:at + 20]
            at += 20
        size = struct.unpack_from("<I", data, at)[0]
        event = data[at + 4:at + 4 + size]
        at += 4 + size
        if kind == EV_NO_ACTION:
            locality = event[16] if event[:16] == b"StartupLocality\0" and len(event) > 16 else locality
        elif pcr < 24:
            extends.append((pcr, digests))
    return locality, extends


def ima_entry(path, content=b""):
    """One entry of IMA's binary list (template ima-ng), and what register 10 is extended with the digest of: `Swtpm.measure(10, data)`."""
    fields = (b"sha256:\0" + hashlib.sha256(content).digest(), path.encode() + b"\0")
    data = b"".join(struct.pack("<I", len(field)) + field for field in fields)
    name = b"ima-ng"
    head = struct.pack("<I20sI", 10, hashlib.sha1(data).digest(), len(name)) + name
    return head + struct.pack("<I", len(data)) + data, data


def free_ports():
    """Two ports side by side, as the TCTI of swtpm wants them: commands on the first, control on the second."""
    for _ in range(200):
        port = random.randrange(20000, 32000)
        with socket.socket() as a, socket.socket() as b:
            try:
                a.bind(("127.0.0.1", port))
                b.bind(("127.0.0.1", port + 1))
                return port
            except OSError:
                continue
    raise OSError("no two free ports side by side")


def missing():
    """The program that is not installed, or None."""
    return next((name for name in ("swtpm", "swtpm_setup", "swtpm_localca", "tpm2_nvwrite") if not shutil.which(name)), None)


_manufactured = {}


def manufacture(banks):
    """A folder with the state of a new TPM, its endorsement keys and their certificates; made once for each choice of banks. Several
    TPMs begin as copies of one, with the same keys: a test that needs two machines asks for a second one by `fresh`."""
    if banks not in _manufactured:
        folder = tempfile.mkdtemp(prefix="assay-tpm-made-", dir="/tmp")
        atexit.register(shutil.rmtree, folder, True)
        _manufactured[banks] = _make(folder, banks)
    return _manufactured[banks]


def _make(folder, banks):
    ca, state = f"{folder}/ca", f"{folder}/state"
    os.mkdir(ca)
    os.mkdir(state)
    files = {
        "localca.conf": f"statedir = {ca}\nsigningkey = {ca}/signkey.pem\nissuercert = {ca}/issuercert.pem\ncertserial = {ca}/certserial\n",
        "localca.options": "--platform-manufacturer Assay\n--platform-version 1.0\n--platform-model Test\n",
        "setup.conf": f"create_certs_tool = {shutil.which('swtpm_localca')}\ncreate_certs_tool_config = {folder}/localca.conf\n"
                      f"create_certs_tool_options = {folder}/localca.options\nactive_pcr_banks = {banks}\n",
    }
    for name, content in files.items():
        with open(f"{folder}/{name}", "w", encoding="utf-8") as f:
            f.write(content)
    run("swtpm_setup", "--tpm2", "--tpmstate", state, "--config", f"{folder}/setup.conf", "--create-ek-cert", "--create-platform-cert",
        "--lock-nvram", "--overwrite", "--pcr-banks", banks, env=dict(os.environ, XDG_CONFIG_HOME=folder, HOME=folder))
    return folder


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL, **more)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout.decode(errors='replace')}{done.stderr.decode(errors='replace')}")
    return done.stdout


class Swtpm:
    """A running TPM. `tcti` names it to programs; `log_path` is the boot log that its registers hold (None without one)."""

    def __init__(self, log=None, banks="sha1,sha256,sha384", fresh=False):
        self.folder = tempfile.mkdtemp(prefix="assay-tpm-", dir="/tmp")
        self.process = None
        try:
            made = _make(self.folder, banks) if fresh else manufacture(banks)
            if not fresh:
                shutil.copytree(f"{made}/state", f"{self.folder}/state")
                shutil.copytree(f"{made}/ca", f"{self.folder}/ca")
            self.ek_ca = [f"{self.folder}/ca/issuercert.pem", f"{self.folder}/ca/swtpm-localca-rootca-cert.pem"]
            self.log_path = None
            if log is not None:
                self.log_path = f"{self.folder}/boot.log"
                with open(self.log_path, "wb") as f:
                    f.write(log)
            self.log = log
            self.start()
        except BaseException:
            self.remove()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    # power

    def start(self):
        """Power on: registers as after a reset, then those of the log."""
        for _ in range(10):
            self.port = free_ports()
            self.process = subprocess.Popen(
                ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.folder}/state", "--server",
                 f"type=tcp,port={self.port},bindaddr=127.0.0.1,disconnect", "--ctrl", f"type=tcp,port={self.port + 1},bindaddr=127.0.0.1",
                 "--flags", "not-need-init", "--log", f"file={self.folder}/swtpm.log"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self.is_up():
                break
        else:
            raise RuntimeError(f"swtpm does not start: {self.said()}")
        self.tcti = f"swtpm:host=127.0.0.1,port={self.port}"
        self.start_up()

    def is_up(self):
        for _ in range(READY_SECONDS * 50):
            if self.process.poll() is not None:
                return False  # another program was quicker with a port
            try:
                socket.create_connection(("127.0.0.1", self.port + 1), 1).close()
                return True
            except OSError:
                time.sleep(0.02)
        return False

    def start_up(self):
        locality, extends = read_log(self.log) if self.log is not None else (0, [])
        self.set_locality(locality)
        self.command(0x0144, struct.pack(">H", 0))  # TPM2_Startup(CLEAR)
        self.set_locality(0)
        for pcr, digests in extends:
            self.extend(pcr, digests)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(READY_SECONDS)
            self.process = None

    def reset(self):
        """Off and on again, on other ports."""
        self.stop()
        self.start()

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def said(self):
        path = f"{self.folder}/swtpm.log"
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()[-2000:]

    # plain commands

    def set_locality(self, locality):
        with socket.create_connection(("127.0.0.1", self.port + 1), READY_SECONDS) as s:
            s.sendall(struct.pack(">IB", 5, locality))  # CMD_SET_LOCALITY
            if s.recv(4) != bytes(4):
                raise RuntimeError(f"locality {locality}: refused by swtpm")

    def command(self, code, body, sessions=False):
        message = struct.pack(">HII", 0x8002 if sessions else 0x8001, 10 + len(body), code) + body
        with socket.create_connection(("127.0.0.1", self.port), READY_SECONDS) as s:
            s.sendall(message)
            answer = b""
            while len(answer) < 10 or len(answer) < struct.unpack_from(">I", answer, 2)[0]:
                more = s.recv(4096)
                if not more:
                    break
                answer += more
        result = struct.unpack_from(">I", answer, 6)[0] if len(answer) >= 10 else None
        if result != 0:
            raise RuntimeError(f"TPM command {code:#x}: {result if result is None else hex(result)}")
        return answer[10:]

    def extend(self, pcr, digests):
        """digests: {algorithm: digest}; those of banks that this TPM has not are left out."""
        known = {a: d for a, d in digests.items() if a in [number for number, _ in BANKS.values()]}
        password = struct.pack(">IHBH", 0x40000009, 0, 0, 0)
        body = struct.pack(">II", pcr, len(password)) + password + struct.pack(">I", len(known))
        body += b"".join(struct.pack(">H", algorithm) + digest for algorithm, digest in known.items())
        self.command(0x0182, body, sessions=True)

    def measure(self, pcr, data):
        """Extend every bank with the digest of data."""
        self.extend(pcr, {number: hashlib.new(name, data).digest() for name, (number, _) in BANKS.items() if name != "sha512"})

    def tool(self, *command):
        """One of tpm2-tools, then nothing of it left in the TPM."""
        env = dict(os.environ, TPM2TOOLS_TCTI=self.tcti, TSS2_LOG="all+NONE")
        out = run(*command, env=env, cwd=self.folder)
        if os.path.basename(command[0]) not in ("tpm2_flushcontext", "tpm2_nvread", "tpm2_nvwrite", "tpm2_pcrread"):
            run("tpm2_flushcontext", "-t", env=env)
        return out

    def pcrs(self, bank="sha256"):
        self.tool("tpm2_pcrread", f"{bank}:all", "-o", f"{self.folder}/pcrs")
        size = BANKS[bank][1]
        with open(f"{self.folder}/pcrs", "rb") as f:
            data = f.read()
        return [data[i:i + size] for i in range(0, len(data), size)]

    # what a platform finds in its TPM

    def nv_write(self, index, data, size=None):
        """Defines the index anew, readable by everybody; padded with zeros to `size`."""
        data = data.ljust(size or len(data), b"\0")
        if len(data) > NV_LIMIT:
            raise ValueError(f"{len(data)} bytes: an index of swtpm takes {NV_LIMIT}")
        path = f"{self.folder}/nv.bin"
        with open(path, "wb") as f:
            f.write(data)
        env = dict(os.environ, TPM2TOOLS_TCTI=self.tcti, TSS2_LOG="all+NONE")
        subprocess.run(["tpm2_nvundefine", "-C", "o", hex(index)], env=env, capture_output=True, check=False, stdin=subprocess.DEVNULL)
        self.tool("tpm2_nvdefine", hex(index), "-C", "o", "-s", str(len(data)), "-a", "ownerread|ownerwrite|authread|authwrite|no_da")
        self.tool("tpm2_nvwrite", hex(index), "-C", "o", "-i", path)

    def nv_read(self, index):
        self.tool("tpm2_nvread", hex(index), "-C", "o", "-o", f"{self.folder}/nv.out")
        with open(f"{self.folder}/nv.out", "rb") as f:
            return f.read()

    def make_ak(self, kind="rsa", certificate=True, subject="0123456789AB.TrustedVM.Azure.windows.net", pad=True, days=365):
        """A persistent attestation key as Azure's vTPM has it, and its certificate by `ak_root` in NV."""
        scheme = {"rsa": ("rsa2048:rsassa-sha256:null"), "rsapss": ("rsa2048:rsapss-sha256:null"), "ecc": ("ecc256:ecdsa-sha256:null")}[kind]
        self.tool("tpm2_createprimary", "-C", "e", "-g", "sha256", "-G", scheme, "-c", f"{self.folder}/ak.ctx", "-a",
                  "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign")
        subprocess.run(["tpm2_evictcontrol", "-C", "o", "-c", hex(AK_HANDLE)], capture_output=True, check=False, stdin=subprocess.DEVNULL,
                       env=dict(os.environ, TPM2TOOLS_TCTI=self.tcti, TSS2_LOG="all+NONE"))
        self.tool("tpm2_evictcontrol", "-C", "o", "-c", f"{self.folder}/ak.ctx", hex(AK_HANDLE))
        self.ak_public = f"{self.folder}/ak.pem"
        self.tool("tpm2_readpublic", "-c", hex(AK_HANDLE), "-f", "pem", "-o", self.ak_public)
        if certificate:
            self.ak_certificate = self.certify_ak(self.ak_public, subject, days)
            with open(self.ak_certificate, "rb") as f:
                self.nv_write(AK_CERTIFICATE, f.read(), NV_LIMIT if pad else None)

    @property
    def ak_root(self):
        """PEM of the root that certifies attestation keys; its key lies beside it."""
        path = f"{self.folder}/ak-root.pem"
        if not os.path.exists(path):
            run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=Attestation keys of tests", "-addext",
                "keyUsage=critical,keyCertSign,cRLSign", "-keyout", f"{self.folder}/ak-root.key", "-out", path)
        return path

    def certify_ak(self, public, subject, days=365, name="ak"):
        """DER of a certificate for the public key (PEM) of an attestation key, by ak_root."""
        extensions, request, der = f"{self.folder}/{name}.ext", f"{self.folder}/{name}.csr", f"{self.folder}/{name}.der"
        with open(extensions, "w", encoding="utf-8") as f:
            f.write("basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=1.3.6.1.4.1.311.10.3.12,2.23.133.8.3\n"
                    "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
        root = self.ak_root
        if not os.path.exists(f"{self.folder}/any.key"):  # a request wants a key; the certificate is made for another
            run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{self.folder}/any.key")
        run("openssl", "req", "-new", "-key", f"{self.folder}/any.key", "-subj", f"/CN={subject}", "-out", request)
        run("openssl", "x509", "-req", "-in", request, "-force_pubkey", public, "-CA", root, "-CAkey", f"{self.folder}/ak-root.key", "-set_serial",
            str(random.getrandbits(62)), "-days", str(days), "-extfile", extensions, "-outform", "DER", "-out", der)
        return der


class SwtpmCase(unittest.TestCase):
    """Tests that need software TPMs; skipped where swtpm or tpm2-tools are not installed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        absent = missing()
        if absent:
            raise unittest.SkipTest(f"no {absent}: install swtpm, swtpm-tools, tpm2-tools")

    def tpm(self, *args, **more):
        tpm = Swtpm(*args, **more)
        self.addCleanup(tpm.remove)
        return tpm


def main():
    log = None
    if len(sys.argv) > 1:
        with open(sys.argv[1], "rb") as f:
            log = f.read()
    tpm = Swtpm(log=log)
    try:
        print(f"folder={tpm.folder} tcti={tpm.tcti}", flush=True)
        for line in sys.stdin:
            {"start": tpm.start, "stop": tpm.stop, "reset": tpm.reset}[line.strip()]()
            print(f"done tcti={tpm.tcti}", flush=True)
    finally:
        tpm.remove()


if __name__ == "__main__":
    main()
