#!/usr/bin/env python3
"""One module of unittest cases, told in TAP as the C tests are: `tap.py FILE`. A case is one line, whatever its subtests."""
import importlib
import os
import re
import sys
import unittest


class Tap(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.count = 0
        self.wrong = []  # of the case that runs: what failed, as text

    def line(self, word, test, tail=""):
        self.count += 1
        print(f"{word} {self.count} - {test.id().split('.', 1)[-1]}{tail}", flush=True)

    def startTest(self, test):
        super().startTest(test)
        self.wrong = []

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line("ok", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line("ok", test, f" # SKIP {re.sub(chr(10), ' ', reason)}")

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.line("ok", test)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.fail(test, "passed, though it was expected to fail")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.fail(test, self._exc_info_to_string(err, test))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.wrong.append(f"{subtest}\n{self._exc_info_to_string(err, test)}")

    def stopTest(self, test):
        super().stopTest(test)
        if self.wrong:  # unittest calls neither addSuccess nor addFailure for a case whose subtests failed
            self.fail(test, "\n".join(self.wrong))
            self.wrong = []

    def fail(self, test, text):
        self.line("not ok", test)
        for line in text.splitlines():
            print("#", line, flush=True)


def main():
    folder, name = os.path.split(os.path.abspath(sys.argv[1]))
    sys.path[:0] = [folder]
    suite = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(os.path.splitext(name)[0]))
    result = Tap()
    suite.run(result)
    print(f"1..{result.count}", flush=True)
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
