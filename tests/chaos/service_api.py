"""The hub's service API: what a back end does. One connection, made again when it breaks."""
import base64
import hashlib
import hmac
import http.client
import json
import ssl
import time
import urllib.parse

VERSION = "api-version=2021-04-12"
ANSWER_SECONDS = 5


class Unavailable(Exception):
    """The hub did not answer, or refused: then nothing came of the call."""

    def __init__(self, text, refused=False):
        super().__init__(text)
        self.refused = refused


class ServiceApi:
    def __init__(self, host, ca_file, connection_string):
        parts = dict(part.split("=", 1) for part in connection_string.strip().split(";"))
        self.host = host
        self.policy, self.key = parts["SharedAccessKeyName"], parts["SharedAccessKey"]
        self.resource = parts["HostName"]
        self.tls = ssl.create_default_context(cafile=ca_file)
        self.connection = None

    def token(self):
        resource = urllib.parse.quote(self.resource, safe="")
        expiry = int(time.time()) + 3600
        digest = hmac.new(base64.b64decode(self.key), f"{resource}\n{expiry}".encode(), hashlib.sha256).digest()
        signature = urllib.parse.quote(base64.b64encode(digest), safe="")
        return f"SharedAccessSignature sr={resource}&sig={signature}&se={expiry}&skn={self.policy}"

    def call(self, method, path, body=None, headers=None, raw=False):
        """Status, headers and the JSON of the answer."""
        all_headers = {"Authorization": self.token(), "Content-Type": "application/json; charset=utf-8", **(headers or {})}
        data = body if raw or body is None else json.dumps(body)
        joint = "&" if "?" in path else "?"
        try:
            if self.connection is None:
                self.connection = http.client.HTTPSConnection(self.host, 443, timeout=ANSWER_SECONDS, context=self.tls)
            self.connection.request(method, path + joint + VERSION, data, all_headers)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unavailable(f"{method} {path}: {error}") from None
        if answer.status >= 300:
            raise Unavailable(f"{method} {path}: {answer.status} {text[:200]!r}", answer.status < 500)
        return answer.headers, json.loads(text) if text else None

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    @staticmethod
    def twin_path(identity):
        device, _, module = identity.partition("/")
        return f"/twins/{device}" + (f"/modules/{urllib.parse.quote(module)}" if module else "")

    def desire(self, identity, number):
        self.call("PATCH", self.twin_path(identity), {"properties": {"desired": {"n": number}}})

    def twin(self, identity):
        return self.call("GET", self.twin_path(identity))[1]

    def send_c2d(self, device, text):
        self.call("POST", f"/selvage/devices/{device}/messages/devicebound", text, raw=True)

    def partitions(self):
        return self.call("GET", "/selvage/events/partitions")[1]

    def events(self, partition, offset, most=1000):
        headers, events = self.call("GET", f"/selvage/events?partition={partition}&offset={offset}&max={most}")
        return events, int(headers["x-selvage-next-offset"])
