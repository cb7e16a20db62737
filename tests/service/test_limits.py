"""Quotas: a provider's flood, or an address's, is refused; others are served."""
import concurrent.futures
import signal
import time

import unittest

from service_case import ServiceCase
from test_control import GROUP, V, WESTUS, call_by_name, unchecked

SECOND = "second.localhost"


class Limits(ServiceCase):
    """Two providers. The buckets hold four requests and fill with two a second."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service.stop()
        with open(cls.service.config, "a", encoding="utf-8") as f:
            f.write(f"[provider second]\nissuer = https://{SECOND}:{cls.service.port}\n")
        cls.service.start()

    def flood(self, name, count=12):
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda _: self.service.call_as(name), range(count)))

    def assert_refused_late(self, answer):
        self.assert_error(answer, 429, "TooManyRequests")
        self.assertGreaterEqual(int(answer[2]["Retry-After"]), 1)


class ProviderQuota(Limits):
    settings = {"core": {"pairs": 1}, "limits": {"provider_rate": 2, "provider_burst": 4, "address_rate": 0}}

    def test_a_flood_is_refused_and_others_are_served(self):
        found = self.flood(SECOND)
        self.assertGreaterEqual(sum(a[0] == 200 for a in found), 4)
        refused = [a for a in found if a[0] != 200]
        self.assertTrue(refused)
        for answer in refused:
            self.assert_refused_late(answer)
        self.assert_token(self.service.attest())
        self.assertEqual(self.service.call_as(SECOND, "/certs")[0], 200)  # relying parties are not counted
        time.sleep(2.5)
        self.assert_token(self.service.call_as(SECOND))


class AddressQuota(Limits):
    settings = {"core": {"pairs": 1}, "limits": {"address_rate": 2, "address_burst": 4, "provider_rate": 0}}

    def test_an_address_is_one_over_all_providers(self):
        found = self.flood(SECOND)
        self.assertTrue(any(a[0] == 429 for a in found))
        self.assert_refused_late(self.service.attest())
        time.sleep(2.5)
        self.assert_token(self.service.attest())


class Creations(ServiceCase):
    settings = {"core": {"pairs": 2}, "limits": {"address_rate": 0, "provider_rate": 0}, "provider first": {"issuer": "https://first.example"},
                "control_plane": {"authority": "arm.example", "domain": "attest.example"}}

    def ask(self, host, method, path, body):
        return call_by_name(self.service, host, method, path, body, {"Host": host, "Authorization": f"Bearer {self.service.token}"},
                            unchecked(self.service)).status

    def test_who_makes_providers_leaves_pairs_to_others(self):
        """Most attestations end before the next creation does: with all pairs at keys, each would wait for one of those."""
        count, attested, free = 16, 0, 0
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            made = [pool.submit(self.ask, "arm.example", "PUT", f"{GROUP}/many{i}{V}", WESTUS) for i in range(count)]
            while not all(m.done() for m in made):
                before = sum(m.done() for m in made)
                self.assertEqual(200, self.ask("first.example", "POST", "/attest/SgxEnclave?api-version=2022-08-01", self.service.request_body()))
                if before:  # from when the clients are all there
                    attested += 1
                    free += sum(m.done() for m in made) == before
        self.assertEqual({201}, {m.result() for m in made})
        print(f"# attested while providers were made: {attested}, of which {free} saw none of them end")
        self.assertGreater(3 * free, attested)
        self.assertGreater(attested, count // 2)


class Ending(ServiceCase):
    settings = {"core": {"pairs": 1}, "limits": {"address_rate": 1, "address_burst": 1}}

    def test_ended_at_once_while_refusals_wait(self):
        """Answers that are due while the service takes itself apart find their connections gone."""
        for _ in range(3):
            clients = [self.service.connect() for _ in range(60)]
            for c in clients:
                c.connect()
            for c in clients:
                c.request("GET", "/policies/SgxEnclave?api-version=2022-08-01")
                time.sleep(0.005)
            for _ in range(2):
                self.service.process.send_signal(signal.SIGTERM)
                time.sleep(0.03)
            self.service.process.send_signal(signal.SIGHUP)  # too late, too
            code = self.service.stop()
            for c in clients:
                c.close()
            self.assertEqual(0, code, self.service.text()[-3000:])
            self.assertNotIn("Sanitizer", self.service.text())
            self.service.start()


class FullLine(Limits):
    settings = {"core": {"pairs": 1, "provider_queue": 1}, "limits": {"address_rate": 0, "provider_rate": 0}}

    def test_a_provider_has_its_share_of_the_queue(self):
        found = self.flood(SECOND, 24)
        statuses = {a[0] for a in found}
        self.assertEqual(statuses, {200, 429})
        for answer in found:
            if answer[0] == 429:
                self.assert_refused_late(answer)
        self.assert_token(self.service.attest())


if __name__ == "__main__":
    unittest.main()
