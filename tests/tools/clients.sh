#!/bin/sh
# Runs the client libraries that people use against the simulator: those for Node from npm, openai-java from Maven.
#
# To run just:
#   tests/tools/clients.sh

set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'kill "$simulator" 2>/dev/null || true; rm -rf "$work"' EXIT
./jbang Simulator.java --port 0 > "$work/simulator" &
simulator=$!
until grep -qs 'simulated models at' "$work/simulator"; do
    kill -0 "$simulator" || { echo "clients.sh: the simulator did not start" >&2; exit 1; }
    sleep 0.2
done
base_url=$(sed -n 's/.* at \(http[^ ]*\).*/\1/p' "$work/simulator")
status=0
./jbang tests/tools/clients/OpenAiJava.java "$base_url" || status=1
if command -v npm > /dev/null; then
    cp tests/tools/clients/package.json tests/tools/clients/clients.mjs "$work"
    (cd "$work" && npm install --silent --no-audit --no-fund && BASE_URL=$base_url node clients.mjs) || status=1
else
    echo "clients.sh: there is no npm, so the clients for Node are skipped"
fi
exit $status
