#!/usr/bin/env bash
# Makes the virtual environments in which other projects run beside ours, under the cache. They are
# large (facenet-pytorch brings a whole PyTorch) and only needed for `make bench`'s ratios.
# facenet-pytorch wants numpy 1; the others live apart from it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
peers=${VISAVIS_CACHE:-$HOME/.cache/visavis}/peers

# make NAME REQUIREMENTS...
make() {
  local name=$1
  shift
  if [ -f "$peers/$name/ready" ]; then return; fi
  printf 'peers: making %s\n' "$name" >&2
  python3 -m venv "$peers/$name"
  "$peers/$name/bin/pip" install -q --disable-pip-version-check "$@"
  touch "$peers/$name/ready"
}

make torch -r "$here/requirements-torch.txt"
make others -r "$here/requirements-others.txt"
# Its requirement `dlib`: the wheel that most people install, and below the one that is compiled here.
[ -d "$peers/others/lib/python3.11/site-packages/face_recognition" ] ||
  "$peers/others/bin/pip" install -q --disable-pip-version-check --no-deps face_recognition==1.3.0

# dlib compiled for this processor with OpenBLAS, which takes half an hour: only when asked for.
if [ "${1:-}" = --native ]; then
  [ -f /usr/include/x86_64-linux-gnu/cblas.h ] || {
    echo "peers: install libopenblas-dev first" >&2
    exit 4
  }
  make native face_recognition_models==0.3.0 'setuptools<81' click Pillow numpy cmake
  "$peers/native/bin/pip" install -q --disable-pip-version-check --no-binary dlib dlib==20.0.0
  "$peers/native/bin/pip" install -q --disable-pip-version-check --no-deps face_recognition==1.3.0
fi
