#!/usr/bin/env bash
# Runs tools/accuracy.py where scikit-learn and Pillow are installed, under the cache.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=${VISAVIS_CACHE:-$HOME/.cache/visavis}/peers/accuracy
if [ ! -f "$venv/ready" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q --disable-pip-version-check -r "$here/requirements-accuracy.txt"
  touch "$venv/ready"
fi
exec "$venv/bin/python" "$here/accuracy.py" "$@"
