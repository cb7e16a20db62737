"""The owner of a PostgreSQL database changes, moves or adds a record by hand: what test_records.py shows of SQLite, on a real server."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import postgres
from service_case import Service
from test_control import GROUP, V, WESTUS, call_by_name, unchecked
from test_records import DENY, PERMIT, VERSION, policy

KIND = "policy/SgxEnclave"
NEXT = "(SELECT max(sequence) + 1 FROM assay.record)"


class PostgresRecords(postgres.PostgresCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service = Service({"control_plane": {"authority": "arm.example", "domain": "attest.example"}, "store": {"url": cls.database.url()}})
        cls.addClassCleanup(cls.service.remove)
        for name in ("one", "two"):
            assert cls.at("arm.example", "PUT", f"{GROUP}/{name}{V}", WESTUS).status == 201
        for name, text in (("one", DENY), ("two", PERMIT), ("one", PERMIT)):
            answer = cls.at(cls.host(name), "PUT", f"/policies/SgxEnclave{VERSION}", policy(text))
            assert answer.status == 200, answer.body
        cls.service.stop()
        cls.database.sql(f"ALTER DATABASE {postgres.DATABASE} RENAME TO kept", "postgres")

    @classmethod
    def host(cls, name):
        return f"{name}.wus.attest.example"

    @classmethod
    def at(cls, host, method, path, body=None):
        return call_by_name(cls.service, host, method, path, body, {"Host": host, "Authorization": "Bearer " + cls.service.token}, unchecked(cls.service))

    def attest(self, name):
        return self.at(self.host(name), "POST", f"/attest/SgxEnclave{VERSION}", self.service.request_body())

    def restore(self):
        self.database.sql(f"DROP DATABASE IF EXISTS {postgres.DATABASE}", "postgres")
        self.database.sql(f"CREATE DATABASE {postgres.DATABASE} TEMPLATE kept OWNER {postgres.USER}", "postgres")

    def edit(self, sql):
        changed = self.database.sql(f"WITH changed AS ({sql} RETURNING 1) SELECT count(*) FROM changed")
        self.assertGreater(int(changed), 0, sql)
        self.database.sql("UPDATE assay.generation SET value = (SELECT max(sequence) FROM assay.record)")

    def issuer(self, name):
        found = self.database.sql(f"SELECT DISTINCT provider FROM assay.record WHERE provider LIKE '%{name}.wus%'")
        self.assertTrue(found and "\n" not in found, found)
        return found

    def refused(self, name, check, kind):
        for method, path, body in (("POST", f"/attest/SgxEnclave{VERSION}", self.service.request_body()), ("GET", "/certs", None),
                                   ("PUT", f"/policies/SgxEnclave{VERSION}", policy(PERMIT))):
            answer = self.at(self.host(name), method, path, body)
            self.assertEqual((500, "StateRefused"), (answer.status, answer.json["error"]["code"]), answer.body)
            self.assertIn(check, answer.json["error"]["message"])
            self.assertIn(kind, answer.json["error"]["message"])
        self.assertIn(f"a provider's state is refused: {kind}", self.service.text())

    def test_every_change_is_refused(self):
        self.restore()
        one, two = (f"'{self.issuer(name)}'" for name in ("one", "two"))
        newest = f"WHERE provider = {one} AND kind = '{KIND}' AND version = 2"
        columns = "sequence, provider, kind, version, time, body, hash, signer, caller, mark, seal"
        changes = [
            (f"UPDATE assay.record SET body = '{policy(DENY)}'::bytea {newest}", "record.signature", KIND),
            (f"UPDATE assay.record SET body = '' {newest}", "record.signature", KIND),
            (f"UPDATE assay.record SET kind = 'policy/OpenEnclave' {newest}", "record.signature", "policy/OpenEnclave"),
            (f"UPDATE assay.record SET time = time + 1 {newest}", "record.signature", KIND),
            (f"UPDATE assay.record SET caller = 'nobody' {newest}", "record.signature", KIND),
            (f"UPDATE assay.record SET seal = '' {newest}", "record.seal", KIND),
            (f"UPDATE assay.record SET hash = 'isolated' WHERE provider = {one} AND kind = 'key'", "record.signature", "key"),
            (f"INSERT INTO assay.record ({columns}) SELECT {NEXT}, {one}, kind, 3, time, body, hash, signer, caller, mark, seal FROM assay.record "
             f"WHERE provider = {two} AND kind = '{KIND}'", "record.signature", KIND),
            (f"INSERT INTO assay.record ({columns}) SELECT {NEXT}, provider, kind, 3, time, body, hash, signer, caller, mark, seal FROM assay.record "
             f"WHERE provider = {one} AND kind = '{KIND}' AND version = 1", "record.signature", KIND),
        ]
        for sql, check, kind in changes:
            with self.subTest(sql):
                self.restore()
                self.edit(sql)
                self.service.start()
                try:
                    self.refused("one", check, kind)
                    self.assertEqual(200, self.attest("two").status)
                finally:
                    self.service.stop()

    def test_unchanged_it_serves(self):
        self.restore()
        self.service.start()
        self.assertEqual([200, 200], [self.attest(name).status for name in ("one", "two")])
        self.service.stop()


if __name__ == "__main__":
    unittest.main()
