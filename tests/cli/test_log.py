"""`assay log` from outside, over logs that are made here by the definitions: RFC 6962, C2SP's tlog-tiles and signed notes."""
import base64
import hashlib
import struct
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cli_case import DONE, MISUSE, REFUSED, CliCase

try:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
except ImportError:
    Ed25519PrivateKey = None

NAME = "node-1.example/log"
ID = "00-{:032x}-0000000000000001-01"


def sha(data):
    return hashlib.sha256(data).digest()


def root(leaves):
    """RFC 6962, 2.1, as it stands there."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha(b"\1" + root(leaves[:k]) + root(leaves[k:]))


def record(n, verdict=1):
    def text(t):
        return struct.pack("<I", len(t)) + t.encode()
    return (bytes([1, verdict]) + struct.pack("<q", 1767225600 + n) + text("SgxEnclave") + text("" if verdict else "policy.permit") +
            text("hash") + b"".join(sha(b"%d %d" % (n, k)) for k in range(5)) + text(ID.format(n)))


def number(n):
    parts = []
    while True:
        parts.insert(0, f"{n % 1000:03}")
        n //= 1000
        if not n:
            return "/".join(["x" + p for p in parts[:-1]] + parts[-1:])


class Log:
    def __init__(self, folder, key, name=NAME):
        self.folder, self.key, self.name, self.entries = folder, key, name, []
        public = b"\1" + key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.id = sha(name.encode() + b"\n" + public)[:4]
        self.verifier = f"{name}+{self.id.hex()}+{base64.b64encode(public).decode()}"

    def put(self, path, content):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def rows(self, kind, items, encode):
        for first in range(0, len(items), 256):
            some = items[first:first + 256]
            self.put(f"tile/{kind}/{number(first // 256)}" + (f".p/{len(some)}" if len(some) < 256 else ""), b"".join(map(encode, some)))

    def note(self):
        text = f"{self.name}\n{len(self.entries)}\n{base64.b64encode(root(self.leaves())).decode()}\n"
        signature = base64.b64encode(self.id + self.key.sign(text.encode())).decode()
        return f"{text}\n\u2014 {self.name} {signature}\n".encode()

    def leaves(self):
        return [sha(b"\0" + e) for e in self.entries]

    def write(self):
        level, hashes = 0, self.leaves()
        self.rows("entries", self.entries, lambda e: struct.pack(">H", len(e)) + e)
        while hashes:
            self.rows(level, hashes, lambda h: h)
            hashes = [root(hashes[i:i + 256]) for i in range(0, len(hashes) // 256 * 256, 256)]
            level += 1
        return self.put("checkpoint", self.note())


@unittest.skipIf(Ed25519PrivateKey is None, "no python3-cryptography")
class LogCommands(CliCase):
    def setUp(self):
        super().setUp()
        self.key = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\1")
        self.log = Log(self.dir / "log", self.key)
        self.log.entries = [record(n, verdict=n % 3 != 0) for n in range(600)]
        self.log.write()
        self.keyfile = self.file("log.key", self.log.verifier + "\n")

    def prove(self, *args):
        return self.file("proof", self.expect(DONE, "log", "prove", *args, "--log", self.log.folder).out)

    def test_every_kind_of_place_is_proved(self):
        for index in (0, 1, 255, 256, 511, 512, 599):
            proof = self.prove(index)
            told = self.expect_json(DONE, "log", "verify", proof, "--key", self.log.verifier, "--json")
            self.assertEqual((index, 600, NAME), (told["index"], told["size"], told["origin"]))
            self.assertEqual(ID.format(index), told["record"]["id"])
            self.assertEqual("token" if index % 3 else "refused", told["record"]["verdict"])
        self.assertIn("in the log", self.expect(DONE, "log", "verify", proof, "--key", self.keyfile).out)

    def test_by_id(self):
        self.assertEqual(b"".join(self.prove(300).read_bytes().splitlines(True)), self.prove("--id", ID.format(300)).read_bytes())
        self.assertIn("no record", self.expect(REFUSED, "log", "prove", "--id", "nothing", "--log", self.log.folder).err)

    def test_a_proof_is_refused(self):
        proof = self.prove(77).read_text()
        other = Log(self.dir / "other", Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\2"))
        for text, key, check in ((proof, other.verifier, "log.checkpoint.signature"), (proof.replace("index 77", "index 78"), self.log.verifier, "log.inclusion"),
                                 (proof.replace("\n600\n", "\n601\n"), self.log.verifier, "log.checkpoint.signature"),
                                 (proof.replace("index 77", "index 077"), self.log.verifier, "log.proof.shape"), ("", self.log.verifier, "log.proof.shape")):
            self.assertIn(check, self.expect(REFUSED, "log", "verify", self.file("bad", text), "--key", key).err)
        self.expect(MISUSE, "log", "verify", self.file("proof", proof))
        self.expect(MISUSE, "log", "verify", self.file("proof", proof), "--key", "nonsense")
        self.expect(REFUSED, "log", "prove", "600", "--log", self.log.folder)
        self.expect(MISUSE, "log", "prove", "x", "--log", self.log.folder)
        self.expect(MISUSE, "log", "prove", "1", "--log", self.dir / "nowhere")

    def test_a_tile_that_was_changed(self):
        tile = self.log.folder / "tile/0/001"
        hashes = tile.read_bytes()
        tile.write_bytes(hashes[:-1] + bytes([hashes[-1] ^ 1]))
        self.assertIn("log.inclusion", self.expect(REFUSED, "log", "prove", "256", "--log", self.log.folder).err)

    def test_consistency(self):
        now = self.log.note()
        self.log.entries = self.log.entries[:300]
        old = self.file("old", self.log.note())
        new = self.file("new", now)
        args = ("--key", self.keyfile, "--log", self.log.folder)
        self.assertIn("from 300 to 600 records", self.expect(DONE, "log", "consistency", old, new, *args).out)
        self.assertEqual({"origin": NAME, "oldSize": 300, "newSize": 600}, self.expect_json(DONE, "log", "consistency", old, *args, "--json"))
        self.assertIn("log.consistency", self.expect(REFUSED, "log", "consistency", new, old, *args).err)
        self.log.entries[10] = record(11)
        forged = self.file("forged", self.log.note())
        self.assertIn("log.consistency", self.expect(REFUSED, "log", "consistency", forged, new, *args).err)
        self.log.name = "node-2"
        self.assertIn("log.checkpoint", self.expect(REFUSED, "log", "consistency", self.file("other", self.log.note()), new, *args).err)

    def test_show(self):
        told = self.expect_json(DONE, "log", "show", "--log", self.log.folder, "--count", "2", "--json", "--key", self.keyfile)
        self.assertEqual([598, 599], [r["index"] for r in told["records"]])
        self.assertEqual("2026-01-01T00:09:58Z", told["records"][0]["record"]["time"])
        told = self.expect_json(DONE, "log", "show", "--log", self.log.folder, "--from", "3", "--count", "1", "--json")
        self.assertEqual(("refused", "policy.permit"), (told["records"][0]["record"]["verdict"], told["records"][0]["record"]["failed"]))
        self.assertIn("SgxEnclave", self.expect(DONE, "log", "show", "--log", self.log.folder).out)

    def test_with_a_key_a_checkpoint_is_judged_first(self):
        note = (self.log.folder / "checkpoint").read_text().replace("\n600\n", "\n599\n")
        (self.log.folder / "checkpoint").write_text(note)
        for command in (("prove", "1"), ("show",)):
            self.assertIn("log.checkpoint.signature", self.expect(REFUSED, "log", *command, "--log", self.log.folder, "--key", self.keyfile).err)


if __name__ == "__main__":
    unittest.main()
