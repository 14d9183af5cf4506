#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Starts Sentinel. It writes what it learns into its configuration, which is on the volume: its id, the master, the
# epochs and the other servers stay, and everything else is written anew at each start.
# shellcheck disable=SC1091,SC2154 # group.sh sets own and servers
set -eu
umask 077
scripts=$(dirname "$0")
. "$scripts/group.sh"

conf=/data/sentinel/sentinel.conf
mkdir -p "${conf%/*}"
learnt() {
    if [ -e "$conf" ]; then grep -E "^sentinel ($1) " "$conf" || true; fi
}
monitor=$(learnt monitor)
{
    cat "$scripts/sentinel.conf"
    printf 'requirepass %s\n' "$REDISCLI_AUTH"
    printf 'sentinel sentinel-pass %s\n' "$REDISCLI_AUTH"
    printf 'sentinel announce-ip %s\n' "$own"
    printf '%s\n' "${monitor:-sentinel monitor synchub $REDIS_0_HOST.$POD_NAMESPACE.svc 6379 2}"
    printf 'sentinel auth-pass synchub %s\n' "$REDISCLI_AUTH"
    printf 'sentinel down-after-milliseconds synchub 5000\n'
    printf 'sentinel failover-timeout synchub 30000\n'
    learnt 'myid|config-epoch|leader-epoch|current-epoch|known-replica|known-sentinel'
} >"$conf.new"
mv "$conf.new" "$conf"
exec redis-server "$conf" --sentinel
