# SPDX-License-Identifier: Apache-2.0
"""A hub with its console, and requests whose answers are held against receiver/console/openapi.json."""

import json
import os
import re

import jsonschema

from harness import REPO, SyncHubTest, curl

DOCUMENT = json.loads((REPO / "receiver" / "console" / "openapi.json").read_text())
CONSOLE = re.compile(r"the console is at ([0-9.]+):([0-9]+)")
LINK = re.compile(r"open (\S+)/#/password\?code=(\S+)")
PASSWORD = "a password for the tests"


def operation(method, path):
    """The operation of the document that a path belongs to; literal paths come first."""
    found = []
    for template, item in DOCUMENT["paths"].items():
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", re.sub(r"\.(?![^{]*\})", r"\\.", template))
        if re.fullmatch(pattern, path) and method.lower() in item:
            found.append((template.count("{"), item[method.lower()]))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def resolved(value):
    return resolved(DOCUMENT["components"]["responses"][value["$ref"].rsplit("/", 1)[1]]) if "$ref" in value else value


def record_answer(method, path, answer):
    """Adds a line to the file SYNCHUB_ANSWERS, if there is one: tests/console/openapi.mjs checks them, too."""
    if "SYNCHUB_ANSWERS" in os.environ:
        with open(os.environ["SYNCHUB_ANSWERS"], "a", encoding="utf-8") as file:
            file.write(json.dumps({"method": method.lower(), "path": path, "status": answer.status, "body": answer.text,
                                   "type": answer.headers.get("content-type", "").split(";")[0]}) + "\n")


def check_answer(method, path, answer):
    """Raises AssertionError if the answer is not one that the document describes."""
    record_answer(method, path, answer)
    described = operation(method, path)
    if described is None:
        raise AssertionError(f"{method} {path} is not in the document")
    responses = described["responses"]
    response = resolved(responses.get(str(answer.status), responses["default"]))
    content = response.get("content", {})
    if not content:
        if answer.body:
            raise AssertionError(f"{method} {path}: {answer.status} has a body: {answer!r}")
        return
    kind = answer.headers.get("content-type", "").split(";")[0]
    if kind not in content:
        raise AssertionError(f"{method} {path}: {answer.status} is {kind}, not {list(content)}: {answer!r}")
    if "json" in kind:
        schema = {**content[kind]["schema"], "components": DOCUMENT["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer.json)


def check_schema(name, value):
    """Raises jsonschema.ValidationError if the value is not what the document describes under this name."""
    jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}",
                                     "components": DOCUMENT["components"]}).validate(value)


class ConsoleTest(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()
        self.db = self.new_database()
        self.cookie = None
        self.curl_arguments = ()

    def new_database(self):
        return self.folder / "hub.db"

    def start(self, **settings):
        self.hub = self.receiver(self.hub_redis, self.db, **{"SYNC_console_listen": "127.0.0.1:0", **settings})
        self.url = f"http://127.0.0.1:{int(self.hub.wait_for_log(CONSOLE).group(2))}"
        return self.hub

    def command(self, *arguments, code=0, **settings):
        return self.run_program("receiver", self.receiver_settings(self.hub_redis, self.db, **settings), *arguments,
                                code=code)

    def call(self, method, path, value=None, token=None, headers=None, check=True):
        """A request of a browser with this test's cookie, or of a program with a token."""
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = f"Bearer {token}"
        elif self.cookie:
            sent.setdefault("Cookie", f"synchub_session={self.cookie}")
            sent.setdefault("Origin", self.url)
        body = None
        if value is not None:
            body = json.dumps(value)
            sent["Content-Type"] = "application/json"
        answer = curl(f"{self.url}/api/v1{path}", "-X", method, *self.curl_arguments, body=body,
                      headers={name: text for name, text in sent.items() if text is not None})
        if check:
            check_answer(method, path.split("?")[0], answer)
        return answer

    def session_of(self, answer):
        return re.match(r"synchub_session=([^;]*)", answer.headers["set-cookie"]).group(1)

    def first_visit(self):
        """Sets the password by the link in the log, and logs in."""
        code = self.hub.wait_for_log(LINK).group(2)
        answer = self.call("POST", "/session", {"code": code, "password": PASSWORD})
        self.assertEqual(answer.status, 204, answer)
        self.cookie = self.session_of(answer)
        return code

    def log_in(self, password=PASSWORD, **more):
        return self.call("POST", "/session", {"password": password}, **more)
