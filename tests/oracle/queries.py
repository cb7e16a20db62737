"""Random JSON documents, and random JMESPath queries over them: from the whole grammar, led by the document, so that most of them
find something. The same seed makes the same pairs.

Left out, because policy.md 6.1 says that the oracle cannot judge them: integers outside 64 bits, NaN and Infinity, lone surrogates.
Numbers are spelled in odd ways (1.50, 1E+2) only where to_string does not look at the spelling, which is kept here and lost there.
"""
import json
import random
import re

NAMES = ["a", "b", "c", "foo", "bar", "Index", "Digests", "_x", "k1", "e\u0301t\u00e9", "with space", "x.y", 'quo"te', "", "0", "\u20ac"]
STRINGS = ["", "a", "b", "foo", "foobar", "bar", "FOO", "\u00e9", "\u00c9", "\u20ac\U0001f511", "1", "12", "-1.5", "2.0", "1e+22", "01", "+1", " 1",
           "1_0", "true", "null", "{}", "it's", 'say "so"', "back\\slash", "tick`", "\n\t", "\x00A", "\x00a", "\x1f\x7f", "\ud7ff\ue000"]
INTEGERS = [0, 1, -1, 2, 3, 7, 10, 12, 100, 255, 65536, 2**53 - 1, 2**53, 2**53 + 1, -2**53 - 1, 2**63 - 1, -2**63, 2**62]
FLOATS = [0.0, -0.0, 0.5, 1.0, 1.5, -2.25, 2.0, 0.1, 1e-7, 5e-324, 9007199254740992.0, 9.1e15, 9.223372036854775e18, 1e22, 1e300, -1e308]
KINDS = {"number": (int, float), "string": str, "array": list, "object": dict}

# What each argument should be; "array-number" and the like: an array of such elements. "&": a reference to a number or a string.
FUNCTIONS = {
    "abs": ["number"], "avg": ["array-number"], "ceil": ["number"], "contains": ["array", "any"], "ends_with": ["string", "string"],
    "equals_ignore_case": ["string", "string"], "floor": ["number"], "join": ["string", "array-string"], "keys": ["object"],
    "length": ["array"], "map": ["&any", "array"], "max": ["array-number"], "max_by": ["array", "&"], "merge": ["object", "object"],
    "min": ["array-string"], "min_by": ["array", "&"], "not_null": ["any", "any"], "reverse": ["array"], "sort": ["array-number"],
    "sort_by": ["array", "&"], "starts_with": ["string", "string"], "sum": ["array-number"], "to_array": ["any"],
    "to_number": ["string"], "to_string": ["any"], "type": ["any"], "values": ["object"],
}
OTHER_NAMES = ["nothing", "Length", "size"]


def is_kind(v, kind):
    if kind == "any":
        return True
    if kind.startswith("array-"):
        return isinstance(v, list) and v and all(is_kind(item, kind[6:]) for item in v)
    return isinstance(v, KINDS[kind]) and not isinstance(v, bool)


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def chance(self, p):
        return self.r.random() < p

    # Documents

    def scalar(self):
        pick = self.r.random()
        if pick < 0.3:
            return self.r.choice(INTEGERS) if self.chance(0.5) else self.r.randint(-5, 20)
        if pick < 0.45:
            return self.r.choice(FLOATS) if self.chance(0.5) else self.r.randint(-40, 40) / 8
        if pick < 0.8:
            return self.r.choice(STRINGS)
        return self.r.choice([True, False, None])

    def names(self):
        return self.r.sample(NAMES, self.r.choice([0, 1, 2, 3, 3, 5]))

    def value(self, depth):
        pick = self.r.random()
        if depth == 0 or pick < 0.25:
            return self.scalar()
        if pick < 0.6:
            return {name: self.value(depth - 1) for name in self.names()}
        return self.array(depth)

    def array(self, depth):
        n, pick = self.r.choice([0, 1, 2, 3, 4, 6]), self.r.random()
        if pick < 0.25:  # rows of a table
            names = self.names()
            return [{name: self.value(depth - 1) for name in names if self.chance(0.9)} for _ in range(n)]
        if pick < 0.4:
            return [self.r.choice([self.r.randint(-9, 9), self.r.choice(INTEGERS), self.r.choice(FLOATS)]) for _ in range(n)]
        if pick < 0.5:
            return [self.r.choice(STRINGS) for _ in range(n)]
        return [self.value(depth - 1) for _ in range(n)]

    def document(self):
        return self.value(self.r.choice([1, 2, 3, 4])) if self.chance(0.1) else {
            name: self.value(self.r.choice([1, 2, 3])) for name in self.r.sample(NAMES, self.r.randint(1, 6))}

    # Queries. `v` is what the query will probably stand on: a guess that leads the choice, no promise.

    def query(self, document):
        text, _ = self.expression(document, self.r.choice([1, 2, 2, 3, 3, 4]))
        if self.chance(0.05):
            text = self.damage(text)
        return text

    def damage(self, text):
        at, bit = self.r.randrange(len(text) + 1), self.r.choice(list("[]{}().,:*?&|!<>=@`'\"\\-0 a") + ["&&", "||", "[]", "[?", "()"])
        damaged = text[:at] + self.r.choice(["", bit]) + text[at + self.r.choice([0, 1]):]
        return text if re.search(r"[0-9]{19}|[eE][-+]?[0-9]{3}|NaN|Inf|\\u[dD]", damaged) else damaged

    def space(self):
        return self.r.choice(["", "", "", "", " ", "\n", "\t "])

    def name(self, name):
        if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) and self.chance(0.9):
            return name
        return json.dumps(name, ensure_ascii=self.chance(0.5))

    def literal(self, v):
        if isinstance(v, str) and self.chance(0.6):
            return "'" + v.replace("'", "\\'") + "'" if not v.endswith("\\") else "`" + json.dumps(v) + "`"
        if self.chance(0.03):
            return self.r.choice(["`foo`", "``", "`{a}`", "` 'x'`", "`01`", "`NaN`"])
        text = json.dumps(v, ensure_ascii=self.chance(0.5), separators=self.r.choice([(",", ":"), (", ", ": ")]))
        return "`" + self.r.choice(["", "", " "]) + text.replace("`", "\\`") + "`"

    def expression(self, v, depth):
        if depth <= 0:
            return self.step(v)
        make = self.r.choice([self.step, self.chain, self.chain, self.chain, self.project, self.project, self.flatten, self.filter,
                              self.pipe, self.call, self.call, self.choose, self.logic, self.compare, self.negate, self.paren])
        return make(v, depth)

    def step(self, v, depth=0):
        """One member, element, or literal."""
        if isinstance(v, dict) and v and self.chance(0.9):
            name = self.r.choice(list(v))
            return self.name(name), v[name]
        if isinstance(v, list) and v and self.chance(0.9):
            at = self.r.randrange(-len(v), len(v))
            return f"[{at}]", v[at]
        pick = self.r.random()
        if pick < 0.5:
            return "@", v
        if pick < 0.7:
            return self.name(self.r.choice(NAMES)), None
        if pick < 0.75:
            return f"[{self.r.choice([0, -1, 5, 2**31, 2**63 - 1, -2**63])}]", None
        made = self.value(self.r.choice([0, 0, 0, 1]))
        return self.literal(made), made

    def join(self, left, right):
        """right behind left, as both read: `a` and `[0]` need no dot, and only some may follow one."""
        if right.startswith("[") and not right.startswith("[\"") and self.chance(0.9):
            return left + right
        if right[:1] in "@`'(!&" and self.chance(0.95):
            return f"{left} | {right}"
        return f"{left}{self.space()}.{self.space()}{right}"

    def chain(self, v, depth):
        left, v = self.step(v)
        for _ in range(self.r.randint(1, 3)):
            right, v = self.step(v) if self.chance(0.7) else self.choose(v, depth - 1)
            left = self.join(left, right)
        return left, v

    def tail(self, items, depth):
        """What follows a projection, and what it probably gives."""
        if not items or self.chance(0.3):
            return "", items
        pick = self.r.random()
        right, v = self.step(items[0]) if pick < 0.6 else self.choose(items[0], depth - 1) if pick < 0.8 else self.call(items[0], depth - 1)
        return self.join("", right), [v]

    def project(self, v, depth):
        left, v = self.base(v, dict if self.chance(0.4) else list, depth)
        if isinstance(v, dict) and v:
            star, items = ("*", [self.r.choice(list(v.values()))]) if left == "@" else (f"{left}.*", [self.r.choice(list(v.values()))])
        elif self.chance(0.5):
            star, items = f"{'' if left == '@' else left}[*]", v if isinstance(v, list) else None
        else:
            star, items = f"{'' if left == '@' else left}[{self.slice()}]", v if isinstance(v, list) else None
        tail, items = self.tail(items, depth)
        return star + tail, items

    def slice(self):
        def bound():
            return "" if self.chance(0.3) else str(self.r.choice([0, 1, 2, 3, -1, -2, -3, 10, -10, 2**63 - 1, -2**63]))
        if self.chance(0.005):
            return self.r.choice(["1 2:", ":1 2", "::1 2", ":::", "1:2:1:"])
        step = self.r.choice(["", "", ":", ":1", ":2", ":-1", ":-2", ":9223372036854775807", ":0", ":-9223372036854775808"])
        return f"{bound()}:{bound()}{step}"

    def base(self, v, kind, depth):
        """Something of that kind below v, or what comes to hand."""
        found = self.find(v, lambda x: isinstance(x, kind) and x)
        return found or self.expression(v, depth - 1)

    def find(self, v, good, path="@", depth=4):
        """A path from v to a value that is good, at random; None if there is none within reach."""
        found = []
        self.walk(v, good, path, depth, found)
        return self.r.choice(found) if found else None

    def walk(self, v, good, path, depth, found):
        if good(v):
            found.append((path, v))
        if depth == 0 or len(found) > 8:
            return
        stem = "" if path == "@" else path
        if isinstance(v, dict):
            for name, item in v.items():
                self.walk(item, good, f"{stem}.{self.name(name)}" if stem else self.name(name), depth - 1, found)
        elif isinstance(v, list):
            for i, item in enumerate(v[:3]):
                self.walk(item, good, f"{stem}[{i}]", depth - 1, found)

    def flatten(self, v, depth):
        left, v = self.base(v, list, depth)
        items = None
        if isinstance(v, list):
            items = [inner for item in v for inner in (item if isinstance(item, list) else [item])]
        tail, items = self.tail(items, depth)
        return ("" if left == "@" else left) + "[]" + tail, items

    def filter(self, v, depth):
        left, v = self.base(v, list, depth)
        item = v[0] if isinstance(v, list) and v else None
        make = self.r.choice([self.compare, self.compare, self.compare, self.logic, self.expression, self.call])
        condition, _ = make(item, min(depth - 1, 2))
        tail, items = self.tail(v if isinstance(v, list) else None, depth)
        return f"{'' if left == '@' else left}[?{self.space()}{condition}]" + tail, items

    def pipe(self, v, depth):
        left, v = self.expression(v, depth - 1)
        right, v = self.expression(v, depth - 1)
        return f"{left}{self.space()}|{self.space()}{right}", v

    def choose(self, v, depth):
        """A list or an object of expressions."""
        parts = [self.expression(v, depth - 1) for _ in range(self.r.choice([1, 1, 2, 3]))]
        if self.chance(0.5):
            return "[" + ("," + self.space()).join(text for text, _ in parts) + "]", [item for _, item in parts]
        names = [self.r.choice(NAMES) for _ in parts]
        text = ("," + self.space()).join(f"{self.name(n)}{self.space()}:{self.space()}{t}" for n, (t, _) in zip(names, parts))
        return "{" + text + "}", dict(zip(names, (item for _, item in parts)))

    def logic(self, v, depth):
        (left, x), (right, y) = self.expression(v, depth - 1), self.expression(v, depth - 1)
        return f"{left}{self.space()}{self.r.choice(['&&', '||'])}{self.space()}{right}", self.r.choice([x, y])

    def compare(self, v, depth):
        left, x = self.expression(v, depth - 1) if self.chance(0.4) else self.step(v)
        how = self.r.choice(["==", "==", "!=", "<", "<=", ">", ">="])
        if self.chance(0.6):
            right = self.literal(x if self.chance(0.4) else self.near(x))
        else:
            right = self.expression(v, depth - 1)[0]
        return f"{left}{self.space()}{how}{self.space()}{right}", True

    def near(self, v):
        if isinstance(v, (list, dict)) and self.chance(0.3):
            return self.swapped(v)
        if is_kind(v, "number"):
            return self.r.choice([v, self.r.choice(INTEGERS), self.r.choice(FLOATS), bool(v)])
        return self.r.choice(STRINGS) if isinstance(v, str) else self.value(1)

    def swapped(self, v):
        """The same with true for 1 and 0 for false, and the other way round: what Python takes for equal."""
        if isinstance(v, list):
            return [self.swapped(item) for item in v]
        if isinstance(v, dict):
            return {name: self.swapped(item) for name, item in v.items()}
        if isinstance(v, bool):
            return int(v)
        return bool(v) if is_kind(v, "number") and v in (0, 1) else v

    def negate(self, v, depth):
        text, v = self.expression(v, depth - 1)
        return f"!{text}" if self.chance(0.5) else f"!({text})", not v

    def paren(self, v, depth):
        text, v = self.expression(v, depth - 1)
        return f"({self.space()}{text}{self.space()})", v

    def argument(self, v, kind, depth):
        """(text, probable value) of that kind."""
        if kind == "any" or self.chance(0.08):
            return self.expression(v, depth - 1)
        found = self.find(v, lambda x: is_kind(x, kind))
        if found and self.chance(0.8):
            return found
        made = self.of_kind(kind)
        return self.literal(made), made

    def of_kind(self, kind):
        if kind.startswith("array-"):
            return [self.of_kind(kind[6:]) for _ in range(self.r.choice([0, 1, 2, 3, 5]))]
        if kind == "number":
            return self.r.choice(self.r.choice([INTEGERS, FLOATS]))
        if kind == "string":
            return self.r.choice(STRINGS)
        return self.array(1) if kind == "array" else {name: self.value(1) for name in self.names()}

    def call(self, v, depth):
        name = self.r.choice(list(FUNCTIONS))
        kinds, guess, arguments = list(FUNCTIONS[name]), None, []
        if name in ("length", "reverse", "contains") and self.chance(0.4):
            kinds[0] = "string"
        if name in ("sort", "max", "min") and self.chance(0.4):
            kinds[0] = self.r.choice(["array-number", "array-string"])
        if name == "contains" and self.chance(0.1) and is_kind(v, "array-any"):
            return f"contains(@, {self.literal(self.swapped(v[0]))})", True
        if name in ("merge", "not_null"):
            kinds = kinds[:1] * self.r.choice([1, 2, 2, 3])
        if self.chance(0.04):
            kinds = self.r.choice([kinds[1:], kinds + ["any"], kinds[::-1]])
        array = self.argument(v, "array", depth) if "&" in kinds or "&any" in kinds else None
        for kind in kinds:
            if kind.startswith("&"):
                arguments.append(self.reference(array[1], kind, depth))
                continue
            text, guess = array if array and kind == "array" else self.argument(v, kind, depth)
            arguments.append("&" + text if self.chance(0.01) else text)
        if self.chance(0.01):
            name = self.r.choice(OTHER_NAMES)
        if self.chance(0.004):
            name = self.r.choice([f"({name})", f'"{name}"', "@", f"a.{name}"])
        comma = "," + self.space() if self.chance(0.995) else " "
        if self.chance(0.004):
            arguments.append("")
        return f"{name}({self.space()}{comma.join(arguments)}{self.space()})", guess

    def reference(self, array, kind, depth):
        item = array[0] if isinstance(array, list) and array else None
        if kind == "&" and self.chance(0.85):
            found = self.find(item, lambda x: is_kind(x, "number") or is_kind(x, "string"))
            if found:
                return "&" + found[0]
        text = self.expression(item, depth - 1)[0]
        return text if self.chance(0.03) else "&" + text

    # What is sent

    def spelled(self, document, plain):
        """The document's text; some numbers in an odd spelling, unless it must be plain."""
        text = json.dumps(document, ensure_ascii=self.chance(0.3), separators=self.r.choice([(",", ":"), (", ", ": ")]))
        if plain or self.chance(0.7):
            return text
        return re.sub(r"(?<=[\[:, ])(-?[0-9]+\.[0-9]+)(?=[,\]}])(?![^\"]*\"(?:[^\"]*\"[^\"]*\")*[^\"]*$)", self.odd, text)

    def odd(self, number):
        return self.r.choice([number[0], number[0] + "0", number[0] + "e0", number[0] + "E+00"])

    def pairs(self, count, for_each_document=8):
        """(query, text of the document)."""
        for i in range(count):
            if i % for_each_document == 0:
                document = self.document()
            query = self.query(document)
            yield query, self.spelled(document, "to_string" in query)
