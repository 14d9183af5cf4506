# SPDX-License-Identifier: Apache-2.0
"""Problems of nodes that push: each is shown by `nodes --problems` and by the node's doctor, until it is fixed."""

import os
import shutil
import time
import unittest

import authority
from harness import FakeServer, free_port, long_test, wait_until
from problem_site import LimitingProxy, Problem, ProblemsTest, SmallDisk, TlsRelay


# --- How they are created ----------------------------------------------------------------------


def setting(**settings):
    return lambda site: site.set(**settings)


def wrong_port(site):
    site.set(SYNC_hub_url=f"http://127.0.0.1:{free_port()}")


def wrong_scheme(site):
    site.set(SYNC_hub_url=site.test.url.replace("http", "https"))


def path_in_url(site):
    site.set(SYNC_hub_url=site.test.url + "/hub")


def web_page(status):
    """Something that answers with its own page, such as the login page of a network."""
    def break_it(site):
        page = site.test.server(FakeServer(
            lambda request: (status, {"Content-Type": "text/html"}, "<html>log in</html>")))
        site.set(SYNC_hub_url=page.url)
    return break_it


def proxy_with_limit(site):
    proxy = site.test.server(LimitingProxy(site.test.hub.port, 300))
    site.set(SYNC_hub_url=proxy.url)


def proxy_down(site):
    site.set(SYNC_hub_url="http://hub.example:20212", http_proxy=f"http://127.0.0.1:{free_port()}")


def tls(known=True, **certificate):
    """A hub behind a TLS server with a certificate of a CA that the node knows or does not."""
    def break_it(site):
        ca = authority.Authority(site.folder / "ca")
        relay = TlsRelay(*ca.issue("hub", **certificate), site.test.hub.port)
        site.test.addCleanup(relay.stop)
        site.set(SYNC_hub_url=f"https://127.0.0.1:{relay.port}", **({"SYNC_tls_ca": ca.file} if known else {}))
    return break_it


def wrong_clock(ahead_s):
    def break_it(site):
        site.set(**site.test.skewed_clock(ahead_s).environment)
    return break_it


def look_alike(site):
    """Another node, which has credentials of its own, has nearly this name."""
    site.test.credentials(site.name.upper())


def choose_another_name(site):
    site.set(SYNC_node_name="another-name")
    site.test.command("node", "forget", site.name)


def own_credentials(site):
    own = site.test.credentials(site.name)
    return {name: own[name] for name in ("SYNC_api_token", "SYNC_encryption_key")}


def renamed(site):
    own = own_credentials(site)
    site.good_settings.update(own)
    site.set(**own, SYNC_node_name=f"New {site.name}")


def shared_token(site):
    site.good_settings.update(own_credentials(site))


def revoked(site):
    site.set(**own_credentials(site))
    site.push(0)
    site.test.command("node", "revoke", site.name)
    site.write_table()


def make_credentials_again(site):
    site.set(**own_credentials(site))


def twice(site):
    other = site.folder / "other-spool"
    other.mkdir()
    for spool in (site.spool, other, site.spool):
        site.set(SYNC_spool_dir=spool)
        site.write_table()
        site.push(0)
        instance = (spool / "instance").read_text()
        wait_until(lambda: site.test.hub_redis.cli("HGET", "synchub:instances", site.name).startswith(instance),
                   "the instance to be noted")


def no_table(site):
    site.file.unlink()


def cut_table(site):
    site.file.write_text(site.file.read_text()[:-10])


def empty_table(site):
    site.file.write_text("")


def unreadable_table(site):
    site.file.unlink()
    site.file.mkdir()  # as some container engines do for a file that does not exist


def no_json(site):
    site.file.write_text("<html>")


def old_table(site):
    os.utime(site.file, (0, time.time() - 2 * 86400))


def no_result(site):
    site.set(SYNC_plugins="['ARPSCAN']")


def write_result(site, text="key|second|2026-08-22 02:53:00|1|2|3|4|extra|other\n"):
    site.set(SYNC_plugins="['ARPSCAN']")
    (site.folder / "plugins" / "last_result.ARPSCAN.log").write_text(text)


def spool_is_file(site):
    shutil.rmtree(site.spool)
    site.spool.write_text("")


def make_spool(site):
    site.spool.unlink()
    site.spool.mkdir()


def spool_disk_full(site):
    site.disk = SmallDisk(site.test, site.spool, "256k")
    site.push(0)
    site.disk.fill()
    site.write_table()


# --- What is shown of them ---------------------------------------------------------------------

SILENT = ("silent", "check that the node and its pusher run and reach the hub")

# One of each kind, for each run of the tests.
COMMON = (
    Problem("wrong-token", setting(SYNC_api_token="another"), ("", "SYNC_api_token"),
            ("token", "failed", "403", "SYNC_api_token"), in_auth_failures=True),
    Problem("wrong-key", setting(SYNC_encryption_key="another passphrase"),
            ("failing", "wrong key", "SYNC_encryption_key must be the same"),
            ("key", "failed", "SYNC_encryption_key of this node must be the hub's")),
    Problem("wrong-port", wrong_port, SILENT, ("connection", "failed", "refused", "SYNC_hub_url"), was_seen=True),
    Problem("clock-refused", wrong_clock(86400), ("failing", "wrong clock", "set the clocks (NTP)"),
            ("clock", "failed", "ahead of that of the hub", "NTP")),
    Problem("look-alike", look_alike, ("failing", "easily confused", "choose another SYNC_node_name"),
            ("node name", "failed", "SYNC_node_name"), fix=choose_another_name),
    Problem("no-table", no_table, ("failing", "no device table", "SYNC_devices_file"),
            ("device table", "failed", "SYNC_devices_file")),
    Problem("cut-table", cut_table, ("failing", "incomplete", "truncated"),
            ("device table", "failed", "truncated", "SYNC_devices_file")),
    Problem("old-table", old_table, ("failing", "SYNC_table_max_age", "check that NetAlertX runs"),
            ("device table", "warning", "SYNC_table_max_age")),
    Problem("revoked", revoked, ("revoked", "node add", "still"),
            ("token", "failed", "403", "SYNC_api_token"), fix=make_credentials_again),
    Problem("twice", twice, ("online", "several instances", "SYNC_node_name of its own"),
            ("node name", "warning", "several instances", "SYNC_node_name")),
    Problem("proxy-limit", proxy_with_limit, ("failing", "413", "limit"),
            ("push size", "failed", "413", "client_max_body_size")),
    Problem("unknown-ca", tls(known=False), SILENT, ("hub", "failed", "SYNC_tls_ca"), was_seen=True),
    Problem("spool-full-disk", spool_disk_full, ("failing", "spool", "room"),
            ("spool", "warning", "make room"), fix=lambda site: site.disk.empty()),
)

OTHERS = (
    Problem("wrong-host", setting(SYNC_hub_url="http://hub.invalid:20212"), SILENT,
            ("name resolution", "failed", "hub.invalid", "SYNC_hub_url"), was_seen=True),
    Problem("wrong-scheme", wrong_scheme, SILENT, ("hub", "failed", "SYNC_hub_url"), was_seen=True),
    Problem("path-in-url", path_in_url, SILENT, ("hub", "failed", "404", "SYNC_hub_url"), was_seen=True),
    Problem("login-page", web_page(200), SILENT, ("hub", "failed", "text/html"), was_seen=True),
    Problem("firewall", web_page(403), SILENT, ("hub", "failed", "403", "text/html"), was_seen=True),
    Problem("proxy-down", proxy_down, SILENT, ("connection", "failed", "refused", "the proxy in http_proxy"), was_seen=True),
    Problem("expired-certificate", tls(expired=True), SILENT, ("hub", "failed", "expired"), was_seen=True),
    Problem("other-certificate", tls(san="DNS:other.example"), SILENT, ("hub", "failed", "127.0.0.1"), was_seen=True),
    Problem("clock-off", wrong_clock(400), ("failing", "its clock is wrong", "set the clocks (NTP)"),
            ("clock", "warning", "ahead", "NTP")),
    Problem("renamed", renamed, ("failing", "it sends as node", "SYNC_node_name"),
            ("token", "failed", "403", "SYNC_node_name")),
    Problem("shared-token", shared_token, ("never", "wrong token", "SYNC_api_token"),
            ("token", "failed", "403", "SYNC_api_token")),
    Problem("empty-table", empty_table, ("failing", "incomplete", "is empty"),
            ("device table", "failed", "empty", "SYNC_devices_file"), was_seen=True),
    Problem("unreadable-table", unreadable_table, ("failing", "cannot read its device table", "SYNC_devices_file"),
            ("device table", "failed", "SYNC_devices_file"), was_seen=True),
    Problem("no-json", no_json, ("failing", "invalid", "not a device table"),
            ("device table", "failed", "not a device table"), was_seen=True),
    Problem("no-result", no_result, ("failing", "cannot read a plugin result", "last_result.ARPSCAN.log"),
            ("plugin result", "failed", "last_result.ARPSCAN.log", "SYNC_plugins")),
    Problem("spool-is-file", spool_is_file, ("failing", "cannot use its spool"),
            ("spool", "warning", "SYNC_spool_dir"), fix=make_spool),
)


class Problems(ProblemsTest):
    def test_common_problems_are_shown_until_they_are_fixed(self):
        self.check_problems(COMMON)

    @long_test
    def test_other_problems_are_shown_until_they_are_fixed(self):
        self.check_problems(OTHERS)


if __name__ == "__main__":
    unittest.main()
