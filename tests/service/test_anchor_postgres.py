"""Two nodes anchor one PostgreSQL store, each by a checkpoint of its own: what the other one wrote is no fault, a database that is put back to
what it was starts neither. Nor does one that answers from something else than its table."""
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


HIDDEN = "(kind = 'policy/SgxEnclave' AND version = 2)"
NEWEST = "current_query() LIKE '%max(version)%'"  # the question by which the service finds what it serves; the anchor reads all
# What the owner of the database may do to a table that it answers from: (do it, undo it).
FILTERS = {
    "row security": ("ALTER TABLE assay.record ENABLE ROW LEVEL SECURITY; ALTER TABLE assay.record FORCE ROW LEVEL SECURITY; "
                     "CREATE POLICY seen ON assay.record USING (NOT ({}))",
                     "DROP POLICY seen ON assay.record; ALTER TABLE assay.record NO FORCE ROW LEVEL SECURITY; "
                     "ALTER TABLE assay.record DISABLE ROW LEVEL SECURITY"),
    "a view": ("ALTER TABLE assay.record RENAME TO kept; CREATE VIEW assay.record AS SELECT * FROM assay.kept WHERE NOT ({}); "
               f"ALTER VIEW assay.record OWNER TO {postgres.USER}",
               "DROP VIEW assay.record; ALTER TABLE assay.kept RENAME TO record"),
    "a rule": ("ALTER TABLE assay.record RENAME TO kept; CREATE TABLE assay.record (LIKE assay.kept); "
               "CREATE RULE \"_RETURN\" AS ON SELECT TO assay.record DO INSTEAD SELECT * FROM assay.kept WHERE NOT ({}); "
               f"ALTER TABLE assay.record OWNER TO {postgres.USER}",
               "DROP VIEW assay.record; ALTER TABLE assay.kept RENAME TO record"),
    "a table before it": (f"CREATE SCHEMA before AUTHORIZATION {postgres.USER}; ALTER SCHEMA assay RENAME TO kept; "
                          f"ALTER SCHEMA before RENAME TO assay; CREATE VIEW assay.record AS SELECT * FROM kept.record WHERE NOT ({{}}); "
                          "CREATE VIEW assay.generation AS SELECT * FROM kept.generation; CREATE TABLE assay.schema AS SELECT * FROM kept.schema; "
                          f"ALTER VIEW assay.record OWNER TO {postgres.USER}; ALTER VIEW assay.generation OWNER TO {postgres.USER}; "
                          f"ALTER TABLE assay.schema OWNER TO {postgres.USER}",
                          "DROP SCHEMA assay CASCADE; ALTER SCHEMA kept RENAME TO assay"),
}


class Filtered(NodesCase):
    """Who owns the database lets the service read other rows than an administrator sees, who finds nothing amiss."""

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.service, self.note = node = self.node("one")
        self.put("SgxEnclave", DENY)
        self.put("SgxEnclave", PERMIT)
        self.wait_for_checkpoints(node)
        self.stop()

    def tearDown(self):
        self.database.sql(f"DROP DATABASE {postgres.DATABASE} WITH (FORCE)", "postgres")
        self.database.make_database(postgres.DATABASE)

    def test_a_record_that_is_hidden_from_all_questions(self):
        for name in ("row security", "a table before it"):
            do, undo = FILTERS[name]
            with self.subTest(name):
                self.database.sql(do.format(HIDDEN))
                self.refused("the store is refused: state.growth")
                self.assertEqual(400, self.serves_without())  # by the older policy: it is the anchor that refuses
                self.database.sql(undo)
        self.assertEqual(200, self.starts())

    def test_a_record_that_is_hidden_from_the_question_for_the_newest(self):
        for name, (do, undo) in FILTERS.items():
            with self.subTest(name):
                self.database.sql(do.format(f"{HIDDEN} AND {NEWEST}"))
                said = self.refused("the store is refused: state.view", "Found 1, expected 0")
                self.assertNotIn("state.growth", said)
                self.assertEqual(400, self.serves_without())
                self.database.sql(undo)
        self.assertEqual(200, self.starts())

    def test_an_older_record_in_the_place_of_the_newest(self):
        """None is missing: the older body, with its own seal, under the newer sequence."""
        do, undo = FILTERS["a view"]
        names = "sequence, provider, kind, version, time, body, hash, signer, caller, mark, seal"
        self.database.sql(do.format("false"))
        self.database.sql(f"CREATE OR REPLACE VIEW assay.record AS SELECT {names} FROM assay.kept WHERE NOT {HIDDEN} UNION ALL "
                          f"SELECT n.sequence, {', '.join('o.' + c for c in names.split(', ')[1:])} FROM assay.kept o, assay.kept n "
                          "WHERE o.kind = 'policy/SgxEnclave' AND o.version = 1 AND n.kind = o.kind AND n.version = 2; "
                          f"CREATE RULE write AS ON INSERT TO assay.record DO INSTEAD INSERT INTO assay.kept ({names}) VALUES ({', '.join('new.' + c for c in names.split(', '))}); "
                          "CREATE RULE seal AS ON UPDATE TO assay.record DO INSTEAD UPDATE assay.kept SET hash = new.hash, seal = new.seal WHERE sequence = old.sequence")
        self.refused("the store is refused: state.growth")
        self.assertEqual(400, self.serves_without())
        self.database.sql(undo)
        self.assertEqual(200, self.starts())

    def test_while_it_runs(self):
        """A newer record of another node is kept from what is served: nothing is signed for that, and it is told."""
        do, undo = FILTERS["row security"]
        self.service.start()
        size = self.checkpoint()["size"]
        self.database.sql(do.format(f"kind = 'policy/SgxEnclave' AND version = 3 AND {NEWEST}"))
        self.database.sql("INSERT INTO assay.record SELECT sequence + 1000, provider, kind, 3, time, body, hash, signer, caller, mark, seal FROM assay.record "
                          f"WHERE {HIDDEN}; UPDATE assay.generation SET value = (SELECT max(sequence) FROM assay.record)")
        self.service.wait(lambda: "no newer checkpoint of the store: of 1 kinds of records another one is served than the newest (state.view)" in self.service.text())
        self.service.wait(lambda: "; fails, seen at " in self.anchor_line())
        self.assertEqual(size, self.checkpoint()["size"])
        self.stop()
        self.database.sql(undo)


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
