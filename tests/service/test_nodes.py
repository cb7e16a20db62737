"""Two nodes on one PostgreSQL: what one makes, changes and deletes through its control plane, the other serves."""
import concurrent.futures
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import postgres
from service_case import Service
from test_control import GROUP, V, WESTUS, call_by_name, unchecked

ATTEST = "/attest/SgxEnclave?api-version=2022-08-01"
SECONDS = 30  # how long a node may take to follow before the test calls it lost


class Nodes(postgres.PostgresCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        plane = {"authority": "arm.example", "domain": "attest.example"}
        settings = {"control_plane": plane, "store": {"url": cls.database.url()}, "provider first": {"issuer": "https://first.example"}}
        cls.one = Service(settings)
        cls.addClassCleanup(cls.one.remove)
        sealing = {"keys": {"sealing_key": os.path.join(cls.one.folder, "state", "sealing.key")}}
        cls.two = Service({**settings, **sealing})
        cls.addClassCleanup(cls.two.remove)

    def arm(self, node, method, path, body=None):
        return call_by_name(node, "arm.example", method, path + V, body, {"Host": "arm.example", "Authorization": "Bearer " + node.token},
                            unchecked(node))

    def attest(self, node, name):
        host = f"{name}.wus.attest.example"
        return call_by_name(node, host, "POST", ATTEST, node.request_body(), {"Host": host}, unchecked(node)).status

    def until(self, wanted, get):
        end = time.monotonic() + SECONDS
        while get() != wanted and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(wanted, get())

    def test_a_provider_answers_on_every_node_until_it_is_deleted(self):
        self.assertEqual(201, self.arm(self.one, "PUT", GROUP + "/both", WESTUS).status)
        self.assertEqual(200, self.attest(self.one, "both"))
        self.until(200, lambda: self.attest(self.two, "both"))
        self.assertEqual("ada", self.arm(self.two, "PATCH", GROUP + "/both", {"tags": {"owner": "ada"}}).json["tags"]["owner"])
        self.until({"owner": "ada"}, lambda: self.arm(self.one, "GET", GROUP + "/both").json.get("tags"))
        self.assertEqual(["both"], [p["name"] for p in self.arm(self.one, "GET", GROUP).json["value"]])
        self.assertEqual(200, self.arm(self.two, "DELETE", GROUP + "/both").status)
        self.assertEqual(404, self.attest(self.two, "both"))
        self.until(404, lambda: self.attest(self.one, "both"))
        self.assertEqual([], self.arm(self.one, "GET", GROUP).json["value"])

    def test_a_name_is_taken_on_one_node(self):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for i in range(5):
                path = f"{GROUP}/race{i}"
                answers = [f.result() for f in [pool.submit(self.arm, node, "PUT", path, WESTUS) for node in (self.one, self.two)]]
                # The later one is refused, or finds what the first one made.
                self.assertIn(sorted(a.status for a in answers), ([200, 201], [201, 409]), answers)
                for node in (self.one, self.two):
                    self.until(200, lambda node=node, path=path: self.arm(node, "GET", path).status)
                self.assertEqual(200, self.arm(self.one, "DELETE", path).status)
                self.until(404, lambda path=path: self.arm(self.two, "GET", path).status)


if __name__ == "__main__":
    unittest.main()
