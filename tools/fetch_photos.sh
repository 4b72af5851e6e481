#!/usr/bin/env bash
# Fetches the public photographs of the demo, the tests and the benchmark with the registries' own
# clients into ${VISAVIS_CACHE}/photos, pinned by version and SHA-256. Does nothing when they are
# there. They are never committed.
#   obama*.jpg, biden.jpg   White House portraits, public domain (PyPI face_recognition, sources)
#   astronaut.png           NASA, public domain (PyPI scikit-image)
#   sample1.jpg … 6         people of the MIT-licensed npm package @vladmandic/face-api: for tests
#                           and benchmarks, not for pictures in documents
set -euo pipefail

cache=${VISAVIS_CACHE:-$HOME/.cache/visavis}
downloads=$cache/downloads
photos=$cache/photos
mkdir -p "$downloads" "$photos"

say() { printf 'photos: %s\n' "$*" >&2; }
check() { printf '%s  %s\n' "$2" "$1" | sha256sum --check --status; }
here() { local name; for name in "$@"; do [ -s "$photos/$name" ] || return 1; done; }

# place NAME < picture: appears whole or not at all
place() { cat > "$photos/.$1.part" && mv "$photos/.$1.part" "$photos/$1"; }

# lock NAME VERSION SHA256: a requirements file that admits exactly this archive
lock() {
  printf '%s==%s --hash=sha256:%s\n' "$1" "$2" "$3" > "$downloads/.photos.lock"
  printf '%s' "$downloads/.photos.lock"
}

portraits() {
  local names=(obama.jpg obama2.jpg obama3.jpg biden.jpg obama_partial_face.jpg)
  here "${names[@]}" && return
  local file=$downloads/face_recognition-1.3.0.tar.gz name
  local sha=5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec
  if ! check "$file" "$sha" 2> /dev/null; then
    say 'downloading face_recognition 1.3.0 (sources)'
    # pip asks the package's setup.py for its name, which needs a setuptools that still has
    # pkg_resources; where the installed one is newer, an isolated older one is taken.
    local how=(--no-build-isolation)
    python3 -c 'import pkg_resources, wheel' 2> /dev/null || how=()
    printf 'setuptools<70\n' > "$downloads/.constraint"
    PIP_CONSTRAINT=$downloads/.constraint python3 -m pip download -q --disable-pip-version-check \
      --no-binary=face_recognition --no-deps "${how[@]}" --require-hashes \
      -r "$(lock face_recognition 1.3.0 "$sha")" -d "$downloads" >&2
    rm -f "$downloads/.constraint" "$downloads/.photos.lock"
    check "$file" "$sha" || { say 'face_recognition does not have the pinned hash'; exit 1; }
  fi
  for name in "${names[@]}"; do
    tar -xzOf "$file" "face_recognition-1.3.0/tests/test_images/$name" | place "$name"
  done
}

astronaut() {
  here astronaut.png && return
  local name=scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl
  local file=$downloads/$name
  local sha=74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af
  if ! check "$file" "$sha" 2> /dev/null; then
    say 'downloading scikit-image 0.26.0'
    python3 -m pip download -q --disable-pip-version-check --no-deps --require-hashes \
      --python-version 3.11 --implementation cp --platform manylinux_2_28_x86_64 \
      --only-binary=:all: -r "$(lock scikit-image 0.26.0 "$sha")" -d "$downloads" >&2
    rm -f "$downloads/.photos.lock"
    check "$file" "$sha" || { say 'scikit-image does not have the pinned hash'; exit 1; }
  fi
  python3 -c 'import sys, zipfile
sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read("skimage/data/astronaut.png"))' \
    "$file" | place astronaut.png
}

groups() {
  local number
  here sample{1..6}.jpg && return
  local file=$downloads/vladmandic-face-api-1.7.15.tgz
  local sha=0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031
  if ! check "$file" "$sha" 2> /dev/null; then
    say 'downloading @vladmandic/face-api 1.7.15'
    (cd "$downloads" && npm pack --silent --ignore-scripts '@vladmandic/face-api@1.7.15' > /dev/null)
    check "$file" "$sha" || { say '@vladmandic/face-api does not have the pinned hash'; exit 1; }
  fi
  for number in 1 2 3 4 5 6; do
    tar -xzOf "$file" "package/demo/sample$number.jpg" | place "sample$number.jpg"
  done
}

portraits
astronaut
groups
