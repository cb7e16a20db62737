"""Two nodes anchor one PostgreSQL store, each by a checkpoint of its own: what the other one wrote is no fault, a database that is put back to
what it was starts neither."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import postgres
import test_anchor
from service_case import Service
from test_anchor import DENY, PERMIT, AnchorCase


class NodesCase(postgres.PostgresCase, AnchorCase):
    def node(self, name, **more):
        note = os.path.join(self.folder, name)
        node = Service({"state": {"name": "test.example/records", "seconds": 1, "checkpoint": note}, "core": {"pairs": 1},
                        "store": {"url": self.database.url()}, **more})
        self.addCleanup(node.remove)
        return node, note

    def each(self, *nodes):
        for self.service, self.note in nodes:
            yield self.service

    def records(self):
        return int(self.database.sql("SELECT count(*) FROM assay.record"))

    def wait_for_checkpoints(self, *nodes):
        for service in self.each(*nodes):
            service.wait(lambda: os.path.exists(self.note) and self.checkpoint()["size"] == self.records())


class Shared(NodesCase):
    def test_neither_starts_on_a_database_that_was_put_back(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        one = self.node("one")
        two = self.node("two", keys={"sealing_key": os.path.join(one[0].folder, "state", "sealing.key")})
        for _ in self.each(one, two):
            self.put("SgxEnclave", DENY)
        self.wait_for_checkpoints(one, two)
        for _ in self.each(one, two):
            self.stop()
        self.database.sql(f"CREATE DATABASE early TEMPLATE {postgres.DATABASE} OWNER {postgres.USER}", "postgres")
        for service in self.each(one, two):
            service.start()
        for _ in self.each(two, one):
            self.put("SgxEnclave", PERMIT)
        self.wait_for_checkpoints(one, two)
        for _ in self.each(one, two):
            self.stop()
            self.assertEqual(200, self.starts())
        self.database.sql(f"DROP DATABASE {postgres.DATABASE}", "postgres")
        self.database.sql(f"CREATE DATABASE {postgres.DATABASE} TEMPLATE early OWNER {postgres.USER}", "postgres")
        for _ in self.each(one, two):
            self.refused("the store is refused: state.growth")
            self.serves_without()


class Behind(NodesCase):
    def test_a_witness_knows_what_a_replica_lacks(self):
        """It names one record more than there is; while the start waits another node writes it. What was signed is put in force and gone on from."""
        if test_anchor.MISSING:
            self.skipTest(f"python3-cryptography is needed: {test_anchor.MISSING}")
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        one = self.node("one")
        two = self.node("two", keys={"sealing_key": os.path.join(one[0].folder, "state", "sealing.key")})
        for service in self.each(one):
            self.put("SgxEnclave", DENY)
            self.wait_for_checkpoints(one)
            log = re.search(r"witnesses know the log of the store's records by (\S+)", service.text()).group(1)
            self.stop()
        witness = test_anchor.Witness(self.enterContext(tempfile.TemporaryDirectory()), [log])
        self.addCleanup(witness.end)
        records = self.records()
        with test_anchor.WitnessBefore(witness, [str(records + 1)]) as ahead:
            for service in self.each(one):
                with open(service.config, encoding="utf-8") as f:
                    text = f.read()
                with open(service.config, "w", encoding="utf-8") as f:
                    f.write(text.replace("[state]\n", f"[state]\nwitness = {ahead.url}\nwitness_key = {witness.key}\n"))
            with open(os.path.join(self.folder, "start.log"), "wb") as said:
                starts = subprocess.Popen([one[0].program, "--config", one[0].config], stderr=said, stdin=subprocess.DEVNULL, env=one[0].env)
            self.addCleanup(starts.wait)
            self.addCleanup(starts.terminate)
            for service in self.each(two):
                service.wait(lambda: ahead.asked == 1)
                self.put("SgxEnclave", PERMIT)
                service.wait(lambda: "serving " in self.said(said.name))
        self.assertGreaterEqual(ahead.asked, 2)
        for _ in self.each(one):
            self.assertGreater(self.checkpoint()["size"], records)

    def said(self, path):
        with open(path, encoding="utf-8") as f:
            return f.read()


if __name__ == "__main__":
    unittest.main()
