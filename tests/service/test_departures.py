"""Clients that go away at every moment, providers that are deleted and settings that are read again while requests are under way: the
service, built with sanitizers, goes on, and ends well."""
import concurrent.futures
import json
import os
import random
import signal
import socket
import ssl
import struct
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from service_case import Service
from test_control import GROUP, V, WESTUS, call_by_name, unchecked
from test_isolation import MY_POLICY, VERSION, policy

TIMES = 400
PLANE, FIRST = "arm.example", "first.example"


class Departures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service({"control_plane": {"authority": PLANE, "domain": "attest.example"}, "provider first": {"issuer": f"https://{FIRST}"},
                               "core": {"pairs": 2, "queue": 16}, "limits": {"address_rate": 0, "provider_rate": 40, "provider_burst": 40}})
        cls.addClassCleanup(cls.service.remove)
        cls.body = json.dumps(cls.service.request_body())

    def requests(self, n):
        """What waits in the pool, for the store, for a new key, or for a timer."""
        attest = ("POST", f"/attest/SgxEnclave{VERSION}", self.body)
        gone = f"gone{n % 3}"
        return [(FIRST, *attest), (FIRST, "PUT", f"/policies/TdxVm{VERSION}", policy(MY_POLICY)), (FIRST, "GET", "/assay/v1/history/policies/TdxVm", ""),
                (FIRST, "GET", f"/policies/SgxEnclave{VERSION}", ""), (PLANE, "PUT", f"{GROUP}/{gone}{V}", json.dumps(WESTUS)),
                (PLANE, "PATCH", f"{GROUP}/{gone}{V}", json.dumps({"tags": {"n": str(n)}})), (PLANE, "DELETE", f"{GROUP}/{gone}{V}", ""),
                (PLANE, "GET", f"{GROUP}{V}", ""), (f"{gone}.wus.attest.example", *attest),
                (f"{gone}.wus.attest.example", "PUT", f"/policies/SgxEnclave{VERSION}", policy(MY_POLICY))]

    def depart(self, n):
        """One request, whole or cut, on a connection that ends before its answer is there."""
        chance = random.Random(n)
        host, method, path, body = chance.choice(self.requests(n))
        length = f"Content-Length: {len(body)}\r\n" if method in ("POST", "PUT", "PATCH") else ""
        whole = (f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {self.service.token}\r\n"
                 f"Content-Type: application/json\r\n{length}\r\n{body}").encode()
        raw = socket.create_connection(("127.0.0.1", self.service.port), 30)
        try:
            if n % 50 == 0:  # in the middle of the handshake
                raw.sendall(b"\x16\x03\x01\x02\x00\x01")
                return
            raw = unchecked(self.service).wrap_socket(raw, server_hostname=host)
            raw.sendall(whole if n % 7 else whole[:chance.randrange(len(whole))])
            time.sleep(chance.choice((0, 0, 0.001, 0.01, 0.1, 0.3)))
            if n % 3 == 0:  # reset, not closed
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif n % 3 == 1:  # only the sending half
                raw.shutdown(socket.SHUT_WR)
        except (OSError, ssl.SSLError):
            pass  # the service was first
        finally:
            raw.close()

    def test_clients_that_go_away(self):
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            for n, _ in enumerate(pool.map(self.depart, range(TIMES))):
                if n % 40 == 39:
                    self.service.process.send_signal(signal.SIGHUP)
        self.assertIsNone(self.service.process.poll(), self.service.text()[-3000:])
        context = unchecked(self.service)

        def answer(host, method, path, body=None):
            return call_by_name(self.service, host, method, path, body, {"Host": host, "Authorization": "Bearer " + self.service.token}, context).status
        self.service.wait(lambda: answer(FIRST, "POST", f"/attest/SgxEnclave{VERSION}", self.body) == 200)
        for i in range(3):
            # Creations of who left may still wait for their key, and come first.
            self.service.wait(lambda i=i: answer(PLANE, "DELETE", f"{GROUP}/gone{i}{V}") in (200, 204)
                              and answer(PLANE, "PUT", f"{GROUP}/gone{i}{V}", WESTUS) == 201)
            self.assertEqual(200, answer(f"gone{i}.wus.attest.example", "POST", f"/attest/SgxEnclave{VERSION}", self.body))
        self.assertEqual(0, self.service.stop(), self.service.text()[-3000:])
        self.assertNotIn("Sanitizer", self.service.text())
        self.assertNotIn("runtime error", self.service.text())
        self.assertNotRegex(self.service.text(), r" 500 \S+ \d+ us")  # not even to who asks a provider that goes at that moment


if __name__ == "__main__":
    unittest.main()
