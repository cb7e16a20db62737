"""A service played in Python, for tests of clients: each path has a function."""
import base64
import json

from cli_case import Server


def unb64(text):
    return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4))


class Playing:
    """functions: "POST /path" -> a function from the request's object to the answer's, or to (status, bytes)."""

    def __init__(self, signer):
        self.server, self.functions = Server(signer, {}), {}
        self.url = self.server.url
        outer = self

        class Routes(dict):
            def get(self, key, default=None):
                function = outer.functions.get(key)
                if not function:
                    return default
                answer = function(json.loads(outer.server.requests[-1][3] or b"null"))
                return answer if isinstance(answer, tuple) else (200, json.dumps(answer).encode())

        self.server.routes = Routes()

    def close(self):
        self.server.close()
