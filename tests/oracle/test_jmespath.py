"""Our JMESPath beside python3-jmespath, over random documents and queries: what one finds the other finds, and errors are errors.

Short: 20,000 pairs. `./dev test --long jmespath`: a million. ASSAY_PAIRS and ASSAY_SEED choose others; a difference is printed with
the seed of its batch.
"""
import collections
import json
import multiprocessing
import os
import struct
import subprocess
import unittest
import warnings
from pathlib import Path

import queries

try:
    import jmespath.parser
    import reference
except ImportError:
    jmespath = None

BUILD = Path(__file__).resolve().parents[2] / os.environ.get("ASSAY_BUILD", "build")
PROGRAM = BUILD / "tests/oracle/answer_jmespath"
PAIRS = int(os.environ.get("ASSAY_PAIRS", 0)) or (1_000_000 if os.environ.get("ASSAY_LONG") else 20_000)
SEED = os.environ.get("ASSAY_SEED", "jmespath")
BATCH, SHOWN = 5000, 10


def answers(pairs):
    """What our program says to each: (letter, text)."""
    frames = []
    for pair in pairs:
        for text in pair:
            data = text.encode()
            frames += struct.pack("<I", len(data)), data
    run = subprocess.run([str(PROGRAM)], input=b"".join(frames), capture_output=True, check=False)
    if run.returncode:
        raise AssertionError(f"{PROGRAM.name} ended with {run.returncode}: {run.stderr.decode(errors='replace')[-4000:]}")
    at, found = 0, []
    while at < len(run.stdout):
        letter, n = struct.unpack_from("<cI", run.stdout, at)
        found.append((letter.decode(), run.stdout[at + 5:at + 5 + n].decode()))
        at += 5 + n
    if len(found) != len(pairs):
        raise AssertionError(f"{len(found)} answers to {len(pairs)} pairs")
    return found


def plain(v):
    """Numbers by value: 2 and 2.0 and 2e0 are one. True and 1 are not."""
    if isinstance(v, float) and v.is_integer():
        return int(v)
    if isinstance(v, list):
        return [plain(item) for item in v]
    return {name: plain(item) for name, item in v.items()} if isinstance(v, dict) else v


def canonical(v):
    return json.dumps(plain(v), separators=(",", ":"), ensure_ascii=False)


class Spelled(str):
    """A number of ours, as it is spelled."""


def spell(v):
    """Compact JSON as it must be written: no blanks, UTF-8 as it is, the short escapes."""
    if isinstance(v, Spelled):
        return str(v)
    if isinstance(v, list):
        return "[" + ",".join(map(spell, v)) + "]"
    if isinstance(v, dict):
        return "{" + ",".join(json.dumps(k, ensure_ascii=False) + ":" + spell(item) for k, item in v.items()) + "}"
    return json.dumps(v, ensure_ascii=False)


def own_answer(query, document):
    """The library's without our rules: canonical text, or None for an error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return canonical(jmespath.parser.Parser().parse(query).search(document))
    except reference.ERRORS:
        return None


def judge(query, text, letter, ours):
    """(difference or None, classes that decided, was it null, was it an error)."""
    document = json.loads(text)
    ok, value, counts = reference.search(query, document)
    wanted = canonical(value) if ok else None
    given = canonical(json.loads(ours)) if letter == "V" else None
    # A class counts where it changed the answer.
    decided = list(counts) if counts and own_answer(query, document) != wanted else []
    wrong = None
    if letter == "L" or given != wanted:
        wrong = f"query     {query!r}\ndocument  {text}\nours      {ours}\nexpected  {wanted or 'an error'}"
    elif letter == "V" and ours != spell(json.loads(ours, parse_float=Spelled, parse_int=Spelled)):
        wrong = f"query     {query!r}\ndocument  {text}\nours      {ours}\nis not written compactly"
    return wrong, decided, wanted == "null", not ok


def batch(number_and_count):
    number, count = number_and_count
    seed, total, wrong = f"{SEED}:{number}", collections.Counter(), []
    pairs = list(queries.Maker(seed).pairs(count))
    for (query, text), (letter, ours) in zip(pairs, answers(pairs)):
        difference, decided, null, error = judge(query, text, letter, ours)
        total.update(pairs=1, nulls=null, errors=error, values=not (null or error))
        total.update(decided)
        if difference:
            total["differences"] += 1
            wrong.append(f"batch {seed}\n{difference}")
    return total, wrong[:SHOWN]


@unittest.skipIf(jmespath is None, "python3-jmespath is not installed")
class Jmespath(unittest.TestCase):
    def test_finds_what_the_oracle_finds(self):
        work = [(i, min(BATCH, PAIRS - i * BATCH)) for i in range(-(-PAIRS // BATCH))]
        total, wrong = collections.Counter(), []
        with multiprocessing.Pool(min(2, os.cpu_count() or 1)) as pool:
            for counts, differences in pool.imap_unordered(batch, work):
                total.update(counts)
                wrong += differences
        print(f"# seed {SEED}: {total['pairs']} pairs: {total['values']} values, {total['nulls']} null, {total['errors']} errors")
        for name, rule in reference.CLASSES.items():
            print(f"# {total[name]} decided by {name}: {rule}")
        self.assertEqual(total["pairs"], PAIRS)
        self.assertEqual([], wrong[:SHOWN], f"{total['differences']} differences:\n\n" + "\n\n".join(wrong[:SHOWN]))
        # A generator that no longer hits anything would pass.
        self.assertGreater(total["values"], PAIRS // 3)
        self.assertGreater(total["errors"], PAIRS // 100)


if __name__ == "__main__":
    unittest.main()
