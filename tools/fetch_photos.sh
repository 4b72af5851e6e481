#!/usr/bin/env bash
# Fetches the public photographs of the demo, the tests and the benchmark with the registries' own
# clients, pinned by SHA-256, into the cache. They are never part of the repository. Does nothing when
# they are there.
#
#   obama, obama2, obama3, biden   White House portraits, public domain (in PyPI's face_recognition)
#   astronaut                      NASA portrait, public domain (in PyPI's scikit-image)
#   sample1 … sample6              groups of people (in npm's @vladmandic/face-api, MIT): tests only
set -euo pipefail
cache=${VISAVIS_CACHE:-$HOME/.cache/visavis}
downloads=$cache/downloads
photos=$cache/photos
mkdir -p "$downloads" "$photos"

say() { printf 'photos: %s\n' "$*" >&2; }
check() { printf '%s  %s\n' "$2" "$1" | sha256sum --check --status; }

# need FILE SHA256: stops if a download is not what is pinned
need() {
  check "$downloads/$1" "$2" && return
  say "$1 does not have the pinned hash"
  exit 4
}

pip_download() { python3 -m pip download -q --disable-pip-version-check --no-deps -d "$downloads" "$@" >&2; }

# unpack ARCHIVE MEMBER NAME: one file out of a tar or zip archive, by one rename
unpack() {
  local tmp
  tmp=$(mktemp "$photos/.XXXXXX")
  case $1 in
    *.whl) python3 -c 'import sys, zipfile
sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' "$downloads/$1" "$2" > "$tmp" ;;
    *) tar -xzOf "$downloads/$1" "$2" > "$tmp" ;;
  esac
  chmod 644 "$tmp"
  mv "$tmp" "$photos/$3"
}

sdist=face_recognition-1.3.0.tar.gz
sdist_sha=5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec
if [ ! -f "$photos/biden.jpg" ]; then
  if ! check "$downloads/$sdist" "$sdist_sha" 2> /dev/null; then
    say 'downloading face_recognition (source)'
    # Its build script needs an older setuptools than the one pip would bring for it.
    build=$(mktemp -d)
    trap 'rm -rf "$build"' EXIT
    python3 -m venv "$build"
    "$build/bin/pip" install -q --disable-pip-version-check 'setuptools<70' wheel >&2
    "$build/bin/pip" download -q --disable-pip-version-check --no-binary :all: --no-deps \
      --no-build-isolation -d "$downloads" face_recognition==1.3.0 >&2
  fi
  need "$sdist" "$sdist_sha"
  for name in obama obama2 obama3 obama_partial_face biden; do
    unpack "$sdist" "face_recognition-1.3.0/tests/test_images/$name.jpg" "$name.jpg"
  done
fi

wheel=scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl
wheel_sha=74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af
if [ ! -f "$photos/astronaut.png" ]; then
  if ! check "$downloads/$wheel" "$wheel_sha" 2> /dev/null; then
    say 'downloading scikit-image'
    pip_download --python-version 3.11 --implementation cp --platform manylinux_2_28_x86_64 \
      --only-binary=:all: scikit-image==0.26.0
  fi
  need "$wheel" "$wheel_sha"
  unpack "$wheel" skimage/data/astronaut.png astronaut.png
fi

tarball=vladmandic-face-api-1.7.15.tgz
tarball_sha=0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031
if [ ! -f "$photos/sample6.jpg" ]; then
  if ! check "$downloads/$tarball" "$tarball_sha" 2> /dev/null; then
    say 'downloading @vladmandic/face-api'
    (cd "$downloads" && npm pack --silent @vladmandic/face-api@1.7.15 > /dev/null)
  fi
  need "$tarball" "$tarball_sha"
  for number in 1 2 3 4 5 6; do
    unpack "$tarball" "package/demo/sample$number.jpg" "sample$number.jpg"
  done
fi
