#!/bin/sh
# The page's tests in Chromium against a visavis server: run.sh PROGRAM (build/release/bin/visavis, say).
# Without a program they run against the mock. Exit 77: skipped, and it says why.
# VISAVIS_SHOTS=DIR keeps a screenshot of every view.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
web=$root/apps/web
cache=${VISAVIS_CACHE:-$HOME/.cache/visavis}
program=${1:-}

skip() {
  echo "skipped: $1"
  exit 77
}

# npm ci only when the lock file is another than the one that was installed.
install_packages() {
  stamp=$1/node_modules/.installed
  if [ -f "$stamp" ] && cmp -s "$1/package-lock.json" "$stamp"; then return; fi
  (cd "$1" && npm ci --cache "$cache/npm" --no-audit --no-fund --loglevel error) || skip "npm ci failed in ${1#"$root"/}"
  cp "$1/package-lock.json" "$stamp"
}

install_chromium() {
  [ -x "${CHROMIUM:-/usr/bin/chromium}" ] && return
  [ "$(id -u)" = 0 ] || skip "there is no chromium: apt-get install chromium"
  # A text in a screenshot needs a font.
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-liberation; } >/dev/null ||
    skip "chromium could not be installed"
}

build_page() {
  built=$web/dist/index.html
  if [ -f "$built" ] && [ -z "$(find "$web/src" "$web/public" "$web/index.html" "$web/package-lock.json" "$web/vite.config.ts" -newer "$built" -print -quit)" ]; then return; fi
  (cd "$web" && npm run --silent build)
}

# Starts the server on a port of its own choice and waits until it is ready.
start_server() {
  folder=$(mktemp -d)
  "$program" serve --port 0 --port-file "$folder/port" --data "$folder/data" --web "$web/dist" --no-auth --rate 1000 --burst 2000 >"$folder/log" 2>&1 &
  server=$!
  trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
  for _ in $(seq 300); do
    kill -0 "$server" 2>/dev/null || { cat "$folder/log"; exit 1; }
    if [ -s "$folder/port" ] && VISAVIS_URL=http://127.0.0.1:$(cat "$folder/port"); then
      if node -e 'fetch(process.argv[1]).then((a) => process.exit(a.ok ? 0 : 1), () => process.exit(1))' "$VISAVIS_URL/health/ready"; then
        export VISAVIS_URL
        return
      fi
    fi
    sleep 0.2
  done
  cat "$folder/log"
  echo "the server is not ready after a minute"
  exit 1
}

command -v node >/dev/null && command -v npm >/dev/null || skip "there is no node with npm"
node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' || skip "node is older than 20"
install_packages "$web"
install_packages "$here"
install_chromium
build_page
if [ -n "$program" ]; then start_server; fi
cd "$here"
node --test --test-concurrency=1 --test-reporter=spec
