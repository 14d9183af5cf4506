# SPDX-License-Identifier: Apache-2.0
"""The receiver's HTTP answers: byte for byte those of NetAlertX's contract, and the native ones."""

import http.client
import json
import re
import socket
import unittest

import envelopes

from harness import (KEY, READY_S, TOKEN, TYPE_ENVELOPE, FakeServer, SyncHubTest, bearer, curl, device_rows,
                     device_table, netalertx_body, netalertx_encrypt, netalertx_push, queued,
                     wait_until)

STORED = '{"message":"Data received and stored successfully"}'
FORBIDDEN = '{"error":"Forbidden","message":"ERROR: Not authorized","success":false}'
FORBIDDEN_NATIVE = FORBIDDEN[:-1] + ',"code":"token"}'
NO_JSON = '{"error":"Invalid JSON","message":"Request body must be valid JSON","success":false}'
JSON = {**bearer(), "Content-Type": "application/json"}
NATIVE = {**bearer(), "Content-Type": TYPE_ENVELOPE}
TABLE = device_table(device_rows(3))


class ReceiverHttpTest(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()
        self.hub = self.receiver(self.hub_redis, SYNC_receiver_role="ingest")
        self.url = self.hub.url + "/sync"

    def assert_error(self, answer, status, *words, code=None):
        """Must be an error body with this code, whose texts contain all of `words`."""
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["content-type"].split(";")[0], "application/json")
        body = answer.json
        self.assertLessEqual(set(body), {"error", "message", "success", "code"}, answer)
        self.assertEqual(len({"error", "message", "success"} & set(body)), 3, answer)
        if code is not None:
            self.assertEqual(body.get("code"), code, answer)
        self.assertIs(body["success"], False)
        text = f"{body['error']} {body['message']}"
        for word in words:
            self.assertIn(word, text)
        for secret in (TOKEN, KEY):
            self.assertNotIn(secret, text)

    def envelope(self, table=TABLE, node="Node_A", **settings):
        """A native push of a real pusher: the captured request."""
        trap = self.server(FakeServer(queued))
        self.run_program("pusher", self.pusher_settings(trap.url, table, node, **settings),
                         "--once", code=0)
        return trap.requests[-1]


class NetAlertXPush(ReceiverHttpTest):
    def test_a_good_push_gets_netalertx_s_answer(self):
        answer = netalertx_push(self.hub.url, TABLE, "Node_A")
        self.assertEqual((answer.status, answer.text), (200, STORED))
        self.assertEqual(answer.headers["content-type"].split(";")[0], "application/json")
        self.assertEqual(self.hub_redis.backlog(), 1)

    def test_file_path_may_be_null_or_absent_or_text(self):
        for change in ({"file_path": None}, {"file_path": ...}, {"file_path": "/a/b"},
                       {"some_new_field": {"of": ["a", "newer", "NetAlertX"]}}):
            body = {**json.loads(netalertx_body(TABLE, "Node_A")), **change}
            body = {key: value for key, value in body.items() if value is not ...}
            with self.subTest(change):
                answer = curl(self.url, body=json.dumps(body), headers=JSON)
                self.assertEqual((answer.status, answer.text), (200, STORED))

    def test_a_wrong_or_missing_token_is_403(self):
        body = netalertx_body(TABLE, "Node_A")
        for headers in ({}, bearer("wrong"), bearer(""), bearer(TOKEN + "x"), bearer(TOKEN[:-1]),
                        {"Authorization": f"Basic {TOKEN}"}, {"Authorization": TOKEN}):
            with self.subTest(headers):
                answer = curl(self.url, body=body,
                              headers={"Content-Type": "application/json", **headers})
                self.assertEqual((answer.status, answer.text), (403, FORBIDDEN))
        self.assertEqual(self.hub_redis.backlog(), 0)

    def test_a_body_that_is_not_a_json_object_is_400(self):
        for body in ("", "nonsense", "{", '{"data": "x"', "[1, 2]", '"text"', "\x00", "{'a': 1}",
                     '{"data": "x"} trailing', "[" * 100000):
            with self.subTest(body[:20]):
                answer = curl(self.url, body=body, headers=JSON)
                self.assertEqual((answer.status, answer.text), (400, NO_JSON))

    def test_form_and_multipart_bodies_are_415(self):
        for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                     "text/plain"):
            with self.subTest(kind):
                answer = curl(self.url, body="data=x", headers={**bearer(), "Content-Type": kind})
                self.assert_error(answer, 415, "Invalid Content-Type")
                self.assertEqual(answer.json["error"], "Invalid Content-Type")

    def test_error_holds_the_whole_sentence_since_a_netalertx_node_shows_it_alone(self):
        def push(node="Node_A", plugin="SYNC", url=self.url):
            return curl(url, body=netalertx_body(TABLE, node, plugin), headers=JSON)

        connection = http.client.HTTPConnection("127.0.0.1", self.hub.port)
        connection.putrequest("POST", "/sync")
        for name, value in {**JSON, "Content-Length": str(10 ** 10)}.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        too_large = answer.status, json.loads(answer.read())
        connection.close()
        form = {**bearer(), "Content-Type": "application/x-www-form-urlencoded"}
        cases = [(push(node=name), 422, "SYNC_node_name", why) for name, why in (
            ("a/b", "'/'"), ("n" * 51, "51 characters"), ("ü" * 101, "200 bytes"),
            (" a", "white space"), ("..", '".."'), ("a\u200bb", "invisible"))]
        cases += [(push(plugin=name), 422, "SYNC_plugins", "The plugin name")
                  for name in ("a b", "p" * 65, "../x", "Sync")]
        cases += [(push(url=self.hub.url + "/snyc"), 404, "path", "no such")]
        cases += [(push(url=self.hub.url + "/hub/sync"), 404, "URL in the settings", "host and port")]
        refusals = [(answer.status, answer.json, *rest) for answer, *rest in cases]
        refusals += [(*too_large, 413, "SYNC_plugins", "synchub-pusher")]
        for status, body, expected, *words in refusals:
            with self.subTest(body):
                self.assertEqual(status, expected)
                self.assertEqual(body["error"], body["message"])
                for word in words:
                    self.assertIn(word, body["error"])
        old = curl(self.url, body="data=x", headers=form)
        self.assertIn("v26.6.3", old.json["message"])  # NetAlertX gives the text of "error" here

    def test_a_hub_that_cannot_accept_says_so_in_error(self):
        self.hub_redis.stop()
        answer = netalertx_push(self.hub.url, TABLE, "Node_A")
        self.assert_error(answer, 503)
        self.assertIn("try again later", answer.json["error"])

    def test_the_result_of_the_sync_plugin_itself_is_accepted_and_ignored(self):
        """A NetAlertX node pushes it if its SYNC_plugins contains SYNC, and shows any refusal."""
        result = "a|b|2026-08-22 02:53:00|1|2|3|4|x|f\n"
        for text in (result, ""):
            answer = netalertx_push(self.hub.url, text, "Node_A")
            self.assertEqual((answer.status, answer.text), (200, STORED))
        self.hub.wait_for_log("ignored the result of NetAlertX's SYNC plugin.*SYNC_plugins")
        self.assertEqual(self.hub_redis.backlog(), 0)
        other = netalertx_push(self.hub.url, result, "Node_A", passphrase="another key")
        self.assertEqual(other.status, 422)

    def test_a_missing_or_wrongly_typed_field_is_422_and_named(self):
        good = json.loads(netalertx_body(TABLE, "Node_A"))
        for field in ("data", "node_name", "plugin"):
            for value in (..., None, 5, True, ["x"], {"x": 1}):
                body = {**good, field: value}
                body = {key: value for key, value in body.items() if value is not ...}
                with self.subTest(field=field, value=value):
                    answer = curl(self.url, body=json.dumps(body), headers=JSON)
                    self.assert_error(answer, 422)
                    self.assertEqual(answer.json["error"], f"Missing required '{field}'")

    def test_a_payload_with_another_key_is_422_and_names_the_setting(self):
        answer = netalertx_push(self.hub.url, TABLE, "Node_A", passphrase="another key")
        self.assert_error(answer, 422, "SYNC_encryption_key")
        self.assertNotIn("code", answer.json)

    def test_a_payload_that_is_not_a_ciphertext_is_422(self):
        good = json.loads(netalertx_body(TABLE, "Node_A"))
        for data in ("", "AAAA", "not base64 at all!", "A" * 24, good["data"][:-4],
                     good["data"][:24]):
            with self.subTest(data[:30]):
                answer = curl(self.url, body=json.dumps({**good, "data": data}), headers=JSON)
                self.assert_error(answer, 422)
        self.assertEqual(self.hub_redis.backlog(), 0)

    def test_a_payload_that_is_not_a_device_table_is_422(self):
        for text in ("no JSON", '{"data": {}}', '{"rows": []}', "[]", '{"data": [{}',
                     TABLE[:-1], TABLE[:len(TABLE) // 2], '{"data": [{"devMac": "a"}]} more',
                     b"\xff\xfe"):
            with self.subTest(repr(text[:30])):
                self.assert_error(netalertx_push(self.hub.url, text, "Node_A"), 422)
        self.assertEqual(self.hub_redis.backlog(), 0)

    def test_an_empty_table_is_accepted(self):
        self.assertEqual(netalertx_push(self.hub.url, '{"data": []}', "Node_A").status, 200)

    def test_a_node_name_that_breaks_the_rules_is_422(self):
        for name in ("", ".", "..", "a/b", "a\\b", "a\nb", "a\x7fb", "n" * 65, "\x85"):
            with self.subTest(name):
                self.assert_error(netalertx_push(self.hub.url, TABLE, name), 422)
        for name in ("n" * 50, "Büro 1. OG", "a.b-c_d", "..."):
            with self.subTest(name):
                self.assertEqual(netalertx_push(self.hub.url, TABLE, name).status, 200)

    def test_a_plugin_name_that_breaks_the_rules_is_422(self):
        line = "a|b|2026-08-22 02:53:00|1|2|3|4|x|y\n"
        for name in ("", "A/B", "A B", "../X", "P" * 65, "Ä"):
            with self.subTest(name):
                self.assert_error(netalertx_push(self.hub.url, line, "Node_A", name), 422)
        for name in ("P" * 64, "ARPSCAN", "my_plugin_2"):
            with self.subTest(name):
                self.assertEqual(netalertx_push(self.hub.url, line, "Node_A", name).status, 200)

    def test_a_table_with_too_many_rows_is_refused(self):
        rows = ",".join('{"devMac":"%d"}' % i for i in range(200001))
        answer = netalertx_push(self.hub.url, '{"data":[%s]}' % rows, "Node_A")
        self.assertIn(answer.status, (413, 422))
        self.assertIn("200000", answer.json["message"])


class NativePush(ReceiverHttpTest):
    def post(self, body, **headers):
        return curl(self.url, body=body, headers={**NATIVE, **headers})

    def test_an_envelope_is_queued_once(self):
        sent = self.envelope()
        self.assertEqual(sent.headers["content-type"], TYPE_ENVELOPE)
        answer = self.post(sent.body)
        self.assertEqual(answer.status, 202, answer)
        item = sent.body[8:24].hex()
        self.assertEqual(answer.json, {"status": "queued", "id": item})
        again = self.post(sent.body)
        self.assertEqual((again.status, again.json), (200, {"status": "duplicate", "id": item}))
        self.assertEqual(self.hub_redis.backlog(), 1)

    def test_the_queue_contains_nothing_readable(self):
        self.envelope()
        netalertx_push(self.hub.url, TABLE, "Node_B")
        entry = self.hub_redis.cli("XRANGE", "synchub:ingest", "-", "+")
        self.assertIn("SHUB", entry)
        self.assertNotIn("devMac", entry)
        self.assertNotIn(KEY, entry)

    def test_a_wrong_token_is_403(self):
        body = self.envelope().body
        answer = curl(self.url, body=body, headers={**NATIVE, **bearer("wrong")})
        self.assertEqual((answer.status, answer.text), (403, FORBIDDEN_NATIVE))

    def test_an_invalid_envelope_is_400(self):
        body = self.envelope().body
        cut = (b"", b"SHUB", body[:111], body[:112], body[:-1], body + b"x")
        headers = (b"XHUB" + body[4:],              # magic
                   body[:4] + b"\x07" + body[5:],   # version
                   body[:5] + b"\x09" + body[6:],   # kind
                   body[:6] + b"\x00" + body[7:],   # no node
                   body[:6] + b"\x41" + body[7:],   # a name of 65 bytes
                   body[:72] + b"\0\0\0\1\0\0\0\1" + body[80:],  # part 1 of 1
                   body[:80] + b"\xff\xff\xff\xff" + body[84:],  # 4 GiB of text
                   body[:84] + b"\xff\xff\xff\xff" + body[88:])  # 4 GiB packed
        for broken in cut + headers:
            with self.subTest(broken[:8], length=len(broken)):
                answer = self.post(broken)
                self.assertIn(answer.status, (400, 413))
                self.assert_error(answer, answer.status)
        self.assertEqual(self.hub_redis.backlog(), 0)

    def test_an_altered_envelope_is_refused(self):
        body = bytearray(self.envelope().body)
        for place in (5, 8, 39, 41, 90, 112, 125, len(body) - 1):
            broken = bytes(body[:place]) + bytes([body[place] ^ 1]) + bytes(body[place + 1:])
            with self.subTest(place):
                self.assertIn(self.post(broken).status, (400, 422))
        self.assertEqual(self.hub_redis.backlog(), 0)

    def test_another_key_is_422_and_names_the_setting(self):
        body = self.envelope(SYNC_encryption_key="not the hub's").body
        self.assert_error(self.post(body), 422, "SYNC_encryption_key", code="key")

    def test_an_envelope_with_a_wrong_time_is_refused(self):
        body = self.envelope().body
        sealed = int.from_bytes(body[24:32], "big")
        for moved in (sealed - 700 * 1000, sealed + 700 * 1000):
            answer = self.post(body[:24] + moved.to_bytes(8, "big") + body[32:])
            self.assert_error(answer, 422, "clock", code="clock")

    def test_a_body_over_the_limit_is_413(self):
        large = b"SHUB" + bytes(17 * 1024 * 1024)
        self.assert_error(self.post(large), 413, code="size")
        self.assert_error(curl(self.url, "-H", "Transfer-Encoding: chunked", body=large,
                               headers=NATIVE), 413, code="size")
        self.assertEqual(curl(self.hub.url + "/livez").status, 200)

    def test_another_type_is_415(self):
        body = self.envelope().body
        for kind in ("application/octet-stream", "application/vnd.synchub.envelope2"):
            self.assert_error(self.post(body, **{"Content-Type": kind}), 415,
                              code="content_type")

    def exchange(self, headers):
        """Sends headers with Expect and returns the first line of the answer before any body: with a plain socket, to
        be independent of a client's behaviour."""
        lines = [f"POST /sync HTTP/1.1", f"Host: 127.0.0.1:{self.hub.port}",
                 "Content-Length: 100000", "Expect: 100-continue"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        with socket.create_connection(("127.0.0.1", self.hub.port), timeout=READY_S) as connection:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            received = b""
            while b"\r\n\r\n" not in received:
                more = connection.recv(4096)
                if not more:
                    break
                received += more
            return received.decode("latin-1")

    def test_the_body_is_refused_before_it_is_sent(self):
        self.assertIn(" 403 ", self.exchange({**NATIVE, **bearer("wrong")}).splitlines()[0])
        self.assertIn(" 415 ", self.exchange(
            {**NATIVE, "Content-Type": "text/plain"}).splitlines()[0])
        self.assertIn(" 100 ", self.exchange(NATIVE).splitlines()[0])

    def test_an_unchanged_table_is_never_sent(self):
        merge = self.program("receiver", self.receiver_settings(
            self.hub_redis, SYNC_receiver_role="merge"))
        sent = self.envelope()
        self.assertEqual(self.post(sent.body).status, 202)
        digest = sent.body[40:72].hex()
        wait_until(lambda: self.digest("Node_A").startswith(digest), "the digest", details=merge.log)
        merge.stop()
        asked = {**NATIVE, "Sync-Hub-Node": "Node_A", "Sync-Hub-Digest": digest}
        self.assertEqual(sent.headers["sync-hub-digest"], digest)
        answer = self.exchange(asked)
        self.assertIn(" 200 ", answer.splitlines()[0])
        for other in ({"Sync-Hub-Digest": "0" * 64}, {"Sync-Hub-Node": "Node_B"}):
            self.assertIn(" 100 ", self.exchange({**asked, **other}).splitlines()[0])
        self.assertIn(" 403 ", self.exchange({**asked, **bearer("wrong")}).splitlines()[0])
        self.assert_asking_keeps_the_connection(asked)
        wait_until(lambda: "push" in self.hub_redis.cli("HGET", "synchub:contacts", "Node_A"),
                   "the contact to be recorded")

    def digest(self, node):
        """Begins with "queued" until its table is merged."""
        return self.hub_redis.cli("HGET", "synchub:digests", node)

    def assert_asking_keeps_the_connection(self, asked):
        """A push without a body is only a question; the connection stays usable."""
        other = {**asked, "Sync-Hub-Digest": "0" * 64}
        connection = http.client.HTTPConnection("127.0.0.1", self.hub.port)
        first_socket = None
        for headers, status in ((asked, "unchanged"), (other, "changed"), (asked, "unchanged")):
            connection.request("POST", "/sync", headers={**headers, "Content-Length": "0"})
            first_socket = first_socket or connection.sock
            answer = connection.getresponse()
            self.assertEqual((answer.status, json.loads(answer.read())), (200, {"status": status}))
            self.assertIs(connection.sock, first_socket)
        connection.close()


class NativeAlone(ReceiverHttpTest):
    def test_a_hub_may_refuse_netalertx_s_format(self):
        hub = self.receiver(self.hub_redis, SYNC_receiver_role="ingest", SYNC_protocol="native")
        answer = netalertx_push(hub.url, TABLE, "Node_A")
        self.assertEqual(answer.status, 415, answer)
        self.assertIn("SYNC_protocol=native", answer.json["error"])
        self.assertEqual(netalertx_push(hub.url, TABLE, "Node_A", token="wrong").status, 403)
        body = envelopes.envelope(envelopes.NodeKey("Node_A"), TABLE)
        answer = curl(hub.url + "/sync", body=body,
                      headers={**bearer(), "Content-Type": TYPE_ENVELOPE})
        self.assertEqual(answer.status, 202, answer)


class WhenRedisDoesNotTakeIt(ReceiverHttpTest):
    def assert_later(self, answer):
        """Must be answered 503 with a general message; the reason is only in the hub's log."""
        self.assert_error(answer, 503, "queue")
        self.assertGreater(int(answer.headers["retry-after"]), 0)

    def test_an_unreachable_redis_is_503_and_then_200(self):
        body = netalertx_body(TABLE, "Node_A")
        self.hub_redis.kill()
        self.assert_later(curl(self.url, body=body, headers=JSON))
        self.hub.wait_for_log(r"Redis.*127\.0\.0\.1")
        self.hub.wait_unready("Redis")
        self.assertEqual(curl(self.hub.url + "/livez").status, 200)
        self.hub_redis.start()
        self.hub.wait_ready()
        self.assertEqual(curl(self.url, body=body, headers=JSON).status, 200)
        self.assertEqual(self.hub_redis.backlog(), 1)

    def test_a_hanging_redis_is_503(self):
        self.hub_redis.pause()
        self.addCleanup(self.hub_redis.resume)
        answer = netalertx_push(self.hub.url, TABLE, "Node_A")
        self.hub_redis.resume()
        self.assert_later(answer)
        self.hub.wait_for_log("Redis at .* it hangs")

    def test_redis_out_of_memory_is_503(self):
        self.hub_redis.cli("CONFIG", "SET", "maxmemory", "1")
        self.assert_later(netalertx_push(self.hub.url, TABLE, "Node_A"))
        self.hub.wait_for_log("maxmemory")
        self.assertEqual(self.hub_redis.backlog(), 0)
        self.hub_redis.cli("CONFIG", "SET", "maxmemory", "0")
        self.assertEqual(netalertx_push(self.hub.url, TABLE, "Node_A").status, 200)

    def test_a_full_queue_is_503(self):
        self.assertEqual(netalertx_push(self.hub.url, TABLE, "Node_A").status, 200)
        self.hub_redis.cli("SET", "synchub:bytes", 256 * 1024 * 1024)
        self.assert_later(netalertx_push(self.hub.url, TABLE, "Node_A"))
        self.assertEqual(self.hub_redis.backlog(), 1)
        self.hub.wait_for_log("full")

    def test_a_read_only_redis_is_503(self):
        self.hub_redis.cli("REPLICAOF", "127.0.0.1", "1")
        self.assert_later(netalertx_push(self.hub.url, TABLE, "Node_A"))
        self.hub.wait_for_log("(?i)read.only")


class Everyone(ReceiverHttpTest):
    def test_livez_readyz_and_metrics_need_no_token(self):
        for path in ("/livez", "/readyz", "/metrics"):
            self.assertEqual(curl(self.hub.url + path).status, 200, path)

    def test_metrics_are_prometheus_text(self):
        before = self.metrics()
        netalertx_push(self.hub.url, TABLE, "Node_A")
        netalertx_push(self.hub.url, TABLE, "Node_A", token="wrong")
        after = self.metrics()
        grown = [name for name in after if after[name] > before.get(name, 0)]
        self.assertGreaterEqual(len(grown), 2, after)

    def metrics(self):
        answer = curl(self.hub.url + "/metrics")
        self.assertTrue(answer.headers["content-type"].startswith("text/plain; version=0.0.4"))
        values = {}
        for line in answer.text.splitlines():
            if re.match(r"# (HELP|TYPE) synchub_[a-z_]+ .", line):
                continue
            match = re.fullmatch(
                r'(synchub_[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})?) (-?[0-9.e+]+)', line)
            self.assertIsNotNone(match, line)
            values[match.group(1)] = float(match.group(4))
        self.assertNotIn(TOKEN, answer.text)
        self.assertNotIn("Node_A", answer.text)
        return values

    def test_other_paths_and_methods_are_refused(self):
        for path in ("/", "/sync/", "/Sync", "/sync2"):
            self.assert_error(curl(self.hub.url + path, headers=bearer()), 404, code="path")
        for method in ("GET", "PUT", "DELETE"):
            self.assert_error(curl(self.url, "-X", method, headers=bearer()), 405,
                              code="method")

    def test_the_log_contains_no_secret_or_payload(self):
        netalertx_push(self.hub.url, TABLE, "Node_A")
        netalertx_push(self.hub.url, TABLE, "Node_A", token="wrong-token-of-a-node")
        netalertx_push(self.hub.url, TABLE, "Node_A", passphrase="another key")
        self.hub.wait_for_log("Node_A")
        log = self.hub.log()
        for secret in (TOKEN, KEY, "wrong-token-of-a-node", "another key", "devMac",
                       netalertx_encrypt(TABLE, KEY, bytes(16))[24:60]):
            self.assertNotIn(secret, log)

    def test_a_port_in_use_is_reported(self):
        done = self.run_program("receiver", self.receiver_settings(
            self.hub_redis, SYNC_listen=f"127.0.0.1:{self.hub.port}"), code=1)
        self.assertIn("SYNC_listen", done.stderr)
        self.assertIn(str(self.hub.port), done.stderr)


if __name__ == "__main__":
    unittest.main()
