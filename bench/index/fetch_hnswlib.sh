#!/usr/bin/env bash
# Puts hnswlib's headers into the cache, for visavis-bench-graphs: pinned by version and SHA-256, of
# the npm package that carries hnswlib 0.8.0. Configure again afterwards.
set -euo pipefail

cache=${VISAVIS_CACHE:-$HOME/.cache/visavis}
target=$cache/peers/hnswlib-0.8.0
sha=4a8074485e5abe659d23e9998d97a00226db056ca466ada6eedbc512a4c4df01
[ -e "$target" ] && exit
mkdir -p "$cache/downloads" "$cache/peers"
cd "$cache/downloads"
file=hnswlib-node-3.0.0.tgz
[ -f $file ] || npm pack --silent hnswlib-node@3.0.0 > /dev/null
printf '%s  %s\n' "$sha" $file | sha256sum --check --status || { echo "hnswlib-node 3.0.0 does not have the pinned hash" >&2; exit 1; }
tmp=$(mktemp -d "$cache/peers/.hnswlib.XXXXXX")
tar -xzf $file -C "$tmp" --strip-components=2 package/src/hnswlib
chmod -R u+rwX,go+rX "$tmp"
mv -T "$tmp" "$target"
