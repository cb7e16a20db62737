"""Signing keys change under load, and clients that cache them never refuse a token; a key that is revoked is gone at once, everywhere."""
import base64
import concurrent.futures
import functools
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import postgres
from service_case import Service, ServiceCase
from test_control import GROUP, V, WESTUS, call_by_name, unchecked

ATTEST = "/attest/SgxEnclave?api-version=2022-08-01"
SECONDS = 60  # how long something may take to come before the test calls it lost
NAME = "turning"
HOST = f"{NAME}.wus.attest.example"
PLANE = {"authority": "arm.example", "domain": "attest.example"}


def unbase64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def get_keys(node, host):
    answer = call_by_name(node, host, "GET", "/certs", None, {"Host": host}, unchecked(node))
    return [(k["kid"], k["x5c"][0]) for k in answer.json["keys"]]


def get_token(node, host):
    answer = call_by_name(node, host, "POST", ATTEST, node.request_body(), {"Host": host}, unchecked(node))
    return answer.json["token"] if answer.status == 200 else None


def kid_of(token):
    return json.loads(unbase64url(token.split(".")[0]))["kid"]


@functools.cache
def modulus(certificate):
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-modulus"], input=base64.b64decode(certificate), check=True,
                          capture_output=True).stdout
    return int(text.decode().strip().split("=")[1], 16)


def is_signed_by(token, certificate):
    """RS256 as RFC 8017 8.2.2 has it; the exponent is 65537 (api.md 5.3)."""
    signed, signature = token.rsplit(".", 1)
    digest = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(signed.encode()).digest()
    padded = b"\x00\x01" + b"\xff" * (256 - 3 - len(digest)) + b"\x00" + digest
    return pow(int.from_bytes(unbase64url(signature), "big"), 65537, modulus(certificate)).to_bytes(256, "big") == padded


class Client:
    """Verifies tokens by the keys that it has, which it fetches anew when they are older than `cache` seconds, and never sooner."""

    def __init__(self, host, cache):
        self.host, self.cache, self.fetched, self.keys = host, cache, None, {}

    def verify(self, node, token):
        if self.fetched is None or time.monotonic() - self.fetched > self.cache:
            self.fetched, self.keys = time.monotonic(), dict(get_keys(node, self.host))
        kid = kid_of(token)
        if kid not in self.keys:
            return False
        return is_signed_by(token, self.keys[kid])


class Load:
    """Clients that attest at every node, and verify what each gives with keys of any, until they are told to stop."""

    def __init__(self, nodes, host, cache, clients=3):
        self.nodes, self.host, self.end = nodes, host, threading.Event()
        self.kids, self.verified, self.failed, self.refused = [], 0, [], 0
        self.lock = threading.Lock()
        self.pool = concurrent.futures.ThreadPoolExecutor(clients)
        self.runs = [self.pool.submit(self.run, Client(host, cache), i) for i in range(clients)]

    def run(self, client, turn):
        while not self.end.is_set():
            turn += 1
            token = get_token(self.nodes[turn % len(self.nodes)], self.host)
            # Keys of the other node than the one that signed.
            good = token and client.verify(self.nodes[(turn + 1) % len(self.nodes)], token)
            with self.lock:
                if not token:
                    self.refused += 1
                elif good:
                    self.verified += 1
                    if kid_of(token) not in self.kids:
                        self.kids.append(kid_of(token))
                else:
                    self.failed.append(kid_of(token))

    def until(self, condition):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and not condition():
            if any(r.done() for r in self.runs):
                break
            time.sleep(0.1)
        self.end.set()
        for r in self.runs:
            r.result()
        self.pool.shutdown()


def until(wanted, get):
    end = time.monotonic() + SECONDS
    while get() != wanted and time.monotonic() < end:
        time.sleep(0.05)
    return get()


def arm(node, method, path, body=None):
    return call_by_name(node, "arm.example", method, path + V, body, {"Host": "arm.example", "Authorization": "Bearer " + node.token},
                        unchecked(node))


class OnSqlite(ServiceCase):
    settings = {"control_plane": PLANE, "provider first": {"issuer": "https://first.example"},
                "keys": {"rotation": "8s", "publish_ahead": "4s"}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        answer = arm(cls.service, "PUT", f"{GROUP}/{NAME}", WESTUS)
        assert answer.status == 201, answer

    def test_no_token_fails_while_keys_change(self):
        load = Load([self.service], HOST, cache=2)
        load.until(lambda: len(load.kids) >= 3)
        self.assertGreaterEqual(len(load.kids), 3, self.service.text()[-2000:])
        self.assertEqual(([], 0), (load.failed, load.refused))
        self.assertGreater(load.verified, 10)
        # The one that signs stands first, and those before it are listed yet.
        listed = [kid for kid, _ in get_keys(self.service, HOST)]
        self.assertTrue(set(load.kids) <= set(listed), (load.kids, listed))

    def test_a_client_that_caches_for_longer_than_keys_are_ahead_sees_failures(self):
        """So the test above can fail."""
        load = Load([self.service], "first.example", cache=1000)
        load.until(lambda: load.failed)
        self.assertTrue(load.failed)


class OverARestart(ServiceCase):
    settings = {"provider first": {"issuer": "https://first.example"}, "keys": {"rotation": "600s", "publish_ahead": "300s"}}

    def keys(self):
        return [kid for kid, _ in get_keys(self.service, "first.example")]

    def write(self, path, rotation, ahead):
        with open(self.service.config, encoding="utf-8") as f:
            text = f.read()
        for name, value in (("rotation", rotation), ("publish_ahead", ahead)):
            lines = [f"{name} = {value}" if line.startswith(name + " = ") else line for line in text.split("\n")]
            text = "\n".join(lines)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def restart(self, rotation, ahead):
        self.service.stop()
        self.write(self.service.config, rotation, ahead)
        self.service.start()

    def test_settings_that_cannot_be_meant_are_refused(self):
        path = os.path.join(self.service.folder, "other.conf")
        for rotation, ahead, why in (("90d", "1d", ""), ("off", "5m", ""), ("2h", "1h", ""), ("8", "1s", "rotation = 8: allowed is"),
                                     ("0s", "1s", "rotation = 0s: allowed is"), ("-1d", "1s", "allowed is"), ("1w", "1s", "allowed is"),
                                     ("4000d", "1s", "allowed is"), ("1dd", "1s", "allowed is"), ("10s", "off", "publish_ahead = off: allowed is"),
                                     ("10s", "6s", "publish_ahead may be half of rotation at most")):
            self.write(path, rotation, ahead)
            run = subprocess.run([self.service.program, "--config", path, "--check-config"], capture_output=True, text=True, check=False,
                                 env=self.service.env)
            self.assertEqual(1 if why else 0, run.returncode, (rotation, ahead, run.stderr))
            self.assertIn(why, run.stderr)

    def test_each_state_goes_on_after_a_restart(self):
        first = self.keys()
        self.assertEqual(1, len(first))
        self.assertEqual(first[0], kid_of(get_token(self.service, "first.example")))
        self.restart("8s", "4s")
        self.assertEqual(2, until(2, lambda: len(self.keys())))
        self.restart("600s", "300s")  # it is listed, and signs nothing for long
        second = self.keys()
        self.assertEqual((2, first[0]), (len(second), second[0]))
        self.assertEqual(first[0], kid_of(get_token(self.service, "first.example")))
        self.restart("600s", "1s")  # it signs
        self.assertEqual(second[1], until(second[1], lambda: kid_of(get_token(self.service, "first.example"))))
        self.restart("off", "300s")
        self.assertEqual([second[1], first[0]], self.keys())
        self.assertEqual(second[1], kid_of(get_token(self.service, "first.example")))


class Emergency:
    """Of providers that no schedule changes; mixed into a case with nodes, which share a store."""

    def make(self, name):
        self.assertEqual(201, arm(self.nodes[0], "PUT", f"{GROUP}/{name}", WESTUS).status)
        host = f"{name}.wus.attest.example"
        for node in self.nodes:
            self.assertTrue(until(True, lambda node=node: get_token(node, host) is not None))
        return f"{GROUP}/{name}", host

    def keys(self, answer):
        self.assertEqual(200, answer.status, answer.json)
        return [(k["kid"], k["state"]) for k in answer.json["signingKeys"]]

    def test_a_revoked_key_is_gone_everywhere_and_tokens_verify_again(self):
        path, host = self.make("leaked")
        old = get_token(self.nodes[0], host)
        self.assertEqual([(kid_of(old), "signing")], self.keys(arm(self.nodes[-1], "GET", path + "/signingKeys")))
        left = self.keys(arm(self.nodes[0], "POST", path + "/revokeSigningKey", {"kid": kid_of(old)}))
        self.assertEqual(1, len(left))
        self.assertNotEqual(kid_of(old), left[0][0])
        for node in self.nodes:
            self.assertEqual([left[0][0]], until([left[0][0]], lambda node=node: [kid for kid, _ in get_keys(node, host)]))
            new = get_token(node, host)
            self.assertEqual(left[0][0], kid_of(new))
            for other in self.nodes:
                self.assertTrue(Client(host, 0).verify(other, new))
                self.assertFalse(Client(host, 0).verify(other, old))
        self.assertIn("is revoked by", self.nodes[0].text())

    def test_a_key_is_replaced_and_stays_listed(self):
        path, host = self.make("replaced")
        old = get_token(self.nodes[0], host)
        keys = self.keys(arm(self.nodes[0], "POST", path + "/rotateSigningKey", {"now": True}))
        self.assertEqual(["signing", "retired"], [state for _, state in keys])
        self.assertEqual(kid_of(old), keys[1][0])
        self.assertEqual(keys[0][0], kid_of(get_token(self.nodes[0], host)))
        self.assertTrue(Client(host, 0).verify(self.nodes[0], old))
        self.assertEqual([keys[0]], self.keys(arm(self.nodes[0], "POST", path + "/revokeSigningKey", {"kid": kid_of(old)})))
        self.assertFalse(Client(host, 0).verify(self.nodes[0], old))

    def test_a_key_is_published_first(self):
        path, host = self.make("planned")
        old = get_token(self.nodes[0], host)
        keys = self.keys(arm(self.nodes[0], "POST", path + "/rotateSigningKey"))
        self.assertEqual(["signing", "published"], [state for _, state in keys])
        self.assertEqual([kid for kid, _ in keys], [kid for kid, _ in get_keys(self.nodes[0], host)])
        self.assertEqual(kid_of(old), kid_of(get_token(self.nodes[0], host)))
        self.assertEqual(409, arm(self.nodes[0], "POST", path + "/rotateSigningKey", {"now": False}).status)
        # What is revoked is the one that signs: the one that clients know already takes its place.
        self.assertEqual([(keys[1][0], "signing")], self.keys(arm(self.nodes[0], "POST", path + "/revokeSigningKey", {"kid": kid_of(old)})))

    def test_nonsense_is_refused_and_changes_nothing(self):
        path, host = self.make("firm")
        before = get_keys(self.nodes[0], host)
        for status, verb, body in ((400, "revokeSigningKey", None), (400, "revokeSigningKey", {}), (400, "revokeSigningKey", {"kid": ""}),
                                   (400, "revokeSigningKey", {"kid": 1}), (400, "revokeSigningKey", {"kid": "a", "all": True}),
                                   (404, "revokeSigningKey", {"kid": "a"}), (400, "revokeSigningKey", {"kid": "a" * 65}),
                                   (400, "rotateSigningKey", {"now": "yes"}), (400, "rotateSigningKey", [])):
            answer = arm(self.nodes[0], "POST", f"{path}/{verb}", body)
            self.assertEqual(status, answer.status, (verb, body, answer.json))
        self.assertEqual(405, arm(self.nodes[0], "GET", path + "/revokeSigningKey").status)
        self.assertEqual(404, arm(self.nodes[0], "POST", f"{GROUP}/nobody/revokeSigningKey", {"kid": "a"}).status)
        anonymous = call_by_name(self.nodes[0], "arm.example", "POST", f"{path}/revokeSigningKey{V}", {"kid": before[0][0]},
                                 {"Host": "arm.example"}, unchecked(self.nodes[0]))
        self.assertEqual(401, anonymous.status)
        self.assertEqual(before, get_keys(self.nodes[0], host))


class EmergencyOnSqlite(Emergency, ServiceCase):
    settings = {"control_plane": PLANE, "provider first": {"issuer": "https://first.example"}}

    @property
    def nodes(self):
        return [self.service]


class Nodes(postgres.PostgresCase):
    keys_of_all = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        settings = {"control_plane": PLANE, "store": {"url": cls.database.url()}, "provider first": {"issuer": "https://first.example"}}
        cls.one = Service({**settings, "keys": cls.keys_of_all})
        cls.addClassCleanup(cls.one.remove)
        sealing = os.path.join(cls.one.folder, "state", "sealing.key")
        cls.two = Service({**settings, "keys": {**cls.keys_of_all, "sealing_key": sealing}})
        cls.addClassCleanup(cls.two.remove)
        cls.nodes = [cls.one, cls.two]


class EmergencyOnNodes(Emergency, Nodes):
    pass


class OnPostgres(Nodes):
    keys_of_all = {"rotation": "10s", "publish_ahead": "5s"}

    def test_two_nodes_change_a_key_once_and_no_token_fails(self):
        self.assertEqual(201, arm(self.one, "PUT", f"{GROUP}/{NAME}", WESTUS).status)
        for node in self.nodes:
            self.assertTrue(until(True, lambda node=node: get_token(node, HOST) is not None))
        load = Load(self.nodes, HOST, cache=2)
        load.until(lambda: len(load.kids) >= 3)
        self.assertGreaterEqual(len(load.kids), 3)
        self.assertEqual(([], 0), (load.failed, load.refused))
        # One node made each key, whoever it was.
        text = self.one.text() + self.two.text()
        for kid in load.kids[1:]:
            self.assertEqual(1, text.count(f"{HOST}: the signing key {kid} is published"), kid)
            self.assertEqual(1, text.count(f"{HOST}: the signing key {kid} signs"), kid)
        self.assertNotIn("does not change", text)


if __name__ == "__main__":
    unittest.main()
