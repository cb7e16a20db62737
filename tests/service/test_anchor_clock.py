"""The machine's clock is set while an anchored service runs, and between its starts: it is told, and what is signed for does not go back. A preloaded
library plays the clock."""
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from service_case import READY_SECONDS
from test_anchor import DENY, AnchorCase

HOUR = 3600


class Clock(AnchorCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        library, self.offset = os.path.join(folder, "fake_clock.so"), os.path.join(folder, "offset")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake_clock.c"), "-ldl"], check=True)
        self.set_clock(0)
        self.set_up_store()
        self.service.env.update({"LD_PRELOAD": library, "FAKE_CLOCK": self.offset, "ASAN_OPTIONS": "detect_leaks=0:verify_asan_link_order=0"})

    def set_clock(self, seconds):
        """By so many seconds from the machine's. In place: it is mapped."""
        with open(os.open(self.offset, os.O_WRONLY | os.O_CREAT, 0o644), "wb") as f:
            f.write(struct.pack("=q", seconds))

    def ready(self):
        return self.service.call("GET", "/readyz")[:2]

    def told(self, pattern):
        self.service.wait(lambda: re.search(pattern, self.service.text()))

    def test_set_back_while_it_runs(self):
        self.service.start()
        self.assertEqual(200, self.service.attest()[0])
        self.assertEqual(200, self.ready()[0])
        before = self.checkpoint()["time"]
        self.set_clock(-HOUR)
        self.told(r"the clock was set \d+ seconds back, to \S+")
        self.told(r"the clock says \S+, \d+ seconds behind the store's newest checkpoint, of \S+: the core judges nothing \(state\.time\).*assayd adopt")
        status, body, _, _ = self.service.attest()
        self.assertEqual((503, "StateRefused"), (status, body["error"]["code"]))
        self.assertIn("state.time", body["error"]["message"])
        status, body = self.ready()
        self.assertEqual((503, False), (status, body["ready"]))
        self.assertRegex(" ".join(body["missing"]), r"^the clock is 3\d\d\d seconds behind the store's newest checkpoint$")
        self.assertRegex(" ".join(body["warnings"]), r"within the hour the clock was set 3\d\d\d seconds back")
        self.set_clock(0)
        self.told(r"the clock says \S+, no longer behind the store's newest checkpoint")
        self.assertEqual(200, self.ready()[0])
        self.assertEqual(200, self.service.attest()[0])
        self.assertGreaterEqual(self.checkpoint()["time"], before)
        self.stop()

    def test_less_than_is_borne(self):
        """NTP puts a clock right."""
        self.service.start()
        self.set_clock(-30)
        self.put("OpenEnclave", DENY)
        self.service.wait(lambda: self.checkpoint()["size"] == self.records())
        self.assertEqual(200, self.service.attest()[0])
        status, body = self.ready()
        self.assertEqual((200, False), (status, "warnings" in body))
        self.assertNotIn("the clock", self.service.text())
        self.stop()

    def test_ahead_and_set_right(self):
        self.service.start()
        self.set_clock(HOUR)
        self.told(r"the clock was set \d+ seconds ahead, to \S+: if that is wrong, set it right now")
        self.service.wait(lambda: "warnings" in self.ready()[1])
        self.assertRegex(" ".join(self.ready()[1]["warnings"]), r"the clock was set 3\d\d\d seconds ahead")
        self.put("OpenEnclave", DENY)
        self.service.wait(lambda: self.checkpoint()["time"] > time.time() + HOUR / 2)
        self.set_clock(0)
        self.told("the core judges nothing")
        self.assertEqual(503, self.service.attest()[0])
        self.stop()
        ahead = self.checkpoint()["time"]
        moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
        said = self.refused("the store is refused: state.time", "adopt --config FILE --accept STATE")
        self.assertRegex(said, f"the clock says {moment}, and {moment} when the newest checkpoint was signed, 3\\d\\d\\d seconds later")
        self.assertIn(time.strftime("nothing starts before %Y-%m-%dT%H:%M:%SZ", time.gmtime(ahead - 60)), said)
        self.accept()
        self.assertLessEqual(abs(self.checkpoint()["time"] - time.time()), READY_SECONDS)
        self.assertEqual(200, self.starts())


if __name__ == "__main__":
    unittest.main()
