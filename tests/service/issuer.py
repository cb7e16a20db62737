"""An OpenID issuer for tests: its keys, its tokens, and its HTTPS server on loopback."""
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cli"))
from cli_case import Server, Signer  # noqa: E402

DATA, CONTROL = "https://attest.azure.net", "https://management.azure.com"


class Keys:
    """RSA keys by kid, in a folder that ends with them."""

    def __init__(self, *kids):
        self.folder = tempfile.TemporaryDirectory(prefix="assay-issuer-")
        self.signers = {}
        for kid in kids:
            self.add(kid)

    def add(self, kid):
        self.signers[kid] = Signer(Path(self.folder.name), kid, "localhost")
        return self.signers[kid]

    def jwks(self, *kids):
        return json.dumps({"keys": [self.signers[kid].jwk(kid) for kid in kids or self.signers]})

    def write(self, path):
        with open(path, "w", encoding="utf-8") as f:
            f.write(self.jwks())
        return path

    def token(self, issuer, subject, kid=None, header=None, drop=(), **claims):
        """RS256 by the key of this kid (the first one); a claim that is None is left out."""
        kid = kid or next(iter(self.signers))
        now = int(time.time())
        payload = {"iss": issuer, "sub": subject, "aud": DATA, "nbf": now - 10, "exp": now + 3600, **claims}
        head = {"alg": "RS256", "typ": "JWT", "kid": kid, **(header or {})}
        keep = lambda o: {k: v for k, v in o.items() if v is not None and k not in drop}
        return self.signers[kid].sign(keep(head), keep(payload))


class Issuer(Keys):
    """With a server that publishes them. The server's certificate is that of the key "tls", which is not listed."""

    def __init__(self, *kids):
        super().__init__("tls", *kids)
        self.kids = list(kids)
        self.server = Server(self.signers["tls"], {})
        self.url = self.server.url + "/tenant"
        self.ca = str(self.signers["tls"].pem)
        self.publish()

    def publish(self, *kids, **members):
        self.kids = list(kids) or self.kids
        metadata = {"issuer": self.url, "jwks_uri": self.server.url + "/keys", **members}
        self.server.routes = {"/tenant/.well-known/openid-configuration": (200, json.dumps(metadata).encode()),
                              "/keys": (200, self.jwks(*self.kids).encode())}

    def sign(self, subject, kid=None, **claims):
        return self.token(self.url, subject, kid or self.kids[0], **claims)

    def asked(self):
        return sum(path == "/keys" for _, path, *_ in self.server.requests)

    def close(self):
        self.server.close()
        self.folder.cleanup()
