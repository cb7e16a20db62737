"""Two nodes anchor one PostgreSQL store, each by a checkpoint of its own: what the other one wrote is no fault, a database that is put back to
what it was starts neither."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import postgres
from service_case import Service
from test_anchor import DENY, PERMIT, AnchorCase


class Shared(postgres.PostgresCase, AnchorCase):
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


if __name__ == "__main__":
    unittest.main()
