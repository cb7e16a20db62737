"""JMESPath as python3-jmespath evaluates it, where the specification leaves that library alone; where it departs from the
specification, or leaves open what ours decides (docs/decisions.md, "The oracle of JMESPath"), the rule of the class below decides.

Nothing is skipped: a rule gives the answer that is expected. The test counts a pair for a rule where the library's own answer is
another.
"""
import collections
import json
import math
import re

import jmespath.exceptions
import jmespath.functions
import jmespath.lexer
import jmespath.parser
import jmespath.visitor

JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z", re.A)
LEAST, MOST = -2**63, 2**63 - 1

CLASSES = {
    "order": "<, <=, >, >= with a side that is no number: null",
    "boolean": "true is not 1, false is not 0, at any depth",
    "contains": "contains of a non-string in a string: false",
    "literal": "text between backticks that is not JSON, or names a member twice: an error",
    "to_string": "to_string keeps UTF-8 as it is",
    "to_number": "to_number takes exactly a JSON number",
    "range": "numbers outside 64 bits or the finite doubles: an error",
    "whole": "a computed number that is whole is written as an integer where 64 bits hold it",
    "call": "an unknown function or a wrong count of arguments: an error, reached or not",
    "merge": "each argument of merge must be an object, not the first alone",
    "reference": "& is an error but in the place where a function takes it",
    "comma": "arguments, and members of {}, need commas between them and none behind",
    "called": "only a name that stands directly before ( is called",
    "slice": "each part of a slice is one number",
    "sliced": "a slice behind an index begins a projection, as any slice",
}


class Refused(Exception):
    """An error by the rule of a class."""


class Counts(collections.Counter):
    """The classes that the pair at hand fell into."""

    def refuse(self, name):
        self[name] += 1
        raise Refused(name)


def is_number(v):
    return isinstance(v, (int, float)) and not isinstance(v, bool)


def equal(x, y):
    """By the specification: kinds first, then values."""
    if is_number(x) and is_number(y):
        return x == y
    if type(x) is not type(y):
        return False
    if isinstance(x, list):
        return len(x) == len(y) and all(map(equal, x, y))
    if isinstance(x, dict):
        return x.keys() == y.keys() and all(equal(v, y[k]) for k, v in x.items())
    return x == y


def fold(text):
    return "".join(c.lower() if "A" <= c <= "Z" else c for c in text)


class Functions(jmespath.functions.Functions):
    signature = staticmethod(jmespath.functions.signature)

    def __init__(self, counts):
        self.counts = counts

    def finite(self, v):
        """A computed number as it is written: an integer where it is whole and 64 bits hold it."""
        if v != v or v in (float("inf"), float("-inf")) or isinstance(v, int) and not LEAST <= v <= MOST:
            self.counts.refuse("range")
        if isinstance(v, float) and v.is_integer() and LEAST <= v <= MOST:
            self.counts["whole"] += 1
            return int(v)
        return v

    def total(self, numbers):
        """From the left, integers exactly until the first that is none. (sum of Python 3.12 corrects as it goes.)"""
        total = 0
        for n in numbers:
            total += n
            if isinstance(total, int) and not LEAST <= total <= MOST:
                self.counts.refuse("range")
        return total

    @signature({"types": ["number"]})
    def _func_abs(self, arg):
        return arg if arg >= 0 and isinstance(arg, int) else self.finite(abs(arg))

    @signature({"types": ["number"]})
    def _func_floor(self, arg):
        return self.rounded(arg, math.floor(arg))

    @signature({"types": ["number"]})
    def _func_ceil(self, arg):
        return self.rounded(arg, math.ceil(arg))

    def rounded(self, before, after):
        if LEAST <= after <= MOST:
            return after
        self.counts["whole"] += 1
        return before  # a double that is whole

    @signature({"types": ["array-number"]})
    def _func_sum(self, arg):
        return self.finite(self.total(arg))

    @signature({"types": ["array-number"]})
    def _func_avg(self, arg):
        return self.finite(self.total(arg) / float(len(arg))) if arg else None

    @signature({"types": ["array", "string"]}, {"types": []})
    def _func_contains(self, subject, search):
        if isinstance(subject, str) and not isinstance(search, str):
            self.counts["contains"] += 1
            return False
        found = search in subject
        if isinstance(subject, list) and found != any(equal(item, search) for item in subject):
            self.counts["boolean"] += 1
            return not found
        return found

    @signature({"types": []})
    def _func_to_string(self, arg):
        theirs = super()._func_to_string(arg)
        ours = arg if isinstance(arg, str) else json.dumps(arg, separators=(",", ":"), ensure_ascii=False)
        self.counts["to_string"] += theirs != ours
        return ours

    @signature({"types": []})
    def _func_to_number(self, arg):
        theirs = super()._func_to_number(arg)
        if isinstance(arg, str) and not JSON_NUMBER.match(arg) and theirs is not None:
            self.counts["to_number"] += 1
            return None
        return theirs

    @signature({"types": ["object"], "variadic": True})
    def _func_merge(self, *arguments):
        if not all(isinstance(a, dict) for a in arguments):
            self.counts.refuse("merge")
        return super()._func_merge(*arguments)

    @signature({"types": []}, {"types": []})
    def _func_equals_ignore_case(self, x, y):
        """Ours alone."""
        if x is None or y is None:
            return False
        if not isinstance(x, str) or not isinstance(y, str):
            raise jmespath.exceptions.JMESPathTypeError("equals_ignore_case", x, "other", ["string"])
        return fold(x) == fold(y)


TAKES_REFERENCE = {"map": 0, "sort_by": 1, "min_by": 1, "max_by": 1}


class Interpreter(jmespath.visitor.TreeInterpreter):
    def __init__(self, counts):
        super().__init__(jmespath.visitor.Options(custom_functions=Functions(counts)))
        self.counts = counts

    def visit_comparator(self, node, value):
        left, right = (self.visit(child, value) for child in node["children"])
        if node["value"] in ("eq", "ne"):
            theirs = self.COMPARATOR_FUNC[node["value"]](left, right)
            ours = equal(left, right) == (node["value"] == "eq")
            self.counts["boolean"] += theirs != ours
            return ours
        if is_number(left) and is_number(right):
            return self.COMPARATOR_FUNC[node["value"]](left, right)
        self.counts["order"] += (is_number(left) or isinstance(left, str)) and (is_number(right) or isinstance(right, str))
        return None

    def visit_expref(self, node, value):
        return self.counts.refuse("reference")

    def visit_function_expression(self, node, value):
        arguments = []
        for i, child in enumerate(node["children"]):
            if child["type"] != "expref":
                arguments.append(self.visit(child, value))
            elif TAKES_REFERENCE.get(node["value"]) == i:
                arguments.append(super().visit_expref(child, value))
            else:
                self.counts.refuse("reference")
        return self._functions.call_function(node["value"], arguments)


class Lexer(jmespath.lexer.Lexer):
    def __init__(self, counts):
        self.counts = counts

    def _consume_literal(self):
        """The library's, without its second attempt, and without the numbers that JSON does not have."""
        start, text = self._position, self._consume_until("`").replace("\\`", "`")
        try:
            value = json.loads(text, parse_constant=lambda _: self.counts.refuse("range"), object_pairs_hook=self.members)
        except ValueError:
            self.counts.refuse("literal")
        return {"type": "literal", "value": value, "start": start, "end": self._position - start}

    def members(self, pairs):
        if len(dict(pairs)) < len(pairs):
            self.counts.refuse("literal")
        return dict(pairs)


class Parser(jmespath.parser.Parser):
    _CACHE = {}

    def __init__(self, counts):
        super().__init__()
        self.counts = counts

    def tree(self, query):
        if not query:
            raise jmespath.exceptions.EmptyExpressionError()
        self._tokens = list(Lexer(self.counts).tokenize(query))
        if any(token["type"] == "number" and not LEAST <= token["value"] <= MOST for token in self._tokens):
            self.counts.refuse("range")
        self._index = 0
        tree = self._expression(binding_power=0)
        if self._current_token() != "eof":
            self._raise_parse_error_for_token(self._lookahead_token(0), "something follows")
        self.check_calls(tree)
        return tree

    def check_calls(self, node):
        if node["type"] == "function_expression":
            entry = Functions.FUNCTION_TABLE.get(node["value"])
            count, wanted = len(node["children"]), entry and entry["signature"]
            if not entry or count < len(wanted) or count > len(wanted) and not wanted[-1].get("variadic"):
                self.counts.refuse("call")
        if node["type"] not in ("slice", "literal"):
            for child in node["children"]:
                self.check_calls(child)

    def _token_led_lparen(self, left):
        # The token before "(" is at -2: the look-ahead has passed "(".
        if left["type"] == "field" and self._lookahead(-2) != "unquoted_identifier":
            self.counts.refuse("called")
        begin = self._index
        call = super()._token_led_lparen(left)
        self.check_commas("rparen", begin, len(call["children"]))
        return call

    def _parse_multi_select_hash(self):
        begin = self._index
        made = super()._parse_multi_select_hash()
        self.check_commas("rbrace", begin, len(made["children"]))
        return made

    def check_commas(self, close, begin, parts):
        """Between begin and the token that closes, which was just taken."""
        depth = commas = 0
        for token in self._tokens[begin:self._index - 1]:
            kind = token["type"]
            depth += kind in ("lparen", "lbrace", "lbracket", "filter")
            depth -= kind in ("rparen", "rbrace", "rbracket")
            commas += kind == "comma" and depth == 0
        left_over = self._tokens[self._index - 2]["type"] == "comma"
        if left_over or commas != max(parts - 1, 0):
            self.counts.refuse("comma")

    def _parse_slice_expression(self):
        begin = self._index
        made = super()._parse_slice_expression()
        kinds = [token["type"] for token in self._tokens[begin:self._index]]
        if any(a == b == "number" for a, b in zip(kinds, kinds[1:])):
            self.counts.refuse("slice")
        return made

    def _token_led_lbracket(self, left):
        behind_index = left["type"] == "index_expression"
        if behind_index and self._current_token() in ("number", "colon"):
            right = self._parse_index_expression()
            self.counts["sliced"] += right["type"] == "slice"
            return self._project_if_slice(left, right)
        return super()._token_led_lbracket(left)


ERRORS = (Refused, jmespath.exceptions.JMESPathError, TypeError, ValueError, ArithmeticError, AttributeError)


def search(query, document):
    """(is it a value, the value, the classes it fell into)."""
    counts = Counts()
    try:
        value = Interpreter(counts).visit(Parser(counts).tree(query), document)
    except ERRORS:
        return False, None, +counts
    return True, value, +counts
