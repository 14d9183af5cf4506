# SPDX-License-Identifier: Apache-2.0
"""Redis with replicas and Sentinel: failovers, replicas that must confirm, sentinels that fail."""

from harness import SyncHubTest, count, device_rows, device_table, netalertx_push, wait_until
from metrics_base import metric
from redis_group import FAILOVER_S, MASTER, RedisGroup


class GroupTest(SyncHubTest):
    def group(self, **options):
        group = RedisGroup(self.folder / "group", **options)
        self.addCleanup(group.stop)
        return group

    def push(self, hub, node):
        return netalertx_push(hub.url, device_table(device_rows(2, node)), node)

    def taken(self, hub, node):
        wait_until(lambda: self.push(hub, node).status == 200, f"a push of {node} to be accepted",
                   FAILOVER_S, details=hub.log)


class Failover(GroupTest):
    def test_a_hub_follows_the_master_without_a_restart(self):
        group = self.group(down_after_ms=1500)
        db = self.folder / "hub.db"
        hub = self.receiver(group, db)
        self.taken(hub, "before")
        wait_until(lambda: count(db) == 2, "the table to be merged", details=hub.log)  # a failover may lose what waits
        first = group.master
        hub.wait_for_log(f"Redis at 127.0.0.1:{first.port} of master {MASTER}")
        group.fail_over()
        self.taken(hub, "asked")
        hub.wait_for_log(f"Redis at 127.0.0.1:{group.master.port} of master {MASTER}")
        wait_until(lambda: count(db) == 4, "the table to be merged", details=hub.log)
        group.wait_until_complete()
        second = group.master
        second.kill()
        group.wait_for_another(second)
        self.taken(hub, "killed")
        wait_until(lambda: count(db) == 6, "all to be merged", FAILOVER_S, details=hub.log)
        self.assertIsNone(hub.process.poll())
        self.assertEqual(group.dead(), 0)

    def test_the_puller_asks_the_sentinels_too(self):
        group = self.group()
        node = self.program("pusher", self.pusher_settings(
            "", device_table(device_rows(2, "p")), "p", SYNC_hub_url="", SYNC_listen="127.0.0.1:0"))
        group.publish_no_credentials()
        settings = self.puller_settings(group, [node.url])
        self.run_program("puller", settings, "--once", code=0)
        group.fail_over()
        self.run_program("puller", settings, "--once", code=0)
        self.assertEqual(group.backlog(), 1)


class Sentinels(GroupTest):
    def test_they_are_asked_in_turn(self):
        group = self.group()
        group.sentinels[0].stop()
        group.sentinels[1].process.send_signal(19)  # SIGSTOP
        self.addCleanup(group.sentinels[1].process.send_signal, 18)
        hub = self.receiver(group)
        self.taken(hub, "n")

    def test_what_is_wrong_with_them_is_said(self):
        group = self.group(replicas=0, sentinels=1)
        port = group.sentinels[0].port
        for url, words in (
                (f"redis+sentinel://127.0.0.1:{port}/other", "knows no master of the name other"),
                (f"redis+sentinel://127.0.0.1:{group.servers[0].port}/{MASTER}", "Sentinel at .*unknown command"),
                (f"redis+sentinel://127.0.0.1:1/{MASTER}", "Sentinel at 127.0.0.1:1 .*refused"),
                (f"redis+sentinel://127.0.0.1:{port}/{MASTER}?sentinel_password=s3cret",
                 "Sentinel refuses the login.*sentinel_password")):
            with self.subTest(url):
                done = self.run_program("receiver", {**self.receiver_settings(group), "SYNC_redis_url": url},
                                        "doctor", code=3)
                self.assertRegex(done.stdout, words)
                self.assertNotIn("s3cret", done.stdout + done.stderr)

    def test_they_may_have_a_user_of_their_own(self):
        group = self.group(replicas=0, sentinels=1)
        sentinel = group.sentinels[0]
        sentinel.call("ACL", "SETUSER", "finder", "reset", "on", ">s3/cret", "resetchannels", "-@all",
                      "+sentinel|get-master-addr-by-name")
        sentinel.call("ACL", "SETUSER", "default", "off")
        group.servers[0].call("CONFIG", "SET", "requirepass", "pw")
        url = (f"redis+sentinel://:pw@127.0.0.1:{sentinel.port}/{MASTER}"
               "?sentinel_user=finder&sentinel_password=s3%2fcret")
        settings = {**self.receiver_settings(group), "SYNC_redis_url": url}
        hub = self.program("receiver", settings)
        hub.wait_ready()
        self.assertEqual(self.push(hub, "n").status, 200)
        shown = self.run_program("receiver", settings, "--check-config", code=0).stdout
        self.assertIn("sentinel_user=finder", shown)
        self.assertNotIn("cret", shown.replace("SYNC_", ""))
        self.assertNotIn("pw", shown)


class Replicas(GroupTest):
    def test_success_waits_for_them_and_recovers_by_itself(self):
        group = self.group()
        hub = self.receiver(group, SYNC_redis_replicas="1")
        self.taken(hub, "both")
        replica = next(s for s in group.servers if s is not group.master)
        replica.pause()
        self.addCleanup(replica.resume)
        refused = self.push(hub, "hung")
        self.assertEqual(refused.status, 503)
        self.assertIn("retry-after", refused.headers)
        hub.wait_for_log("SYNC_redis_replicas")
        replica.resume()
        self.taken(hub, "hung")
        replica.kill()
        wait_until(lambda: self.push(hub, "gone").status == 503, "a push to be refused")
        hub.wait_unready("fewer than SYNC_redis_replicas")
        replica.start()
        self.taken(hub, "gone")
        hub.wait_ready()
        wait_until(lambda: metric(hub, "synchub_redis_replicas") == "1", "the metric")

    def test_what_is_confirmed_is_on_the_replica(self):
        group = self.group(sentinels=1)
        group.publish_no_credentials()
        hub = self.receiver(group, SYNC_redis_replicas="1", SYNC_receiver_role="ingest")
        replica = next(s for s in group.servers if s is not group.master)
        for i in range(20):
            self.taken(hub, f"n{i}")
            self.assertGreater(replica.backlog(), i)
            self.assertEqual(replica.backlog(), group.backlog())
