#!/usr/bin/env bash
# What must hold for every file before it lands: formatting, layering, self-contained headers,
# clang-tidy. Prints what it runs; fails at the end of the step that found something.
#
#     tools/check.sh              # every unit
#     tools/check.sh --recent H   # clang-tidy only on what the H hours before the last commit touched
#
# A touched header is analysed through one unit that includes it. A clone without history has all
# its files in one commit, so everything in it is recent.
#
# TIDY_NODES is how far the static analyser follows a function: 50,000 states take less than half of
# the time that its own 225,000 do.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=$(nproc)
nodes=${TIDY_NODES:-50000}
hours=
case ${1-} in
  '') ;;
  --recent) hours=${2:?how many hours} ;;
  *) echo "usage: tools/check.sh [--recent HOURS]" >&2; exit 64 ;;
esac
mapfile -t sources < <(git ls-files 'libs/*.cpp' 'libs/*.hpp' 'apps/*.cpp' 'apps/*.hpp' \
  'tests/*.cpp' 'tests/*.hpp' 'bench/*.cpp')

echo "check: clang-format on ${#sources[@]} files"
clang-format-19 --dry-run --Werror "${sources[@]}"

echo "check: no conflict is left unresolved"
if git grep -nE '^(<<<<<<<|>>>>>>>) '; then exit 1; fi

echo "check: public headers are at most 400 lines"
too_long=$(git ls-files 'libs/*/include/*.hpp' 'libs/*/*/include/*.hpp' | xargs wc -l |
  awk '$2 != "total" && $1 > 400')
[ -z "$too_long" ] || { echo "$too_long"; exit 1; }

echo "check: no library prints, aborts or exits"
if git grep -nE 'std::(cout|cerr|clog)|\b(printf|puts|abort|exit)\(' -- 'libs/*/src/*' \
  'libs/*/include/*' 'libs/*/backends/*'; then
  echo 'a library must return what it has to say'
  exit 1
fi

echo "check: deploy/ (hadolint, yamllint, the Compose schema)"
lint=${VISAVIS_CACHE:-$HOME/.cache/visavis}/lint/$(sha256sum tools/requirements-lint.txt | head -c 16)
if [ ! -e "$lint/done" ]; then
  python3 -m venv "$lint"
  "$lint/bin/pip" install -q --disable-pip-version-check --require-hashes -r tools/requirements-lint.txt
  touch "$lint/done"
fi
"$lint/bin/hadolint" deploy/Containerfile
"$lint/bin/yamllint" --strict deploy
"$lint/bin/check-jsonschema" --quiet --builtin-schema vendor.compose-spec deploy/compose.yaml

echo "check: layering (configures; then four trees that break a rule must be refused)"
cmake --preset release > /dev/null
tests/layering/run.sh

echo "check: every public header compiles alone"
cmake --build --preset release -j "$jobs" --target all_verify_interface_header_sets > /dev/null

echo "check: clang-tidy"
# Generated sources (protobuf, flatbuffers) must exist before a file that includes them is analysed.
cmake --build --preset release -j "$jobs" > /dev/null
mapfile -t units < <(git ls-files 'libs/*/src/*.cpp' 'libs/*/backends/*.cpp' 'apps/*.cpp' ':!apps/*/tests/*' ':!apps/*/fuzz/*')
if [ -n "$hours" ]; then
  mapfile -t units < <(tools/recent_units.py build/release "$hours" "${units[@]}")
fi
echo "check: ${#units[@]} units"
[ ${#units[@]} -gt 0 ] || { echo "check: all good"; exit 0; }
printf '%s\n' "${units[@]}" | xargs -P "$jobs" -n 2 clang-tidy-19 -p build/release --quiet \
  --extra-arg=-Wno-unknown-warning-option --extra-arg=-Xclang --extra-arg=-analyzer-config \
  --extra-arg=-Xclang --extra-arg=max-nodes="$nodes" > build/tidy.log 2> /dev/null ||
  { grep -E 'warning:|error:' build/tidy.log | sort -u | head -60; exit 1; }
echo "check: all good"
