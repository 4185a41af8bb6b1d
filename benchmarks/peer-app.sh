#!/bin/bash
# peer-app.sh PEER WORKLOAD IN OUT GROUP STATEDIR COMMIT_MS : becomes the peer's process.
# The runner of the peers calls it as PEER_APP; PEERS is the runner's folder, whose app.sh knows every other peer.
set -e
root=$(cd "$(dirname "$0")/.." && pwd)
case $1 in
  tidemark*)
    export PEER_WORKLOAD=$2 PEER_IN=$3 PEER_OUT=$4
    exec node ${NODE_FLAGS:-} "$root/bin/tidemark.js" run "$root/benchmarks/peer-job.js" \
      --brokers "${BROKER:-127.0.0.1:9192}" --application-id "$5" --state-dir "$6" --executors "${EXECUTORS:-1}" \
      --set execution.epoch.interval="$7" ${TIDEMARK_ARGS:-}
    ;;
  *) exec "${PEERS:?PEERS must name the folder of the peers}/app.sh" "$@" ;;
esac
