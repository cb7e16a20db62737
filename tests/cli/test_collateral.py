"""`assay collateral key`, `export`, `import`, `show` from outside, over simulated endorsements: every way in which a bundle can be
wrong, and an import that is killed."""
import base64
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cli_case import ASSAY, DONE, MISUSE, REFUSED, SHARED, CliCase, b64u, needs_corpus, needs_openssl, openssl

KILLS = 150 if os.environ.get("ASSAY_LONG") else 5


def unb64u(text):
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def split(bundle):
    """Head, the JWS's three parts, and the objects' bytes."""
    head, jws, data = bundle.split(b"\n", 2)
    return head, jws.split(b"."), data


def join(parts, data):
    jws = b".".join(parts)
    return b"assay collateral bundle 1 %d\n" % len(jws) + jws + b"\n" + data


class Collateral(CliCase):
    def setUp(self):
        super().setUp()
        self.old, self.new = self.platform("old", "2026-01-01T00:00:00Z"), self.platform("new", "2026-03-01T00:00:00Z")
        self.anchor = ("--anchor", self.dir / "old-platform" / "anchor.pem")
        self.expect(DONE, "collateral", "key", "-o", "key")
        self.into = self.dir / "into"

    def platform(self, name, at):
        """Endorsements of the simulated platform, at one time or another; its keys are the same."""
        self.expect(DONE, "simulate", "sgx", "--seed", "3", "--at", at, "-o", f"{name}-platform")
        shutil.copytree(self.dir / f"{name}-platform" / "collateral", self.dir / name)
        return self.dir / name

    def export(self, folder, name, *args, key="key", at="2026-03-02T00:00:00Z"):
        self.expect(DONE, "collateral", "export", folder, "-o", name, *(("--key", key) if key else ()), "--at", at, *self.anchor, *args)
        return self.dir / name

    def take(self, status, bundle, *args, into=None):
        return self.expect(status, "collateral", "import", bundle, "--into", into or self.into, *self.anchor, *args)

    def state(self, folder=None):
        """What a reader sees in a folder by its rule, names and digests, and the bundle that it remembers."""
        folder, found = folder or self.into, {}
        for place in (folder, folder / ".committed"):
            if place.is_dir():
                found.update({p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in place.iterdir() if p.is_file()})
        memory = folder / (".committed/.bundle" if (folder / ".committed/.bundle").exists() else ".bundle")
        return found, json.loads(memory.read_text()) if memory.exists() else None

    def shown(self, what):
        return {o["name"]: o["sha256"] for o in self.expect_json(DONE, "collateral", "show", what, "--json", *self.anchor)["objects"]}

    def refused(self, bundle, why, *args):
        """Refused with this reason, and the folder is as it was."""
        before = self.state() if self.into.exists() else None
        run = self.take(REFUSED, self.file("wrong", bundle) if isinstance(bundle, bytes) else bundle, *args)
        self.assertIn(why, run.err)
        self.assertIn("nothing was imported", run.err)
        self.assertEqual("", run.out)
        if before:
            self.assertEqual(before, self.state())
        elif self.into.exists():
            self.assertEqual([], [p for p in self.into.iterdir() if not p.name.startswith(".")])

    def test_there_and_back(self):
        bundle = self.export(self.old, "old.bundle")
        run = self.take(DONE, bundle, "--trust", "key.pub")
        self.assertIn("new         tcbinfo-sgx-", run.out)
        self.assertEqual("", run.err)
        names, imported = self.state()
        del names[".bundle"]
        self.assertEqual(sorted(names), sorted(p.name for p in self.into.iterdir() if not p.name.startswith(".")))
        self.assertEqual(names, self.shown(bundle))
        self.assertEqual(names, self.shown(self.into))
        self.assertEqual(int(time.mktime(time.strptime("2026-03-02 UTC", "%Y-%m-%d %Z"))) - time.timezone, imported["sequence"])
        # Once more changes nothing; a folder exported anew is the same set.
        self.assertIn(f"0 of {len(names)} written", self.take(DONE, bundle).out)
        again = self.export(self.into, "again.bundle")
        self.assertEqual(bundle.read_bytes().split(b"\n", 2)[2], again.read_bytes().split(b"\n", 2)[2])

    def test_a_later_bundle_replaces_and_an_older_does_not(self):
        old, new = self.export(self.old, "old.bundle", at="2026-03-02T00:00:00Z"), self.export(self.new, "new.bundle", at="2026-03-03T00:00:00Z")
        self.take(DONE, old, "--trust", "key.pub")
        out = self.take(DONE, new).out
        self.assertIn("replaced    tcbinfo-sgx-", out)
        wanted = self.shown(new)
        self.assertLessEqual(wanted.items(), self.state()[0].items())
        self.refused(old, "the bundle is older")
        self.refused(self.export(self.new, "same.bundle", "--sequence", str(self.state()[1]["sequence"]), at="2026-03-04T00:00:00Z"), "another bundle of number")
        # A higher number does not help what is in it.
        late = self.export(self.old, "late.bundle", at="2026-03-05T00:00:00Z")
        self.refused(late, "one that was issued later is there")
        self.assertIn("newer kept", self.take(DONE, late, "--keep-newer").out)
        self.assertLessEqual(wanted.items(), self.state()[0].items())
        self.refused(self.export(self.new, "future.bundle", at="2200-01-01T00:00:00Z"), "made in the future")

    def test_tampered(self):
        good = self.export(self.old, "good.bundle").read_bytes()
        head, (header, payload, signature), data = split(good)
        self.take(DONE, self.file("good", good), "--trust", "key.pub")
        for at in (0, len(data) - 1):
            self.refused(join([header, payload, signature], data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]), "an object is not what its manifest says")
        for cut in (len(good) - 1, len(good) - len(data), len(head) + 1, 5):
            self.refused(good[:cut], "the bundle is damaged" if cut > 30 or cut == 5 else "")
        self.refused(good + b"\n", "bytes follow behind its end")
        self.refused(b"", "does not begin as a bundle does")
        manifest = json.loads(unb64u(payload))
        changes = [lambda m: m.update(sequence=m["sequence"] + 1), lambda m: m["objects"].pop(), lambda m: m["objects"].reverse(),
                   lambda m: m["objects"][0].update(name="../../etc/passwd")]
        for change in changes:
            m = json.loads(unb64u(payload))
            change(m)
            self.refused(join([header, b64u(json.dumps(m).encode()).encode(), signature], data), "signature of the bundle does not verify")
        stripped = b64u(b'{"alg":"none"}').encode()
        self.refused(join([stripped, payload, b""], data), "not signed, but the last one of this folder was")
        self.refused(join([stripped, payload, b""], data), "the bundle is not signed", "--trust", "key.pub")
        # Where nobody signed, the manifest is still held to.
        self.into = self.dir / "elsewhere"
        for change, why in zip(changes[1:] + [lambda m: m.update(version=2), lambda m: m.update(objects=[]), lambda m: m.update(sequence=0),
                                              lambda m: m["objects"][0].update(name="aaa.der"), lambda m: m["objects"][0].update(size=2 ** 40),
                                              lambda m: m["objects"].append(m["objects"][-1])],
                               ("bytes follow", "damaged", "damaged", "version", "lacks something", "lacks something", "not what its name says", "damaged", "damaged")):
            m = json.loads(json.dumps(manifest))
            change(m)
            self.refused(join([stripped, b64u(json.dumps(m).encode()).encode(), b""], data), why)
        self.assertIn("not signed", self.take(DONE, self.file("unsigned", join([stripped, payload, b""], data))).err)

    def test_signed_by_another(self):
        self.expect(DONE, "collateral", "key", "-o", "other")
        good, other = self.export(self.old, "good.bundle"), self.export(self.new, "other.bundle", key="other", at="2026-03-05T00:00:00Z")
        self.refused(other, "signed by another key than the one that is trusted", "--trust", "key.pub")
        self.assertIn("is believed from now on", self.take(DONE, good).err)
        self.refused(other, "signed by another key than the last one")
        self.take(DONE, other, "--trust", "other.pub")
        self.take(DONE, self.export(self.new, "next.bundle", key="other", at="2026-03-06T00:00:00Z"))

    @needs_openssl
    def test_keys_of_every_kind(self):
        for n, kind in enumerate((["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"])):
            self.file(f"k{n}", openssl("genpkey", *kind))
            self.file(f"k{n}.pub", openssl("pkey", "-in", self.dir / f"k{n}", "-pubout"))
            bundle = self.export(self.old, f"{n}.bundle", key=f"k{n}")
            self.take(DONE, bundle, "--trust", f"k{n}.pub", into=self.dir / f"into{n}")
            self.assertIn(b'"PS256"' if n == 0 else b'"ES384"', unb64u(split(bundle.read_bytes())[1][0]))

    def test_objects_are_verified(self):
        """A bundle that is rightly signed does not vouch for what is in it."""
        bundle = self.export(self.old, "good.bundle")
        run = self.expect(REFUSED, "collateral", "import", bundle, "--into", self.into, "--trust", "key.pub")
        self.assertIn("up to no root that is trusted", run.err)
        next(p for p in self.old.iterdir() if p.name == "pck.crl").unlink()
        run = self.expect(REFUSED, "collateral", "export", self.old, "-o", "none.bundle")
        self.assertIn("left out", run.err)
        self.assertFalse((self.dir / "none.bundle").exists())

    def test_evidence_is_verified_with_a_bundle(self):
        bundle = self.export(self.new, "new.bundle")
        quote = self.dir / "new-platform" / "quote.bin"
        for collateral in (bundle, self.dir / "folder"):
            if collateral.name == "folder":
                self.take(DONE, bundle, into=collateral)
            run = self.expect(DONE, "verify", quote, "--collateral", collateral, *self.anchor, "--at", "2026-03-01T00:00:00Z")
            self.assertEqual("", run.err)
        self.expect(REFUSED, "verify", quote, "--collateral", self.file("cut", bundle.read_bytes()[:-1]), *self.anchor, "--at", "2026-03-01T00:00:00Z")

    def test_killed_at_any_moment(self):
        """kill -9 in the middle of an import: the folder holds the old set or the new one, and the next import goes on."""
        old, new = self.export(self.old, "old.bundle", at="2026-03-02T00:00:00Z"), self.export(self.new, "new.bundle", at="2026-03-03T00:00:00Z")
        self.take(DONE, old, "--trust", "key.pub")
        before, after = self.state(), None
        kept = self.dir / "kept"
        shutil.copytree(self.into, kept)
        began = time.monotonic()
        self.take(DONE, new)
        whole = time.monotonic() - began
        after = self.state()
        self.assertNotEqual(before, after)
        for n in range(KILLS):
            shutil.rmtree(self.into)
            shutil.copytree(kept, self.into)
            process = subprocess.Popen([str(ASSAY), "collateral", "import", str(new), "--into", str(self.into), *map(str, self.anchor)],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0.3, 1.0) * whole)
            process.kill()
            process.wait()
            self.assertIn(self.state(), (before, after), f"kill {n}")
            self.assertIn(len(self.shown(self.into)), (len(before[0]) - 1, len(after[0]) - 1))
            self.take(DONE, new)
            self.assertEqual(after, self.state())
            self.assertEqual([".bundle"], [p.name for p in self.into.iterdir() if p.name.startswith(".")])

    def test_show(self):
        at = ("--at", "2026-01-01T00:00:00Z")
        shown = self.expect_json(DONE, "collateral", "show", self.old, "--json", *at, *self.anchor)
        days = [o["days"] for o in shown["objects"]]
        self.assertEqual(sorted(days), days)
        for o in shown["objects"]:  # the PCK authority comes with quotes
            self.assertEqual(o["kind"] != "crl-platform", o["genuine"])
        kinds = {o["kind"] for o in shown["objects"]}
        self.assertLessEqual({"tcb-info-sgx", "identity-qe", "chain-tcb", "crl-root"}, kinds)
        soonest = days[0]
        run = self.expect(REFUSED, "collateral", "show", self.old, "--within", soonest + 1, *at, *self.anchor)
        self.assertIn("within", run.err)
        self.expect(DONE, "collateral", "show", self.old, "--within", soonest - 1, *at, *self.anchor)
        # What a later one supersedes does not count.
        for path in self.new.iterdir():
            shutil.copy(path, self.old / ("later-" + path.name))
        self.expect(DONE, "collateral", "show", self.old, "--within", soonest + 1, *at, *self.anchor)
        self.assertIn("superseded", self.expect(DONE, "collateral", "show", self.old, *at, *self.anchor).out)

    def test_show_tells_what_is_wrong(self):
        (self.old / "note.txt").write_text("hello \x1b[31m")
        info = next(p for p in self.old.iterdir() if b'"tcbInfo"' in p.read_bytes())
        info.write_bytes(info.read_bytes().replace(b'"pcesvn":1', b'"pcesvn":2'))
        for path in list(self.old.iterdir()):
            if b'"enclaveIdentity"' in path.read_bytes():
                path.unlink()
        out = self.expect(DONE, "collateral", "show", self.old, *self.anchor).out
        self.assertIn("NOT GENUINE: its signature does not verify", out)
        self.assertIn("no endorsement: note.txt", out)
        self.assertNotIn("\x1b", out)
        out = self.expect(DONE, "collateral", "show", self.new, *self.anchor).out
        shutil.copytree(self.new, self.dir / "less")
        for path in list((self.dir / "less").iterdir()):
            if b'"enclaveIdentity"' in path.read_bytes():
                path.unlink()
        self.assertIn("missing: identity of the SGX quoting enclave of number 17",
                      self.expect(DONE, "collateral", "show", self.dir / "less", *self.anchor).out)
        self.assertIn("up to no root that is trusted", self.expect(DONE, "collateral", "show", self.new).out)

    def test_misuse(self):
        for args in (("show",), ("show", "nothing-here"), ("export", self.old), ("import", "x"), ("import", "nothing", "--into", "d"), ("key",),
                     ("export", self.old, "-o", "b", "--key", "nothing"), ("export", self.old, "-o", "b", "--sequence", "0"), ("key", "-o", "key"),
                     ("show", self.old, "--within", "-1"), ("show", self.old, "--at", "noon")):
            run = self.expect(MISUSE, "collateral", *args)
            self.assertNotEqual("", run.err)

    @needs_corpus
    def test_all_of_intels(self):
        """Every genuine endorsement of the corpus travels; what Intel did not sign does not."""
        folder = self.dir / "intel"
        folder.mkdir()
        for path in [*(SHARED / "evidence/collateral").glob("*.*"), *(SHARED / "evidence/collateral/chains").glob("*.pem")]:
            if path.is_file() and path.suffix in (".der", ".json", ".pem"):
                shutil.copy(path, folder)
        run = self.expect(DONE, "collateral", "export", folder, "-o", "intel.bundle", "--key", "key")
        self.assertEqual(5, len(run.err.splitlines()), run.err)  # three that others signed, version 1, an SVN of no byte
        self.expect(DONE, "collateral", "import", "intel.bundle", "--into", "intel2", "--trust", "key.pub")
        shown = self.expect_json(DONE, "collateral", "show", "intel2", "--json")
        self.assertGreater(len(shown["objects"]), 60)
        self.assertTrue(all(o["genuine"] for o in shown["objects"]))


if __name__ == "__main__":
    unittest.main()
