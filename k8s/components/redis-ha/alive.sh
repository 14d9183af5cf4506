#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fails if this server follows another master than the one that the sentinels name. They redirect the replicas that they
# know, which they learn from the master every ten seconds: one that joined just before the master failed would stay
# with it for ever. Kubernetes starts the server again, with the role that the sentinels then name. A server that does
# not answer is left to them.
# shellcheck disable=SC1091,SC2154 # group.sh sets own and servers
set -eu
. "$(dirname "$0")/group.sh"
replication=$(timeout 4 redis-cli info replication | tr -d '\r') || exit 0
field() { printf '%s\n' "$replication" | sed -n "s/^$1://p"; }
case $(field role) in
master) follows=$own ;;
slave) follows=$(field master_host) ;;
*) exit 0 ;;
esac
# shellcheck disable=SC2046 # words: epoch, replicas, name
set -- $(ask_sentinels | head -n 1)
[ "${3:-$follows}" = "$follows" ] || {
    echo "This server follows $follows, but the sentinels name $3" >&2
    exit 1
}
