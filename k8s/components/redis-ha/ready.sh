#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A replica is ready once it has what its master has, so that a rollout does not take away the last server with an
# entry. If the master does not run, readiness does not wait for it, or a rollout could not replace a broken master.
# shellcheck disable=SC1091,SC2154 # group.sh sets own and servers
set -eu
. "$(dirname "$0")/group.sh"
replication=$(timeout 4 redis-cli info replication | tr -d '\r')
field() { printf '%s\n' "$replication" | sed -n "s/^$1://p"; }
case "$(field role)/$(field master_link_status)" in
master/* | slave/up) exit 0 ;;
slave/*) ;;
*) exit 1 ;;
esac
answer=$(timeout 4 redis-cli -h "$(field master_host)" -p 6379 ping 2>&1) || answer=
case $answer in
*PONG* | *NOAUTH* | *WRONGPASS* | *LOADING*) exit 1 ;;
esac
