#!/usr/bin/env bash
# Measures the default recognisers on LFW (View 2, ten folds) from raw photos and prints a table row for
# each, plain and with --flip. docs/accuracy.md holds the results.
#
#   tools/lfw.sh [PROGRAM] [OPTION…]      options of `visavis evaluate verification`:
#   tools/lfw.sh build/release/bin/visavis --precision bf16
#
# LFW is not part of this project. VISAVIS_DATA names the folder that holds lfw/ (images/, pairs.txt);
# the default is shared/data beside the checkout.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
data=${VISAVIS_DATA:-$root/../shared/data}/lfw
program=${1:-$root/build/release/bin/visavis}
shift $(($# > 0 ? 1 : 0))
if [ ! -f "$data/pairs.txt" ]; then
  echo "LFW is not at $data: set VISAVIS_DATA" >&2
  exit 4
fi
echo "| recogniser | detector | precision | accuracy % | EER % | AUC | TAR@1e-3 % | no face |"
echo "|---|---|---|---|---|---|---|---|"
for recogniser in faceplugin-512 mobilefacenet-192; do
  for flip in "" --flip; do
    # shellcheck disable=SC2086  # an empty $flip is no argument
    "$program" evaluate verification --images "$data/images" --pairs "$data/pairs.txt" \
      --recogniser "$recogniser" $flip --json "$@" |
      python3 -c '
import json, sys
report = json.load(sys.stdin)
accuracy = report["accuracy"]
print("| %s%s | %s | %s | %.2f ± %.2f | %.2f | %.5f | %.2f | %d |" % (
    report["recogniser"], ", flip" if sys.argv[1] else "", report["detector"], report["precision"],
    100 * accuracy["mean"], 100 * accuracy["std"], 100 * report["eer"], report["auc"],
    100 * report["tar_at_far"]["1e-3"], report["failed_images"]))' "$flip"
  done
done
