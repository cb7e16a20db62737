"""One key for all providers of a region: each has a certificate of its own, and they change, and are revoked, together."""
import base64
import os
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from service_case import ServiceCase
from test_control import GROUP, SUB, WESTUS, call_by_name, unchecked
from test_rotation import PLANE, Client, Load, Nodes, arm, get_keys, get_token, kid_of, modulus, until

HOSTS = ["one.wus.attest.example", "two.wus.attest.example"]


def subject(certificate):
    return subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject", "-issuer", "-nameopt", "RFC2253"], check=True,
                          input=base64.b64decode(certificate), capture_output=True).stdout.decode().split("\n")[:2]


class Region(Nodes):
    keys_of_all = {"scope": "region", "rotation": "12s", "publish_ahead": "5s"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for host in HOSTS:
            answer = arm(cls.one, "PUT", f"{GROUP}/{host.split('.')[0]}", WESTUS)
            assert answer.status == 201, answer.json
        for node in cls.nodes:
            for host in HOSTS:
                assert until(True, lambda node=node, host=host: get_token(node, host) is not None)

    def test_1_providers_share_a_key_and_no_certificate(self):
        (one, two) = (get_keys(self.two, host) for host in HOSTS)
        self.assertEqual(one[0][0], two[0][0])
        self.assertEqual(modulus(one[0][1]), modulus(two[0][1]))
        for host, keys in zip(HOSTS, (one, two)):
            self.assertEqual([f"subject=CN=https://{host}", f"issuer=CN=https://{host}"], subject(keys[0][1]))
        for node in self.nodes:
            for host in HOSTS:
                self.assertTrue(Client(host, 0).verify(node, get_token(node, host)))
        # Another region has another one.
        self.assertNotEqual(one[0][0], get_keys(self.one, "first.example")[0][0])

    def test_2_no_token_fails_while_the_key_of_the_region_changes(self):
        loads = [Load(self.nodes, host, cache=2, clients=2) for host in HOSTS]
        loads[0].until(lambda: all(len(load.kids) >= 2 for load in loads))
        loads[1].until(lambda: True)
        for load in loads:
            self.assertGreaterEqual(len(load.kids), 2)
            self.assertEqual(([], 0), (load.failed, load.refused))
        self.assertEqual(loads[0].kids[:2], loads[1].kids[:2])

    def test_3_a_revoked_key_of_the_region_is_gone_from_every_provider(self):
        old = get_token(self.one, HOSTS[0])
        answer = arm(self.one, "POST", f"{GROUP}/one/revokeSigningKey", {"kid": kid_of(old)})
        self.assertEqual(200, answer.status, answer.json)
        for node in self.nodes:
            for host in HOSTS:
                self.assertFalse(until(False, lambda node=node, host=host: kid_of(old) in dict(get_keys(node, host))))
                self.assertTrue(until(True, lambda node=node, host=host: kid_of(get_token(node, host)) != kid_of(old)))
                self.assertTrue(Client(host, 0).verify(node, get_token(node, host)))
                self.assertFalse(Client(host, 0).verify(node, old))


class OfOne(ServiceCase):
    """Who may change one provider may not change the key of all."""
    settings = {"control_plane": PLANE, "provider first": {"issuer": "https://first.example"}, "keys": {"scope": "region"},
                "assignment developer": {"scope": SUB}}

    def test_a_region_is_for_who_may_do_everything(self):
        self.assertEqual(201, arm(self.service, "PUT", f"{GROUP}/one", WESTUS).status)
        before = get_keys(self.service, HOSTS[0])
        for verb, body in (("rotateSigningKey", {}), ("revokeSigningKey", {"kid": before[0][0]})):
            self.assertEqual(403, arm(self.service, "POST", f"{GROUP}/one/{verb}", body).status)
        self.assertEqual(200, arm(self.service, "GET", f"{GROUP}/one/signingKeys").status)
        self.assertEqual(before, get_keys(self.service, HOSTS[0]))


class Forged(ServiceCase):
    """Whoever owns the database writes records of a region that the core did not seal: a revoked key does not come back."""
    settings = {"control_plane": PLANE, "provider first": {"issuer": "https://first.example"},
                "keys": {"scope": "region", "rotation": "off", "publish_ahead": "1s"}}
    region = "https://*.wus.attest.example"

    def query(self, sql, *values):
        with sqlite3.connect(os.path.join(self.service.folder, "state", "assay.db")) as db:
            rows = db.execute(sql, values).fetchall()
        db.close()
        return rows

    def put(self, kind, body):
        self.query("INSERT INTO record (provider, kind, version, time, body, hash, signer, caller, seal) SELECT provider, kind, max(version) + 1, "
                   "time, ?, hash, signer, caller, x'' FROM record WHERE provider = ? AND kind = ?", body, self.region, kind)

    def test_a_revoked_key_does_not_come_back(self):
        for host in HOSTS:
            self.assertEqual(201, arm(self.service, "PUT", f"{GROUP}/{host.split('.')[0]}", WESTUS).status)
        leaked = kid_of(get_token(self.service, HOSTS[0]))
        ((body,),) = self.query("SELECT body FROM record WHERE provider = ? AND kind = 'key' AND version = 1", self.region)
        self.assertEqual(200, arm(self.service, "POST", f"{GROUP}/one/revokeSigningKey", {"kid": leaked}).status)
        for host in HOSTS:
            self.assertTrue(until(True, lambda host=host: kid_of(get_token(self.service, host)) != leaked))
        before = self.query("SELECT count(*) FROM record WHERE provider <> ?", self.region)
        self.put("revoked", b"")
        self.put("key", body)
        for host in HOSTS:
            self.assertEqual(500, until(500, lambda host=host: call_by_name(self.service, host, "GET", "/certs", None, {"Host": host},
                                                                            unchecked(self.service)).status))
        for verb, body in (("one/rotateSigningKey", {}), ("one/revokeSigningKey", {"kid": leaked})):
            answer = arm(self.service, "POST", f"{GROUP}/{verb}", body)
            self.assertEqual((500, "StateRefused"), (answer.status, answer.json["error"]["code"]), answer.json)
        made = arm(self.service, "PUT", f"{GROUP}/three", WESTUS)
        self.assertEqual((500, "StateRefused"), (made.status, made.json["error"]["code"]), made.json)
        time.sleep(3)  # the clock of keys looks every second
        self.assertEqual(before, self.query("SELECT count(*) FROM record WHERE provider <> ?", self.region))
        for host in HOSTS:
            self.assertNotEqual(leaked, kid_of(get_token(self.service, host)))
        self.assertIn("a provider's state is refused", self.service.text())


class NoKey(ServiceCase):
    """Between a region's revocation and the provider's next key there is none to believe: the key set is empty, and still a key set."""
    settings = Forged.settings

    def test_the_key_set_is_empty(self):
        for host in HOSTS:
            self.assertEqual(201, arm(self.service, "PUT", f"{GROUP}/{host.split('.')[0]}", WESTUS).status)
        seen = []
        for _ in range(10):  # the clock of keys may look in the very moment
            kids = {host: kid_of(get_token(self.service, host)) for host in HOSTS}
            answer = arm(self.service, "POST", f"{GROUP}/one/revokeSigningKey", {"kid": kids[HOSTS[0]]})
            self.assertEqual(200, answer.status, answer.json)
            for host in HOSTS:
                while True:
                    response = call_by_name(self.service, host, "GET", "/certs", None, {"Host": host}, unchecked(self.service))
                    self.assertEqual(200, response.status)
                    listed = [key["kid"] for key in response.json["keys"]]
                    self.assertNotIn(kids[host], listed)
                    if listed:
                        break
                    seen.append(host)
            if seen:
                break
        self.assertTrue(seen, "no moment without a key was met")


class FromProviderToRegion(ServiceCase):
    """The setting may change: keys then do, one after the other, published first."""
    settings = {"provider first": {"issuer": "https://first.example"}, "provider second": {"issuer": "https://second.example"},
                "keys": {"scope": "provider", "rotation": "off", "publish_ahead": "2s"}}

    def restart(self, scope):
        self.service.stop()
        with open(self.service.config, encoding="utf-8") as f:
            text = f.read()
        with open(self.service.config, "w", encoding="utf-8") as f:
            f.write(text.replace("scope = provider", f"scope = {scope}") if scope == "region" else text.replace("scope = region", "scope = provider"))
        self.service.start()

    def kids(self):
        return [kid_of(get_token(self.service, host)) for host in ("first.example", "second.example")]

    def test_and_back(self):
        own = self.kids()
        self.assertNotEqual(*own)
        self.restart("region")
        self.assertEqual(own, self.kids())
        self.assertEqual(1, until(1, lambda: len(set(self.kids()))))
        shared = self.kids()
        self.restart("provider")
        self.assertEqual(2, until(2, lambda: len(set(self.kids()) - set(shared))))
        for host, kid in zip(("first.example", "second.example"), own):
            self.assertIn(kid, dict(get_keys(self.service, host)))


class RevokedInARegion(FromProviderToRegion):
    """What a region revoked stays revoked when its providers have keys of their own again."""
    settings = {"control_plane": PLANE, "provider first": {"issuer": "https://first.example"},
                "keys": {"scope": "region", "rotation": "off", "publish_ahead": "2s"}}

    def test_and_back(self):
        for host in HOSTS:
            self.assertEqual(201, arm(self.service, "PUT", f"{GROUP}/{host.split('.')[0]}", WESTUS).status)
        old = kid_of(get_token(self.service, HOSTS[0]))
        self.assertEqual(200, arm(self.service, "POST", f"{GROUP}/one/rotateSigningKey", {}).status)
        for host in HOSTS:
            self.assertTrue(until(True, lambda host=host: kid_of(get_token(self.service, host)) != old))
            self.assertIn(old, dict(get_keys(self.service, host)))
        self.assertEqual(200, arm(self.service, "POST", f"{GROUP}/one/revokeSigningKey", {"kid": old}).status)
        self.restart("provider")
        for host in HOSTS:
            self.assertNotIn(old, dict(get_keys(self.service, host)))
            answer = until([], lambda host=host: [k for k in self.shown(host) if k == old])
            self.assertEqual([], answer)  # nor in its own records, which this lists as they are

    def shown(self, host):
        answer = arm(self.service, "GET", f"{GROUP}/{host.split('.')[0]}/signingKeys")
        return [k["kid"] for k in answer.json["signingKeys"]]


if __name__ == "__main__":
    unittest.main()
