#!/usr/bin/env bash
# Measures the recognisers on LFW (View 2, ten folds) from raw photos, and with --calibrate DIR writes
# their thresholds from View 1. Prints Markdown tables; docs/accuracy.md holds their results.
#
#   tools/lfw.sh                                     # mtcnn, both default recognisers, f32
#   tools/lfw.sh --precision bf16
#   tools/lfw.sh --detector faceplugin-detect --landmarks mtcnn
#   tools/lfw.sh --calibrate models/calibration      # all 13,233 photos
#
# LFW is not part of this project. VISAVIS_DATA names the folder that holds lfw/ (images/, pairs.txt,
# peopleDevTrain.txt, peopleDevTest.txt); the default is shared/data beside the checkout.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
data=${VISAVIS_DATA:-$root/../shared/data}/lfw
store=${VISAVIS_CACHE:-$HOME/.cache/visavis}/models
if [ ! -f "$data/pairs.txt" ]; then
  echo "LFW is not at $data: set VISAVIS_DATA" >&2
  exit 4
fi
if [ ! -f "$root/build/release/build.ninja" ]; then
  cmake --preset release -S "$root" >&2
fi
cmake --build "$root/build/release" --target lfw_bench >&2
exec "$root/build/release/bin/lfw_bench" --data "$data" --store "$store" \
  --manifests "$root/models" "$@"
