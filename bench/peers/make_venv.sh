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
# Its requirement `dlib` would be compiled for half an hour; the wheel is the same library.
[ -d "$peers/others/lib/python3.11/site-packages/face_recognition" ] ||
  "$peers/others/bin/pip" install -q --disable-pip-version-check --no-deps face_recognition==1.3.0
