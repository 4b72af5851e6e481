#!/usr/bin/env bash
# Builds every fuzz target and runs it for FUZZ_SECONDS (60) from its committed corpus. New inputs go
# to build/fuzz/found/, never into the tree; a crash leaves its input beside them and ends the run.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
export LSAN_OPTIONS=suppressions=$PWD/tools/lsan.supp
rm -f build/fuzz/fuzz_targets.tsv
cmake --preset fuzz > /dev/null
cmake --build --preset fuzz -j "$(nproc)" > /dev/null
failed=0
while IFS=$'\t' read -r name corpus; do
  found=build/fuzz/found/$name
  mkdir -p "$found"
  printf 'fuzz: %s for %s s ... ' "$name" "$seconds"
  if "build/fuzz/bin/$name" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 \
    -artifact_prefix="$found/" "$found" "$corpus" > "$found.log" 2>&1; then
    grep -oE 'Done [0-9]+ runs' "$found.log" | tail -n 1
  else
    echo FAILED
    tail -n 30 "$found.log"
    failed=1
  fi
done < build/fuzz/fuzz_targets.tsv
exit "$failed"
