#!/usr/bin/env bash
# One POST becomes six. If an upstream reads a request and closes the connection without an answer, HAProxy 2.6 tells an HTTP/2 client
# REFUSED_STREAM, by which a server says that it has not processed a request (RFC 9113, section 8.7). Clients believe it and send the request
# again: curl 7.88 does so five times. Over HTTP/1.1 it gets 502, and the upstream one POST. Who pays for each request, as of a language model,
# pays for all of them.
#
# Needs Debian's apt-get, curl with HTTP/2, openssl and python3. HAProxy is unpacked in the temporary folder.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq haproxy liblua5.3-0 >/dev/null 2>&1
for package in *.deb; do dpkg -x "$package" root; done
program=$(find root -type f -path '*/sbin/haproxy')
library=$(find "$work/root" -name 'liblua5.3.so.0')
haproxy=(env LD_LIBRARY_PATH="$(dirname "$library")" "$program")
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem 2>/dev/null
cat key.pem cert.pem >both.pem

cat >upstream.py <<'PY'
import socket
listener = socket.create_server(("127.0.0.1", 18431))
while True:
    connection, _ = listener.accept()
    if connection.recv(65536).startswith(b"POST"):
        print("POST", flush=True)
    connection.close()
PY
cat >haproxy.cfg <<'CFG'
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
listen front
  bind 127.0.0.1:18432 ssl crt both.pem alpn h2,http/1.1
  server upstream 127.0.0.1:18431
CFG
python3 upstream.py >posts &
"${haproxy[@]}" -f haproxy.cfg >haproxy.log 2>&1 &
for _ in $(seq 50); do (exec 3<>/dev/tcp/127.0.0.1/18432) 2>/dev/null && break; sleep 0.1; done
sent() { # what a command prints, and how many POST reached the upstream meanwhile
    local before name=$1
    shift
    before=$(wc -l <posts)
    echo "$name: $("$@" || true), $(($(wc -l <posts) - before)) POST"
}
post=(curl -s --cacert cert.pem -d '{}' -o /dev/null -w 'status %{http_code}' https://localhost:18432/)
{
    sent "curl, HTTP/1.1" "${post[@]}" --http1.1
    sent "curl, HTTP/2" "${post[@]}" --http2
} | tee seen
"${haproxy[@]}" -v | head -n 1
curl --version | head -n 1 | cut -d ' ' -f 1-2
diff <(printf '%s\n' 'curl, HTTP/1.1: status 502, 1 POST' 'curl, HTTP/2: status 000, 6 POST') seen || { echo "changed: see the difference" >&2; exit 1; }
echo "as found: over HTTP/2 one POST reaches the upstream six times"
