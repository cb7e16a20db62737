"""Functions fit on a screen, files are read in one sitting."""
import unittest

from project import ROOT, ProjectCase, sources, text

FUNCTION_LINES, FILE_LINES, COLUMNS = 80, 700, 120


def functions(lines):
    """First and last line of each function body: clang-format puts the braces of functions, and of nothing else, at the margin."""
    begin = None
    for n, line in enumerate(lines, 1):
        if line == "{":
            begin = n
        elif line == "}" and begin:
            yield begin, n
            begin = None


class Size(ProjectCase):
    def test_functions(self):
        found, seen = [], 0
        for path in sources("src", "tools", "tests", "fuzz", "bench"):
            for begin, end in functions(text(path).splitlines()):
                seen += 1
                if end - begin + 1 > FUNCTION_LINES:
                    found.append(f"{path.relative_to(ROOT)}:{begin}: {end - begin + 1} lines")
        self.assertGreater(seen, 300)
        self.none(found, f"functions of more than {FUNCTION_LINES} lines:")

    def test_files(self):
        counted = [(len(text(p).splitlines()), p.relative_to(ROOT)) for p in sources("src", "tools", "tests", "fuzz", "bench")]
        self.assertGreater(len(counted), 50)
        self.none([f"{p}: {n}" for n, p in counted if n > FILE_LINES], f"files of more than {FILE_LINES} lines:")

    def test_headers_say_what_they_are_for(self):
        self.none([p.relative_to(ROOT) for p in sources("src", "include") if p.suffix == ".h" and not text(p).startswith("/* ")],
                  "headers that do not begin with what their module is for:")


if __name__ == "__main__":
    unittest.main()
