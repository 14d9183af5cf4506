#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Starts Redis in the role that the sentinels know: the configuration is read-only, so that what Sentinel changed
# is not kept, and a server that was away must not start as the master that it was before.
# shellcheck disable=SC1091,SC2154 # group.sh sets own and servers
set -eu
. "$(dirname "$0")/group.sh"

# Waits for all sentinels, then for two, then for one, and takes the newest answer.
wait_s=0
while :; do
    answers=$(ask_sentinels)
    count=$(printf '%s' "$answers" | grep -c . || true)
    # shellcheck disable=SC2046 # words: epoch, replicas, name
    set -- $(printf '%s\n' "$answers" | head -n 1)
    if [ "$count" -eq 3 ] || { [ "$count" -eq 2 ] && [ "$wait_s" -ge 10 ]; } ||
        { [ "$count" -eq 1 ] && [ "$wait_s" -ge 60 ]; }; then
        # A master whose volume was emptied would empty its replicas: they have the data, so one of them takes over.
        if [ "$3" != "$own" ] || [ "$2" -eq 0 ] || [ -d /data/appendonlydir ]; then
            break
        fi
        echo "The volume is empty, but the replicas of this server may have data: waiting for a failover" >&2
    fi
    if [ "$wait_s" -ge 120 ]; then
        echo "$count of 3 sentinels answered, and none names a master that can be used" >&2
        exit 1
    fi
    sleep 1
    wait_s=$((wait_s + 1))
done
master=$3

role=
if [ "$master" != "$own" ]; then
    role="replicaof $master 6379"
fi
echo "Starts ${role:-as the master}" >&2

# The passwords go through a pipe rather than the command line, which any process can read.
exec redis-server /usr/local/etc/redis/redis.conf - <<END
include /usr/local/etc/redis-ha/redis-ha.conf
replica-announce-ip $own
requirepass $REDISCLI_AUTH
masterauth $REDISCLI_AUTH
$role
END
