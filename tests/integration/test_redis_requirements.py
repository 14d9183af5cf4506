# SPDX-License-Identifier: Apache-2.0
"""Whether Redis is fit for the hub: answers, log lines and metrics if it is not."""

import json
import re
import socket
import threading
import time
import unittest

import envelopes
from documented import documented
from harness import (TYPE_ENVELOPE, SyncHubTest, bearer, count, curl, device_rows,
                     device_table, netalertx_push, wait_until)
from metrics_base import metric

# The rights that docs/settings.md lists, except optional ones.
LISTED = documented("docs/settings.md", "user synchub on").text.partition("-@all")[2].split()
MINIMAL = [right for right in LISTED if right not in ("+config|get", "+info", "+role")]


class Switch:
    """A TCP proxy whose target can change, as a name does after a failover. New connections go to the
    new target; old ones stay where they are."""

    def __init__(self, port):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            for a, b in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=(a, b), daemon=True).start()

    @staticmethod
    def _pass_on(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class RedisFitTest(SyncHubTest):
    def table(self, node, rows=2):
        return device_table(device_rows(rows, node))

    def push(self, hub, node="n", rows=2):
        return netalertx_push(hub.url, self.table(node, rows), node)

    def wait_metric(self, program, name, value):
        wait_until(lambda: metric(program, name) == value, f"{name} {value}", details=program.log)

    def taken(self, hub, node):
        return wait_until(lambda: self.push(hub, node).status == 200, f"a push of {node} to be accepted",
                          details=hub.log)


class Durability(RedisFitTest):
    def test_an_unsafe_redis_gets_no_data_and_is_reported(self):
        redis = self.redis("--appendonly", "no", "--appendfsync", "everysec",
                           "--maxmemory-policy", "allkeys-lru")
        hub = self.program("receiver", self.receiver_settings(redis))
        hub.wait_for_log("error.*appendonly yes.*appendfsync always.*maxmemory-policy noeviction")
        answer = self.push(hub)
        self.assertEqual(answer.status, 503)
        self.assertIn("retry-after", answer.headers)
        hub.wait_unready("appendonly yes")
        self.wait_metric(hub, "synchub_redis_up", "1")
        self.wait_metric(hub, "synchub_redis_durable", "0")
        self.assertEqual(redis.backlog(), 0)

    def test_changes_of_redis_at_run_time_are_noticed(self):
        redis = self.redis()
        hub = self.receiver(redis)
        self.taken(hub, "before")
        redis.cli("CONFIG", "SET", "appendfsync", "everysec")
        wait_until(lambda: self.push(hub, "during", 3).status == 503, "a push to be refused")
        hub.wait_unready()
        redis.cli("CONFIG", "SET", "appendfsync", "always")
        hub.wait_ready()
        self.taken(hub, "after")
        self.wait_metric(hub, "synchub_redis_durable", "1")

    def test_with_durable_false_there_is_a_warning_and_service(self):
        redis = self.redis("--appendonly", "no")
        hub = self.receiver(redis, SYNC_redis_durable="False")
        hub.wait_for_log("warning.*appendonly yes")
        self.assertEqual(self.push(hub).status, 200)
        self.wait_metric(hub, "synchub_redis_durable", "0")

    def test_the_puller_also_queues_nothing(self):
        redis = self.redis("--maxmemory-policy", "volatile-lru")
        node = self.program("pusher", self.pusher_settings(
            "", self.table("p"), "p", SYNC_hub_url="", SYNC_listen="127.0.0.1:0"))
        settings = self.puller_settings(redis, [node.url], SYNC_listen="127.0.0.1:0")
        done = self.run_program("puller", settings, "--once", code=1)
        self.assertIn("maxmemory-policy noeviction", done.stderr)
        self.assertEqual(redis.cli("EXISTS", "synchub:ingest"), "0")
        puller = self.program("puller", settings)
        puller.wait_unready("noeviction")
        done = self.run_program("puller", {**settings, "SYNC_redis_durable": "no"}, "--once", code=0)
        self.assertIn("maxmemory-policy noeviction", done.stderr)
        self.assertEqual(redis.backlog(), 1)
        wait_until(lambda: metric(puller, "synchub_pull_duration_seconds"), "the end of a run", details=puller.log)


class Rights(RedisFitTest):
    def settings_of_user(self, redis, *more):
        redis.cli("ACL", "SETUSER", "hub", "reset", "on", ">pw", "resetchannels", "~synchub:*",
                  "-@all", *MINIMAL, *more)
        return {"SYNC_redis_url": f"redis://hub:pw@127.0.0.1:{redis.port}/0"}

    def work(self, redis, url):
        """Push, pull, merge, nodes, dead letters and credentials, with only that user."""
        hub = self.receiver(redis, **url)
        self.assertEqual(self.push(hub, "pushed").status, 200)
        node = self.program("pusher", self.pusher_settings(
            "", self.table("pulled"), "pulled", SYNC_hub_url="", SYNC_listen="127.0.0.1:0"))
        self.run_program("puller", {**self.puller_settings(redis, [node.url]), **url}, "--once",
                         code=0)
        db = self.folder / "hub.db"
        wait_until(lambda: db.exists() and count(db) == 4, "the tables to be merged", details=hub.log)
        settings = self.receiver_settings(redis, **url)
        redis.cli("XADD", "synchub:ingest", "*", "e", "no envelope", "m", "push")
        wait_until(lambda: redis.dead() == 1, "the dead letter")
        shown = json.loads(self.run_program("receiver", settings, "dead", "list", "--json",
                                            code=0).stdout)
        letter = (shown["dead"] if isinstance(shown, dict) else shown)[0]["id"]
        self.run_program("receiver", settings, "dead", "show", letter, code=0)
        self.run_program("receiver", settings, "dead", "retry", letter, code=0)
        wait_until(lambda: redis.dead() == 1 and redis.backlog() == 0, "the dead letter, again")
        self.run_program("receiver", settings, "dead", "drop", "--all", code=0)
        self.assertIn("pushed", self.run_program("receiver", settings, "nodes", code=0).stdout)
        added = self.run_program("receiver", settings, "node", "add", "own", code=0).stdout
        token = re.search(r"SYNC_api_token='?([^'\s]+)", added).group(1)
        self.run_program("receiver", settings, "node", "rotate", "own", code=0)
        answer = curl(hub.url + "/sync", "-H", "Content-Length: 0", body=b"", headers={
            **bearer(token), "Content-Type": "application/vnd.synchub.envelope",
            "Sync-Hub-Node": "own", "Sync-Hub-Digest": "0" * 64})
        self.assertEqual(answer.status, 200, answer)
        self.assertIn("own", self.run_program("receiver", settings, "node", "list", code=0).stdout)
        self.run_program("receiver", settings, "node", "revoke", "own", code=0)
        self.run_program("receiver", {**settings, "SYNC_listen": "127.0.0.1:0"}, "--once", code=0)
        hub.stop()
        self.assertNotIn("NOPERM", hub.log())
        return hub

    def test_the_documented_rights_suffice(self):
        redis = self.redis()
        self.work(redis, self.settings_of_user(redis, "+config|get", "+info", "+role"))

    def test_unknown_durability_causes_a_warning_only(self):
        redis = self.redis()
        hub = self.work(redis, self.settings_of_user(redis))
        self.assertRegex(hub.log(), "warning.*cannot check whether Redis keeps.*CONFIG GET or INFO")

    def test_a_missing_right_is_reported(self):
        redis = self.redis()
        url = self.settings_of_user(redis, "-xadd")
        hub = self.program("receiver", self.receiver_settings(redis, **url))
        hub.wait_for_log("may not run XADD")
        hub.wait_unready()


class Failover(RedisFitTest):
    def test_receiver_and_puller_leave_a_demoted_redis(self):
        old, new = self.redis(), self.redis()
        switch = Switch(old.port)
        self.addCleanup(switch.stop)
        hub = self.receiver(old, SYNC_redis_url=switch.url)
        node = self.program("pusher", self.pusher_settings(
            "", self.table("pulled"), "pulled", SYNC_hub_url="", SYNC_listen="127.0.0.1:0"))
        puller = self.program("puller", {**self.puller_settings(old, [node.url]),
                                         "SYNC_redis_url": switch.url,
                                         "SYNC_listen": "127.0.0.1:0",
                                         "SYNC_RUN_SCHD": "* * * * *"}).wait_ready()
        self.taken(hub, "first")
        db = self.folder / "hub.db"
        wait_until(lambda: db.exists() and count(db) == 4, "both tables to be merged")
        old.cli("REPLICAOF", "127.0.0.1", "1")  # connections stay open, as in a failover
        switch.target = new.port
        self.taken(hub, "second")
        wait_until(lambda: count(db) == 6, "the second table to be merged", details=hub.log)
        hub.wait_ready()
        puller.wait_ready()
        self.assertEqual(self.push(hub, "third", 3).status, 200)
        wait_until(lambda: count(db) == 9, "the third table to be merged", details=hub.log)

    def test_no_push_succeeds_while_redis_is_a_replica(self):
        redis = self.redis()
        hub = self.receiver(redis)
        self.taken(hub, "n")
        redis.cli("REPLICAOF", "127.0.0.1", "1")
        answer = self.push(hub, "m")
        self.assertEqual(answer.status, 503)
        hub.wait_unready("replica")
        redis.cli("REPLICAOF", "NO", "ONE")
        hub.wait_ready()
        self.taken(hub, "m")


class Cluster(RedisFitTest):
    def cluster(self):
        redis = self.redis("--cluster-enabled", "yes")
        redis.cli("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        wait_until(lambda: "cluster_state:ok" in redis.cli("CLUSTER", "INFO"), "the cluster")
        return redis

    def test_a_prefix_in_braces_works_on_a_cluster_of_one_slot_owner(self):
        redis = self.cluster()
        hub = self.receiver(redis, SYNC_redis_prefix="{synchub}")
        self.assertEqual(self.push(hub).status, 200)
        node = self.program("pusher", self.pusher_settings(
            "", self.table("pulled"), "pulled", SYNC_hub_url="", SYNC_listen="127.0.0.1:0"))
        self.run_program("puller", {**self.puller_settings(redis, [node.url]),
                                    "SYNC_redis_prefix": "{synchub}"}, "--once", code=0)
        self.wait_merged_in(redis, 4)
        settings = self.receiver_settings(redis, SYNC_redis_prefix="{synchub}")
        redis.cli("XADD", "{synchub}:ingest", "*", "e", "no envelope", "m", "push")
        wait_until(lambda: redis.dead("{synchub}") == 1, "the dead letter")
        self.run_program("receiver", settings, "dead", "drop", "--all", code=0)
        self.run_program("receiver", settings, "node", "add", "own", code=0)
        self.assertIn("pulled", self.run_program("receiver", settings, "nodes", code=0).stdout)

    def wait_merged_in(self, redis, rows):
        db = self.folder / "hub.db"
        wait_until(lambda: db.exists() and count(db) == rows and redis.backlog("{synchub}") == 0,
                   "the tables to be merged")

    def test_keys_in_several_slots_are_not_ready_and_the_message_names_the_prefix(self):
        redis = self.cluster()
        hub = self.program("receiver", self.receiver_settings(redis))
        hub.wait_unready("{synchub}")
        self.assertEqual(self.push(hub).status, 503)

    def test_a_server_that_owns_no_slots_is_not_ready(self):
        redis = self.redis("--cluster-enabled", "yes")
        hub = self.program("receiver",
                           self.receiver_settings(redis, SYNC_redis_prefix="{synchub}"))
        hub.wait_unready("CLUSTERDOWN")


class Probes(RedisFitTest):
    def test_a_key_of_another_program_is_reported(self):
        redis = self.redis()
        redis.cli("RPUSH", "synchub:contacts", "mine")
        hub = self.program("receiver", self.receiver_settings(redis))
        hub.wait_unready("synchub:contacts")
        self.assertEqual(self.push(hub).status, 503)
        self.assertEqual(redis.backlog(), 0)

    def test_floods_of_probes_cost_redis_nothing_and_write_nothing(self):
        redis = self.redis()
        hub = self.receiver(redis, SYNC_receiver_role="ingest")
        redis.cli("CONFIG", "RESETSTAT")

        def changes():
            """All changes, those by HSET, and the statistics."""
            stats = redis.cli("INFO", "everything")
            by_hset = re.search(r"cmdstat_hset:calls=(\d+)", stats)
            return (int(re.search(r"rdb_changes_since_last_save:(\d+)", stats).group(1)),
                    int(by_hset.group(1)) if by_hset else 0, stats)
        changes_before, by_hset_before, _ = changes()
        url = hub.url
        begin = time.monotonic()
        curl(url + "/readyz?[1-400]")
        curl(url + "/metrics?[1-400]")
        changes_after, by_hset, stats = changes()
        for word in ("set", "xadd", "sadd", "del", "incrby"):
            self.assertNotIn(f"cmdstat_{word}:", stats)
        # Each program reports its settings now and then, by HSET.
        self.assertEqual(changes_after - changes_before, by_hset - by_hset_before)
        self.assertLess(by_hset, 20 + time.monotonic() - begin)
        calls = sum(int(n) for n in re.findall(r"cmdstat_(?:evalsha|info|config\|get):calls=(\d+)",
                                               stats))
        # What the receiver asks for anyway grows with time; two questions for each probe would be 1600.
        self.assertLess(calls, 400 + 10 * (time.monotonic() - begin))

    def test_gauges_have_no_value_while_redis_is_away(self):
        redis = self.redis()
        hub = self.receiver(redis, SYNC_receiver_role="ingest")
        self.taken(hub, "n")
        self.wait_metric(hub, "synchub_queue_entries", "1")
        redis.stop()
        self.wait_metric(hub, "synchub_redis_up", "0")
        self.assertIsNone(metric(hub, "synchub_queue_entries"))
        self.assertIsNone(metric(hub, "synchub_redis_durable"))
        redis.start()
        self.wait_metric(hub, "synchub_queue_entries", "1")

    def test_a_flood_of_wrong_tokens_costs_redis_little(self):
        redis = self.redis()
        self.adopt(redis)
        hub = self.receiver(redis, SYNC_receiver_role="ingest")
        redis.cli("CONFIG", "RESETSTAT")
        begin = time.monotonic()
        answer = curl(hub.url + "/sync?[1-500]", body=b"{}", headers={
            **bearer("wrong"), "Content-Type": "application/json"}, timeout=120)
        self.assertEqual(str(answer.status), "403" * 500)
        calls = re.search(r"cmdstat_get:calls=(\d+)", redis.cli("INFO", "commandstats"))
        self.assertLess(int(calls.group(1)), 250 + 5 * (time.monotonic() - begin))
        # A node that was just added is still accepted at once.
        added = self.run_program("receiver", self.receiver_settings(redis), "node", "add", "own",
                                 code=0).stdout
        token = re.search(r"SYNC_api_token='?([^'\s]+)", added).group(1)
        def known():
            return curl(hub.url + "/sync", body=b"", headers={
                **bearer(token), "Content-Type": "application/vnd.synchub.envelope",
                "Sync-Hub-Node": "own", "Sync-Hub-Digest": "0" * 64}).status == 200
        wait_until(known, "the new token to be known")


class Limits(RedisFitTest):
    def test_names_over_the_limit_get_503_and_known_ones_are_accepted(self):
        redis = self.redis()
        hub = self.receiver(redis, SYNC_receiver_role="ingest", SYNC_max_nodes="20")
        taken = [n for n in range(40) if self.push(hub, f"invented {n}").status == 200]
        self.assertLess(len(taken), 20)  # only some of them at once, and never all
        self.assertGreater(len(taken), 0)
        answer = self.push(hub, "another", 1)
        self.assertEqual(answer.status, 503)
        self.assertIn("retry-after", answer.headers)
        hub.wait_for_log("answered a push with 503.*node=another")
        self.assertEqual(self.push(hub, f"invented {taken[0]}", 3).status, 200)
        self.assertGreater(int(metric(hub, 'synchub_unavailable_total{reason="names"}')), 0)
        redis.cli("EVAL", "for i = 1, 20 do redis.call('HSET', KEYS[1], 'old ' .. i, '1 push') end",
                  "1", "synchub:contacts")
        answer = self.push(hub, "another", 1)
        self.assertEqual(answer.status, 503)
        hub.wait_for_log("SYNC_max_nodes")

    def test_a_flooding_node_gets_503_and_others_are_accepted(self):
        redis = self.redis()
        hub = self.receiver(redis, SYNC_receiver_role="ingest")
        self.assertEqual(self.push(hub, "flood").status, 200)
        self.assertEqual(redis.cli("HSET", "synchub:held", "flood", "5000 1000"), "0")
        answer = self.push(hub, "flood", 3)
        self.assertEqual(answer.status, 503)
        self.assertIn("retry-after", answer.headers)
        self.assertEqual(self.push(hub, "other").status, 200)
        self.assertEqual(redis.backlog(), 2)


class Refused(RedisFitTest):
    def test_a_wrong_token_is_logged_with_the_claimed_name(self):
        hub = self.receiver(self.redis(), SYNC_receiver_role="ingest")
        settings = self.pusher_settings(hub.url, self.table("Büro 3"), "Büro 3",
                                        SYNC_api_token="another token than the hub's")
        self.run_program("pusher", settings, "--once", code=1)
        hub.wait_for_log("refused a push with 403.*claimed_node=.?Büro 3")
        for forwarded, shown in (("203.0.113.7, 2001:db8::9", "2001:db8::9"),
                                 ("203.0.113.7\x1b[31m", None), ("x" * 300, None)):
            curl(hub.url + "/sync", body=b"", headers={
                **bearer("wrong"), "Content-Type": "application/json",
                "X-Forwarded-For": forwarded, "Sync-Hub-Node": "%1b%5b31mevil"})
            if shown:
                hub.wait_for_log(f"forwarded_for={shown}")
        hub.stop()
        self.assertNotIn("\x1b", hub.log())
        self.assertNotIn("evil", hub.log())
        self.assertNotIn("xxx", hub.log())

    def test_the_claimed_name_is_also_found_in_refused_bodies(self):
        """NetAlertX and older pushers send their name only in the body."""
        hub = self.receiver(self.redis(), SYNC_receiver_role="ingest")
        small, large = device_table(device_rows(2)), device_table(device_rows(300))
        for text, node in ((small, "Büro 4"), (large, "Large"), (large, "\U0001f600" * 50)):
            answer = netalertx_push(hub.url, text, node, token="wrong")
            self.assertEqual(answer.status, 403)
            hub.wait_for_log(f"refused a push with 403.*claimed_node=.?{node}")
        for text, node in ((small, "Old"), (large, "Older")):
            body = envelopes.envelope(envelopes.NodeKey(node), text)
            self.assertEqual(curl(hub.url + "/sync", body=body, headers={
                **bearer("wrong"), "Content-Type": TYPE_ENVELOPE}).status, 403)
            hub.wait_for_log(f"refused a push with 403.*claimed_node={node}")
        self.assertEqual(hub.log().count("claimed_node="), 5, hub.log())

    def test_a_broken_or_invalid_body_is_also_logged(self):
        hub = self.receiver(self.redis(), SYNC_receiver_role="ingest")

        def refusals():
            return hub.log().count("refused a push with 403")

        head = ("POST /sync HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer wrong\r\n"
                "Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n")
        with socket.create_connection(("127.0.0.1", hub.port)) as peer:
            peer.sendall(head.encode() + b'{"node_name":"Early","data":"' + b"x" * 100)
        hub.wait_for_log("claimed_node=Early")
        bodies = [b'{"node_name":"', b'"node_name":"a\\', b'"node_name":7', b'"node_name"', b"",
                  b'"node_name":"\\u001b[31mevil"', b'"node_name":"evil/../name"',
                  b'"node_name":"\\ud83d"', b'"node_name" : "' + b"evil" * 500 + b'"']
        for number, body in enumerate(bodies):
            with self.subTest(body=body[:40]):
                answer = curl(hub.url + "/sync", body=body, headers={
                    **bearer("wrong"), "Content-Type": "application/json",
                    "X-Forwarded-For": f"203.0.113.{number + 1}"})
                self.assertEqual(answer.status, 403)
                hub.wait_for_log(f"forwarded_for=203.0.113.{number + 1}")
        self.assertEqual(refusals(), 1 + len(bodies))
        self.assertNotIn("evil", hub.log())


if __name__ == "__main__":
    unittest.main()
