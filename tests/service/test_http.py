"""HTTP and TLS of assayd as a careless or hostile client would use them: what is refused, in which form, and what survives it."""
import json
import os
import signal
import socket
import ssl
import threading
import time
import unittest

from service_case import ServiceCase


def parse(raw):
    """All responses in raw: (status, headers in lower case, body)."""
    found = []
    while raw:
        head, _, rest = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", 0))
        found.append((int(lines[0].split()[1]), headers, rest[:length]))
        raw = rest[length:]
    return found


class HttpCase(ServiceCase):
    def open(self, timeout=20):
        s = socket.create_connection(("localhost", self.service.port), timeout=timeout)
        return self.service.tls.wrap_socket(s, server_hostname="localhost")

    def read_all(self, t):
        received = b""
        try:
            while chunk := t.recv(65536):
                received += chunk
        except (ssl.SSLError, TimeoutError, ConnectionError):
            pass
        return received

    def read_one(self, t):
        received = b""
        while b"\r\n\r\n" not in received:
            chunk = t.recv(65536)
            self.assertTrue(chunk, received)
            received += chunk
        head, _, body = received.partition(b"\r\n\r\n")
        length = int(next(line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")))
        while len(body) < length:
            chunk = t.recv(65536)
            self.assertTrue(chunk)
            body += chunk
        return parse(head + b"\r\n\r\n" + body)[0]

    def request(self, body=None, extra="", method="POST", path="/attest/SgxEnclave?api-version=2022-08-01", length=True):
        data = json.dumps(self.service.request_body()).encode() if body is None else body
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost:{self.service.port}\r\n{extra}"
        return (head + (f"Content-Length: {len(data)}\r\n" if length else "") + "\r\n").encode() + data

    def exchange(self, data):
        with self.open() as t:
            t.sendall(data)
            return self.read_one(t)

    def assert_refused(self, data, status, code):
        """Refused in our own form, and the connection ends."""
        with self.open() as t:
            try:
                t.sendall(data)
            except (ConnectionError, ssl.SSLError):
                pass
            answers = parse(self.read_all(t))
        self.assertEqual([a[0] for a in answers], [status], data[:200])
        _, headers, body = answers[0]
        self.assertEqual(headers["content-type"], "application/json; charset=utf-8")
        self.assertEqual(headers["x-ms-error-code"], code)
        self.assertEqual(headers["connection"], "close")
        for name in ("date", "server", "x-ms-request-id", "x-ms-maa-service-version"):
            self.assertTrue(headers[name], name)
        error = json.loads(body)["error"]
        self.assertEqual((error["code"], error["innererror"]["code"]), (code, code))
        self.assertTrue(error["message"])


class Refusals(HttpCase):
    def test_first_lines(self):
        host = f"Host: localhost:{self.service.port}\r\n\r\n"
        for line in ("GET\r\n", "GET /certs\r\n", "GET  /certs HTTP/1.1\r\n", "GET /certs HTTP/1.1 \r\n", "GET /certs HTTP/1.1\n",
                     " GET /certs HTTP/1.1\r\n", "\r\nGET /certs HTTP/1.1\r\n", "GET certs HTTP/1.1\r\n", "GET //certs HTTP/1.1\r\n",
                     "GET /certs#x HTTP/1.1\r\n", "GET http://localhost/certs HTTP/1.1\r\n", "GET https:///certs HTTP/1.1\r\n",
                     "GET https://a@localhost/certs HTTP/1.1\r\n", "GET * HTTP/1.1\r\n", "G\x00T /certs HTTP/1.1\r\n",
                     "GET /c\x01rts HTTP/1.1\r\n", "GET /c\xffrts HTTP/1.1\r\n", "GET /certs HTTX/1.1\r\n"):
            self.assert_refused((line + host).encode("latin-1"), 400, "BadRequest")
        for version in ("2.0", "0.9", "1.2", "9.9"):
            self.assert_refused(f"GET /certs HTTP/{version}\r\n{host}".encode(), 505, "HttpVersionNotSupported")
        for method in ("CONNECT", "TRACE", "FOO", "get"):
            self.assert_refused(f"{method} /certs HTTP/1.1\r\n{host}".encode(), 501, "NotImplemented")

    def test_header_lines(self):
        for field in ("X\r\n", ": x\r\n", "X : y\r\n", "X: a\r\n b\r\n", "X: a\x00b\r\n", "X: a\rb\r\n", "X: a\x7f\r\n", "X: y\n",
                      "Host: elsewhere\r\n", "Content-Length: 5\r\nContent-Length: 5\r\n"):
            self.assert_refused(self.request(b"", field, "GET", "/certs", False), 400, "BadRequest")
        self.assert_refused(b"GET /certs HTTP/1.1\r\n\r\n", 400, "BadRequest")
        self.assert_refused(b"GET /certs HTTP/1.0\r\n\r\n", 400, "BadRequest")
        self.assert_refused(self.request(b"", "X: y\r\n" * 200, "GET", "/certs", False), 431, "RequestHeaderFieldsTooLarge")

    def test_lengths_that_two_servers_could_read_differently(self):
        chunked = b"5\r\nhello\r\n0\r\n\r\n"
        for extra, body, length, status in (("Transfer-Encoding: chunked\r\n", chunked, True, 400), ("Content-Length: -1\r\n", b"", False, 400),
                                            ("Content-Length: 1e3\r\n", b"", False, 400), ("Content-Length: +5\r\n", b"hello", False, 400),
                                            ("Content-Length: 5\r\n", b"hello", True, 400), ("Content-Length:\r\n", b"", False, 400),
                                            ("Content-Length: 99999999999999999999\r\n", b"", False, 400),
                                            ("Transfer-Encoding: gzip, chunked\r\n", chunked, False, 501),
                                            ("Transfer-Encoding: identity\r\n", chunked, False, 501),
                                            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunked, False, 400),
                                            ("Connection: keep-alive\r\n", b"", False, 411)):
            code = {400: "BadRequest", 501: "NotImplemented", 411: "LengthRequired"}[status]
            self.assert_refused(self.request(body, extra, length=length), status, code)
        for method in ("GET", "HEAD", "DELETE", "OPTIONS"):
            self.assert_refused(self.request(b"GET /certs HTTP/1.1\r\n", "", method, "/certs"), 400, "BadRequest")

    def test_chunks(self):
        def chunked(body):
            return self.request(body, "Transfer-Encoding: chunked\r\n", length=False)
        for body in (b"ZZ\r\n", b"\r\n", b"5;x=y\r\nhello\r\n0\r\n\r\n", b"5\nhello\r\n0\r\n\r\n", b"5\r\nhelloX\r\n0\r\n\r\n",
                     b"-1\r\n", b"123456789\r\n", b"0\r\nHost: elsewhere\r\n\r\n"):
            self.assert_refused(chunked(body), 400, "BadRequest")
        self.assert_refused(chunked(b"7fffffff\r\nxxx"), 413, "RequestEntityTooLarge")
        self.assert_refused(chunked((b"1000\r\n" + b"x" * 0x1000 + b"\r\n") * 600), 413, "RequestEntityTooLarge")
        self.assert_refused(chunked(b"1\r\nx\r\n" * 800000), 413, "RequestEntityTooLarge")

    def test_long_bodies_and_headers_get_an_answer(self):
        for size in (2 * 1024 * 1024 + 1, 6 * 1024 * 1024):
            self.assert_refused(self.request(b"x" * size), 413, "RequestEntityTooLarge")
        for size in (17 * 1024, 200 * 1024):
            self.assert_refused(self.request(b"", "X: " + "y" * size + "\r\n", "GET", "/certs", False), 431, "RequestHeaderFieldsTooLarge")
        self.assertEqual(self.exchange(self.request(b"", "X: " + "y" * 15000 + "\r\n", "GET", "/certs", False))[0], 200)

    def test_expectations(self):
        self.assert_refused(self.request(b"", "Expect: the-unexpected\r\n"), 417, "ExpectationFailed")
        head = self.request(b"", f"Expect: 100-continue\r\nContent-Length: {3 * 1024 * 1024}\r\n", length=False)
        self.assert_refused(head, 413, "RequestEntityTooLarge")  # without the body, which the client holds back
        body = json.dumps(self.service.request_body()).encode()
        head = self.request(b"", f"Expect: 100-continue\r\nContent-Length: {len(body)}\r\n", length=False)
        for at_once in (False, True):
            with self.open() as t:
                t.sendall(head + body if at_once else head)
                if not at_once:
                    self.assertEqual(t.recv(1000), b"HTTP/1.1 100 Continue\r\n\r\n")
                    t.sendall(body[:100])
                    time.sleep(0.1)
                    t.sendall(body[100:])
                self.assertEqual(self.read_one(t)[0], 200)
                t.sendall(self.request())  # the connection can be used on
                self.assertEqual(self.read_one(t)[0], 200)

    def test_paths_cannot_forge_log_lines_or_answers(self):
        self.assertEqual(self.exchange(self.request(b"", "", "GET", "/certs%20200%20-%201%0a%1b%ff%00x", False))[0], 404)
        self.service.wait(lambda: "GET /certs%20200%20-%201%0a%1b%ff%00x 404 - " in self.service.text())
        status, _, body = self.exchange(self.request(b"", "", "GET", "/policies/%ff%00%22?api-version=2022-08-01", False))
        self.assertEqual(status, 401)
        self.assertIn("/policies/%ff%00%22 requires", json.loads(body)["error"]["message"])

    def test_all_was_survived(self):
        self.assert_token(self.service.attest())
        self.assertNotIn("replaced", self.service.text())


class Streams(HttpCase):
    def test_a_request_byte_by_byte(self):
        small = self.request(b"", "", "GET", "/certs", False)
        with self.open() as t:
            for byte in small:
                t.sendall(bytes([byte]))
            self.assertEqual(self.read_one(t)[0], 200)
            whole = self.request()
            for at in range(0, len(whole), 97):
                t.sendall(whole[at:at + 97])
            self.assertEqual(self.read_one(t)[0], 200)

    def test_every_cut(self):
        whole = self.request(b"{}")
        with self.open() as t:
            for cut in range(1, len(whole)):
                t.sendall(whole[:cut])
                t.sendall(whole[cut:])
                self.assertEqual(self.read_one(t)[0], 400, cut)

    def test_many_requests_on_a_connection(self):
        with self.open() as t:
            for _ in range(30):
                t.sendall(self.request())
                self.assertEqual(self.read_one(t)[0], 200)

    def memory(self):
        """TLS in memory, to send records as we like."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        t = self.service.tls.wrap_bio(incoming, outgoing, server_hostname="localhost")
        s = socket.create_connection(("localhost", self.service.port), timeout=10)
        while True:
            try:
                t.do_handshake()
                return s, t, incoming, outgoing
            except ssl.SSLWantReadError:
                s.sendall(outgoing.read())
                incoming.write(s.recv(65536))

    def received(self, s, t, incoming, responses, seconds=10):
        data, until = b"", time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                got = t.read(65536)
                if not got:
                    break
                data += got
            except ssl.SSLWantReadError:
                try:
                    more = s.recv(65536)
                except (TimeoutError, ConnectionError):
                    break
                if not more:
                    break
                incoming.write(more)
            except ssl.SSLError:
                break
            if data.count(b"HTTP/1.1 ") >= responses and data.endswith(b"}"):
                break
        return parse(data)

    def test_records_in_one_segment(self):
        """Header and body, or every few bytes, in records of their own that arrive together: none may be left lying in TLS."""
        whole = self.request()
        for size in (len(whole) - 5000, 300, 7):
            s, t, incoming, outgoing = self.memory()
            for at in range(0, len(whole), size):
                t.write(whole[at:at + size])
            s.sendall(outgoing.read())
            self.assertEqual([a[0] for a in self.received(s, t, incoming, 1)], [200], size)
            s.close()

    def test_handshake_and_request_in_one_segment(self):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        t = self.service.tls.wrap_bio(incoming, outgoing, server_hostname="localhost")
        s = socket.create_connection(("localhost", self.service.port), timeout=10)
        done = False
        while not done:
            try:
                t.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                s.sendall(outgoing.read())
                incoming.write(s.recv(65536))
        t.write(self.request())
        s.sendall(outgoing.read())  # the client's Finished and the request
        self.assertEqual([a[0] for a in self.received(s, t, incoming, 1)], [200])
        s.close()

    def test_pipelined_requests_are_answered_or_the_connection_says_close(self):
        one = self.request(b"{}")
        for together in (True, False):
            s, t, incoming, outgoing = self.memory()
            for data in [one * 3] if together else [one] * 3:
                t.write(data)
            s.sendall(outgoing.read())
            answers = self.received(s, t, incoming, 3)
            self.assertTrue(answers and all(a[0] == 400 for a in answers))
            self.assertTrue(len(answers) == 3 or answers[-1][1].get("connection") == "close", answers)
            s.close()
        self.assert_token(self.service.attest())

    def test_requests_sent_too_early_again_and_again(self):
        stop = time.monotonic() + 3
        while time.monotonic() < stop:
            with self.open() as t:
                try:
                    for _ in range(50):
                        t.sendall(self.request())
                except (ConnectionError, ssl.SSLError):
                    pass
                answers = parse(self.read_all(t))
                self.assertTrue(all(a[0] in (200, 503) for a in answers if a[1]), [a[0] for a in answers])
        self.assert_token(self.service.attest())

    def test_a_client_that_closed_its_half_is_answered(self):
        with self.open() as t:
            t.sendall(self.request())
            socket.socket.shutdown(t, socket.SHUT_WR)
            self.assertEqual(self.read_one(t)[0], 200)

    def test_clients_that_leave(self):
        for keep in (0.0, 0.002, 0.01):
            for _ in range(20):
                t = self.open()
                t.sendall(self.request())
                time.sleep(keep)
                t.close()
        self.assert_token(self.service.attest())
        self.assertNotIn("replaced", self.service.text())

    def test_one_write_for_an_answer(self):
        s, t, incoming, outgoing = self.memory()
        t.write(self.request())
        s.sendall(outgoing.read())
        raw = b""
        while len(raw) < 5 or len(raw) < 5 + int.from_bytes(raw[3:5], "big"):
            raw += s.recv(65536)
        self.assertEqual(len(raw), 5 + int.from_bytes(raw[3:5], "big"))  # one record holds header and body
        s.close()

    def test_http_1_0(self):
        data = self.request(b"", "", "GET", "/certs", False).replace(b"HTTP/1.1", b"HTTP/1.0")
        with self.open() as t:
            t.sendall(data)
            answers = parse(self.read_all(t))
        self.assertEqual(len(answers), 1)
        self.assertTrue(answers[0][1]["date"])


class Tls(HttpCase):
    def test_versions(self):
        for version, good in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)):
            context = ssl.create_default_context(cafile=self.service.ca)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = version
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            try:
                with socket.create_connection(("localhost", self.service.port), timeout=10) as s, context.wrap_socket(s, server_hostname="localhost") as t:
                    t.sendall(self.request())
                    self.assertEqual(self.read_one(t)[0], 200)
                    self.assertTrue(good)
                    self.assertFalse(t.session and t.session.has_ticket)
                    self.assertIn("ECDSA", t.cipher()[0] + ("ECDSA" if version == ssl.TLSVersion.TLSv1_3 else ""))
            except ssl.SSLError:
                self.assertFalse(good, version)

    def test_names_and_addresses_of_this_machine(self):
        for name in ("localhost", "127.0.0.1"):
            with socket.create_connection(("127.0.0.1", self.service.port), timeout=10) as s, self.service.tls.wrap_socket(s, server_hostname=name):
                pass
        certificate = ssl.get_server_certificate(("localhost", self.service.port))
        self.assertIn("BEGIN CERTIFICATE", certificate)

    def test_plain_http_is_cut_off(self):
        with socket.create_connection(("localhost", self.service.port), timeout=20) as s:
            s.sendall(b"GET /certs HTTP/1.1\r\nHost: localhost\r\n\r\n")
            data = b""
            try:
                while chunk := s.recv(1000):
                    data += chunk
            except ConnectionError:
                pass
            self.assertNotIn(b"HTTP/1.1 2", data)
        self.assert_token(self.service.attest())

    def test_server_name_must_be_host(self):
        context = ssl.create_default_context(cafile=self.service.ca)
        context.check_hostname = False  # the certificate does not hold the name: not what is tested here
        with socket.create_connection(("localhost", self.service.port), timeout=10) as s, context.wrap_socket(s, server_hostname="a.localhost") as t:
            t.sendall(self.request())
            self.assertEqual(self.read_one(t)[0], 421)


class Deadlines(HttpCase):
    settings = {"server": {"header_seconds": 2, "body_seconds": 3, "idle_seconds": 4}, "core": {"pairs": 1}}

    def seconds_until_cut_off(self, data, drip=b""):
        with self.open() as t:
            if data:
                t.sendall(data)
            began = time.monotonic()
            t.settimeout(0.2)
            while time.monotonic() - began < 20:
                try:
                    if drip:
                        t.sendall(drip)
                    if not t.recv(1000):
                        break
                except TimeoutError:
                    continue
                except (ssl.SSLError, ConnectionError):
                    break
            return time.monotonic() - began

    def test_each_has_its_own(self):
        header = self.seconds_until_cut_off(b"GET /certs HTTP/1.1\r\nX: ", b"y")
        body = self.seconds_until_cut_off(b"POST /attest/SgxEnclave HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", b"y")
        idle = self.seconds_until_cut_off(b"GET /servicehealth HTTP/1.1\r\nHost: x\r\n\r\n")
        for found, expected in ((header, 2), (body, 3), (idle, 4)):
            self.assertGreater(found, expected - 0.6)
            self.assertLess(found, expected + 8)  # a machine may be busy
        self.assertLess(header, idle)

    def test_a_refused_request_is_answered_though_its_body_never_comes(self):
        self.assert_refused(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n", 413, "RequestEntityTooLarge")

    def test_a_hung_verifier_is_replaced(self):
        pid = self.service.children()["assay-verifier"][0]
        os.kill(pid, signal.SIGSTOP)
        self.assertIn("longer than a request may", self.assert_error(self.service.attest(), 503, "ServiceUnavailable"))
        self.service.wait(lambda: self.service.attest()[0] == 200, 20)
        self.assertNotIn(pid, self.service.children()["assay-verifier"])


class FullQueue(HttpCase):
    settings = {"core": {"pairs": 1, "queue": 1, "request_milliseconds": 3000}}

    def test_more_than_may_wait(self):
        pid = self.service.children()["assay-verifier"][0]
        os.kill(pid, signal.SIGSTOP)
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.service.attest())) for _ in range(4)]
        for t in threads:
            t.start()
        time.sleep(1)
        os.kill(pid, signal.SIGCONT)
        for t in threads:
            t.join()
        statuses = sorted(a[0] for a in answers)
        self.assertEqual(statuses, [200, 200, 429, 429])
        for answer in answers:
            if answer[0] == 503:
                self.assertTrue(answer[2]["Retry-After"])
                self.assertIn("wait already", answer[1]["error"]["message"])

    def test_what_is_under_way_is_finished_before_the_end(self):
        pid = self.service.children()["assay-verifier"][0]
        os.kill(pid, signal.SIGSTOP)
        answers = []
        t = threading.Thread(target=lambda: answers.append(self.service.attest()))
        t.start()
        self.service.wait(lambda: True)
        time.sleep(0.5)
        self.service.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        self.assertIsNone(self.service.process.poll())
        with self.assertRaises(OSError):
            socket.create_connection(("localhost", self.service.port), timeout=2).recv(1)
        os.kill(pid, signal.SIGCONT)
        t.join()
        self.assertEqual(self.service.process.wait(20), 0)
        self.assertEqual(answers[0][0], 200)
        self.assertEqual(answers[0][2]["Connection"], "close")
        self.service.start()


if __name__ == "__main__":
    unittest.main()
