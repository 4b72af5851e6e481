#!/usr/bin/env bash
# Puts everything on the machine that building and testing need: Debian packages (as root; otherwise
# it says which to install) and what fetch_runtimes.sh brings (into the cache). Does nothing when it is all
# there.
#   tools/setup.sh [--check-tools]   with --check-tools also what `make check` and `make fuzz` need
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

build=(g++ cmake ninja-build ccache pkg-config
  libturbojpeg0-dev libjpeg62-turbo-dev libspng-dev libwebp-dev libgif-dev libheif-dev libexif-dev
  libstb-dev libhwy-dev nlohmann-json3-dev libcli11-dev libtomlplusplus-dev libpugixml-dev libssl-dev libarchive-dev
  libcurl4-openssl-dev libsystemd-dev libc-ares-dev libminizip-dev libboost1.81-dev prometheus-cpp-dev
  libprotobuf-dev protobuf-compiler libflatbuffers-dev flatbuffers-compiler
  libgtest-dev libgmock-dev libbenchmark-dev)
check=(clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev)

wanted=("${build[@]}")
[ "${1:-}" = --check-tools ] && wanted+=("${check[@]}")
# These may have come by another way than Debian's package.
command -v npm > /dev/null || wanted+=(npm)
python3 -m pip --version > /dev/null 2>&1 || wanted+=(python3 python3-pip)
python3 -c 'import ensurepip' > /dev/null 2>&1 || wanted+=(python3-venv)

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f '${Status}' "$package" 2> /dev/null || true)
  case $status in *' installed') ;; *) missing+=("$package") ;; esac
done

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ]; then
    printf 'setup: install these packages first, as root:\n  apt-get install --no-install-recommends %s\n' \
      "${missing[*]}" >&2
    exit 4
  fi
  printf 'setup: installing %d Debian packages\n' "${#missing[@]}" >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    > /dev/null
fi

"$here/fetch_runtimes.sh"
