# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Read by the other scripts: the three servers, which one this is, and what their sentinels say. A Service for
# each server gives it a name and an address that stay, so Redis and Sentinel know the servers by name.

: "${REDISCLI_AUTH:?REDIS_PASSWORD is empty: set it in redis.env}"
servers=
for name in "$REDIS_0_HOST" "$REDIS_1_HOST" "$REDIS_2_HOST"; do
    servers="$servers $name.$POD_NAMESPACE.svc"
done
# shellcheck disable=SC2086 # the names have no spaces
set -- $servers
shift "$POD_INDEX"
# shellcheck disable=SC2034 # for the scripts that read this one
own=$1

# Prints what the sentinel beside the server $1 says of the master: epoch, number of replicas, name. Nothing if
# it does not answer.
ask_sentinel() {
    timeout 4 redis-cli -h "$1" -p 26379 --raw sentinel master synchub 2>/dev/null |
        awk 'NR % 2 { name = $0; next }
             { value[name] = $0 }
             END { if ("ip" in value) print value["config-epoch"], value["num-slaves"], value["ip"] }'
}

# The answers of all sentinels, the newest first: each failover has a higher epoch.
ask_sentinels() {
    for server in $servers; do
        ask_sentinel "$server"
    done | sort -k1,1rn -k2,2rn
}
