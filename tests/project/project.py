"""What the tests about the project itself share: where it is, which files belong to it, and what C sources include."""
import os
import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
BUILT = {".git", "build", "state", "node_modules", "__pycache__"}

CHECK = re.compile(r'CHECK\(\s*(\w+)\s*,\s*"([^"]*)"\s*,\s*(\w+)\s*,\s*((?:"(?:[^"\\]|\\.)*"\s*)+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)')


def files():
    """Every file of the project: what git knows or would take, or all but what is built where this is no repository."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True,
                            check=False)
    if listed.returncode == 0:
        found = [ROOT / os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]
    else:
        found = [p for p in ROOT.rglob("*") if not BUILT & set(p.relative_to(ROOT).parts)]
    return sorted(p for p in set(found) if p.is_file())


def sources(*folders):
    return [p for p in files() if p.suffix in (".c", ".h") and p.relative_to(ROOT).parts[0] in folders]


def text(path):
    return path.read_text(encoding="utf-8", errors="replace")


def lines_with(path, pattern):
    """`file:line: text` of every line that has it."""
    return [f"{path.relative_to(ROOT)}:{n}: {line.strip()}" for n, line in enumerate(text(path).splitlines(), 1) if re.search(pattern, line)]


def checks():
    """Rows of checks.def: constant, id, form, what it proves, remedy."""
    join = lambda literal: "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literal))
    table = re.sub(r"/\*.*?\*/", "", text(SRC / "base/checks.def"), flags=re.S)
    return [(c, i, form, join(proves), join(remedy)) for c, i, form, proves, remedy in CHECK.findall(table)]


class ProjectCase(unittest.TestCase):
    maxDiff = None

    def none(self, found, what):
        self.assertFalse(found, what + "\n" + "\n".join(map(str, found)))
