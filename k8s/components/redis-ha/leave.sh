#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Before the server is stopped: if it is the master, a replica takes over now, instead of after a failure is noticed.
# shellcheck disable=SC1091,SC2154 # group.sh sets own and servers
set -eu
. "$(dirname "$0")/group.sh"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    # shellcheck disable=SC2046 # words: epoch, replicas, name
    set -- $(ask_sentinels | head -n 1)
    [ "${3:-}" = "$own" ] || exit 0
    # Another's: the sentinel beside this server is being stopped, too. It refuses while a failover is going on.
    for server in $servers; do
        if [ "$server" != "$own" ] &&
            [ "$(timeout 4 redis-cli -h "$server" -p 26379 sentinel failover synchub)" = OK ]; then
            break
        fi
    done
    sleep 1
done
