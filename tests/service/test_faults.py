"""What was acknowledged is there after kill -9, on each store; a database that goes away and comes back."""
import base64
import json
import os
import random
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import postgres
from service_case import Service, b64u
from test_control import GROUP, V, WESTUS, call_by_name, unchecked

CYCLES = 200 if os.environ.get("ASSAY_LONG") else 20
POLICY = "/policies/SgxEnclave?api-version=2022-08-01"
ARM, DOMAIN = "arm.example", "attest.example"


def policy_jws(number):
    text = f'version=1.0; authorizationrules{{[type=="n", value=={number}] => permit(); => permit();}}; issuancerules{{}};'
    return b64u(b'{"alg":"none"}') + "." + b64u(json.dumps({"AttestationPolicy": b64u(text.encode())}).encode()) + "."


def pad(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Node(Service):
    """With a control plane, on the store that is asked for."""

    def __init__(self, store):
        settings = {"core": {"pairs": 1}, "control_plane": {"authority": ARM, "domain": DOMAIN}, "limits": {"provider_rate": 0, "address_rate": 0}}
        super().__init__({**settings, **({"store": {"url": store}} if store else {})})

    def signed_in(self):
        return {"Authorization": "Bearer " + self.token}

    def set_policy(self, number):
        return self.call("PUT", POLICY, policy_jws(number), self.signed_in())

    def policy_number(self):
        status, body, _, raw = self.call("GET", POLICY, headers=self.signed_in())
        assert status == 200, raw
        jws = json.loads(pad(body["token"].split(".")[1]))["x-ms-policy"]
        text = pad(json.loads(pad(jws.split(".")[1]))["AttestationPolicy"]).decode()
        return int(text.split("value==")[1].split("]")[0]) if "value==" in text else 0

    def arm(self, method, path, body=None):
        return call_by_name(self, ARM, method, path + V, body, {"Host": ARM, **self.signed_in()}, unchecked(self))

    def keys_of(self, name):
        host = f"{name}.wus.{DOMAIN}"
        return call_by_name(self, host, "GET", "/certs", None, {"Host": host}, unchecked(self))

    def attest_as(self, name):
        host = f"{name}.wus.{DOMAIN}"
        return call_by_name(self, host, "POST", "/attest/SgxEnclave?api-version=2022-08-01", dict(self.request_body(), nonce=os.urandom(4).hex()),
                            {"Host": host}, unchecked(self)).status


class Writing:
    """Streams of changes, and which of them were acknowledged."""

    def __init__(self):
        self.number = self.acknowledged = 0
        self.made = 0
        self.providers = {}  # name -> "there", "gone", or "either" while a request has no answer

    def policies(self, node):
        try:
            while True:
                self.number += 1
                if node.set_policy(self.number)[0] == 200:
                    self.acknowledged = self.number
        except (OSError, AssertionError, ValueError, EOFError):
            pass
        except Exception as e:  # http.client says so of a connection that was cut
            if type(e).__module__ != "http.client":
                raise

    def provider(self, node, method, name, wanted, body=None):
        self.providers[name] = "either"
        if node.arm(method, f"{GROUP}/{name}", body).status in (200, 201):
            self.providers[name] = wanted

    def tenants(self, node):
        try:
            while True:
                self.made += 1
                name = f"kept{self.made}"
                self.provider(node, "PUT", name, "there", WESTUS)
                if self.made % 2:
                    self.provider(node, "DELETE", name, "gone")
        except (OSError, ValueError, EOFError):
            pass
        except Exception as e:
            if type(e).__module__ != "http.client":
                raise


class Killed:
    """kill -9 at random moments under streams of writes; then everything acknowledged is there, and nothing half done."""
    store = None

    def compare(self, node, writing):
        number = node.policy_number()
        self.assertIn(number, range(writing.acknowledged, writing.number + 1), "the policy in force is not the one that was acknowledged")
        writing.acknowledged = number
        for name, wanted in list(writing.providers.items()):
            status = node.arm("GET", f"{GROUP}/{name}").status
            if wanted == "either":
                wanted = "there" if status == 200 else "gone"
            self.assertEqual(200 if wanted == "there" else 404, status, name)
            keys = node.keys_of(name)
            if wanted == "there":  # with its key: nothing half done
                self.assertEqual(1, len(keys.json["keys"]), name)
                self.assertEqual(200, node.attest_as(name), name)
            else:
                self.assertIn(keys.status, (200, 404), name)  # a deleted one's keys stay listed
                self.assertEqual(404, node.attest_as(name), name)
            del writing.providers[name]

    def test_acknowledged_writes_survive(self):
        chance = random.Random(os.environ.get("ASSAY_SEED", "assay"))
        node, writing = Node(self.store), Writing()
        acknowledged = 0
        try:
            for _ in range(CYCLES):
                before = writing.acknowledged
                threads = [threading.Thread(target=f, args=(node,)) for f in (writing.policies, writing.tenants)]
                for t in threads:
                    t.start()
                time.sleep(chance.uniform(0.05, 1.2))
                node.kill()
                for t in threads:
                    t.join()
                acknowledged += writing.acknowledged > before
                node.start()
                self.compare(node, writing)
        finally:
            node.remove()
        self.assertGreater(acknowledged, CYCLES // 4, "hardly anything was acknowledged before it was killed")


class KilledOnSqlite(Killed, unittest.TestCase):
    pass


class WithPostgres(postgres.PostgresCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.store = cls.database.url()


class KilledOnPostgres(Killed, WithPostgres):
    pass


class Away(WithPostgres):
    def test_attesting_goes_on_while_the_database_is_away(self):
        node = Node(self.store)
        self.addCleanup(node.remove)
        answers, stop = [], threading.Event()

        def attest():
            while not stop.is_set():
                answers.append(node.attest()[0])

        self.assertEqual(200, node.set_policy(1)[0])
        thread = threading.Thread(target=attest)
        thread.start()
        try:
            for how in ("stop", "crash"):
                getattr(self.database, how)()
                before = len(answers)
                began = time.monotonic()
                status, body, headers, _ = node.set_policy(2)
                self.assertEqual(503, status)
                self.assertLess(time.monotonic() - began, 60)
                self.assertEqual("ServiceUnavailable", body["error"]["code"])
                self.assertGreaterEqual(int(headers["Retry-After"]), 1)
                self.assertEqual(1, node.policy_number())  # reading goes on, too
                self.assertIn(node.arm("PUT", f"{GROUP}/away", WESTUS).status, (503,))
                while len(answers) < before + 20:
                    time.sleep(0.05)
                self.database.start()
                node.wait(lambda: node.set_policy(3)[0] == 200)
                self.assertEqual(3, node.policy_number())
                self.assertEqual(200, node.set_policy(1)[0])
        finally:
            stop.set()
            thread.join()
        self.assertEqual({200}, set(answers))
        self.assertEqual(201, node.arm("PUT", f"{GROUP}/away", WESTUS).status)


if __name__ == "__main__":
    unittest.main()
