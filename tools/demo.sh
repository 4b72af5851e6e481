#!/usr/bin/env bash
# Enrols two people from one photograph each and asks who is in three others. Prints the table and
# writes the annotated photographs.
#   tools/demo.sh [VISAVIS]
set -euo pipefail
cd "$(dirname "$0")/.."
visavis=${1:-build/release/bin/visavis}
photos=${VISAVIS_CACHE:-$HOME/.cache/visavis}/photos
out=build/demo

tools/fetch_photos.sh
"$visavis" models fetch --quiet > /dev/null

rm -rf "$out"
mkdir -p "$out"
echo '== enrol: one photograph of each person'
"$visavis" enrol --gallery "$out/gallery" 'Barack Obama' "$photos/obama.jpg"
"$visavis" enrol --gallery "$out/gallery" 'Joe Biden' "$photos/biden.jpg"
echo
echo '== identify: two photographs of the first, one of a stranger'
"$visavis" identify "$photos/obama2.jpg" "$photos/obama3.jpg" "$photos/astronaut.png" \
  --gallery "$out/gallery" --draw "$out/identified"
echo
echo "annotated photographs: $out/identified/"
