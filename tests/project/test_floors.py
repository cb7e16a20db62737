"""Includes go down, never up: each floor sees the floors below it and no others."""
import re
import unittest

from project import ROOT, SRC, ProjectCase, sources, text

# What each floor stands on, itself aside. evidence, policy and token do not know each other: they meet in core.
BELOW = {
    "base": "",
    "crypto": "base",
    "identity": "crypto base",
    "claims": "crypto base",
    "endorsement": "claims crypto base",
    "evidence/parts": "endorsement claims crypto base",
    "evidence": "evidence/parts endorsement claims crypto base",
    "policy": "claims crypto base",
    "token": "claims crypto base",
    "core": "merkle evidence evidence/parts policy token endorsement claims crypto base",
    "merkle": "crypto base",
    "trust": "core evidence evidence/parts token endorsement claims crypto base",
    "store": "core crypto base",
    "arm": "crypto base",
    "net": "crypto base",
    "agent": "net crypto base",
    "sealer": "agent net core evidence evidence/parts token endorsement claims crypto base",
    "witness": "net merkle crypto base",
    "collateral": "net endorsement claims crypto base",
    "simulate": "evidence evidence/parts endorsement claims crypto base",
    "service": "witness trust merkle agent store core arm collateral net identity simulate evidence evidence/parts policy token endorsement claims crypto base",
    "cli": "witness trust merkle sealer agent store core arm collateral net identity simulate evidence evidence/parts policy token endorsement claims crypto base",
}
# simulate is for cli and tests; of the service only development mode makes platforms, to try things with and to seem to run on one.
SIMULATED_IN_SERVICE = {"src/service/development.c", "src/service/evidence_simulated.c"}


def floor(path):
    """Of a path below src, "evidence/parts/quote.h"."""
    parts = path.split("/")
    return "evidence/parts" if parts[:2] == ["evidence", "parts"] else parts[0]


def includes():
    for path in sources("src"):
        for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', text(path), re.M):
            yield path, name


class Floors(ProjectCase):
    def test_every_folder_is_a_floor(self):
        folders = {p.name for p in SRC.iterdir() if p.is_dir()}
        self.assertEqual(set(), folders - set(BELOW), "a floor that this test does not know")

    def test_includes_are_named_from_src(self):
        self.none([f"{p.relative_to(ROOT)}: {name}" for p, name in includes() if not (SRC / name).is_file()],
                  "not a file below src; name headers as \"floor/header.h\":")

    def test_no_include_goes_up(self):
        found, seen = [], 0
        for path, name in includes():
            here, there = floor(path.relative_to(SRC).as_posix()), floor(name)
            seen += 1
            if there != here and there not in BELOW[here].split():
                found.append(f"{path.relative_to(ROOT)} includes {name}")
        self.assertGreater(seen, 100)
        self.none(found, "these includes go up, or sideways:")

    def test_order_has_no_circle(self):
        for name, below in BELOW.items():
            for lower in below.split():
                self.assertNotIn(name, BELOW[lower].split(), f"{name} and {lower} stand on each other")

    def test_service_simulates_for_development_alone(self):
        self.none([p for p, name in includes() if floor(name) == "simulate" and p.parts[-2] == "service"
                   and p.relative_to(ROOT).as_posix() not in SIMULATED_IN_SERVICE], "simulate is not for the service:")

    def test_the_core_has_no_io(self):
        """What is judged depends on the inputs alone: no clock, no generator, no file below the core (DESIGN: the way data flows)."""
        calls = r"(?<![\w.>])(time|clock_gettime|gettimeofday|getrandom|rand|random|RAND_bytes|fopen|open|socket|getenv|printf|puts|exit)\("
        folders = ("arm", "claims", "endorsement", "evidence", "identity", "policy", "token")
        found = []
        for path in sources("src"):
            if floor(path.relative_to(SRC).as_posix()).split("/")[0] in folders:
                code = re.sub(r'/\*.*?\*/|"(?:[^"\\]|\\.)*"', "", text(path), flags=re.S)
                found += [f"{path.relative_to(ROOT)}: {m.group(1)}" for m in re.finditer(calls, code)]
        self.none(found, "input or output below the core:")

    def test_no_free_of_request_memory(self):
        found = []
        for path in sources("src"):
            if path.relative_to(SRC).parts[0] in ("evidence", "identity", "policy", "token") and re.search(r"(?<![\w.>])(malloc|calloc|realloc|free)\(", text(path)):
                found.append(path.relative_to(ROOT))
        self.none(found, "memory of a request is its arena's:")


if __name__ == "__main__":
    unittest.main()
