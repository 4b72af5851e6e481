#!/usr/bin/env bash
# Fetches what no Debian package brings (the inference runtimes, SQLite with encryption, USearch) with
# the registries' own clients into the cache, pinned by version and SHA-256. Does nothing when it is there.
set -euo pipefail

cache=${VISAVIS_CACHE:-$HOME/.cache/visavis}
downloads=$cache/downloads
runtimes=$cache/runtimes
mkdir -p "$downloads" "$runtimes"

say() { printf 'runtimes: %s\n' "$*" >&2; }

# check FILE SHA256
check() { printf '%s  %s\n' "$2" "$1" | sha256sum --check --status; }

# wheel NAME VERSION SHA256 FILE: the CPython 3.11 build, whatever Python is here
wheel() {
  local name=$1 version=$2 sha=$3 file=$downloads/$4
  if [ -f "$file" ] && check "$file" "$sha"; then printf '%s' "$file"; return; fi
  say "downloading $name $version"
  printf '%s==%s --hash=sha256:%s\n' "$name" "$version" "$sha" > "$downloads/$name.lock"
  python3 -m pip download -q --disable-pip-version-check --no-deps --require-hashes \
    --python-version 3.11 --implementation cp --platform manylinux_2_28_x86_64 \
    --only-binary=:all: -r "$downloads/$name.lock" -d "$downloads" >&2
  rm -f "$downloads/$name.lock"
  check "$file" "$sha" || { say "$name $version does not have the pinned hash"; exit 1; }
  printf '%s' "$file"
}

# tarball NAME VERSION SHA256
tarball() {
  local name=$1 version=$2 sha=$3 file=$downloads/$1-$2.tgz
  if [ -f "$file" ] && check "$file" "$sha"; then printf '%s' "$file"; return; fi
  say "downloading $name $version"
  (cd "$downloads" && npm pack --silent "$name@$version" > /dev/null)
  check "$file" "$sha" || { say "$name $version does not have the pinned hash"; exit 1; }
  printf '%s' "$file"
}

# A target folder appears by one rename, so that an interrupted run leaves nothing half unpacked.
openvino() {
  local target=$runtimes/openvino-2026.4.1
  [ -e "$target" ] && return
  local file tmp
  file=$(wheel openvino 2026.4.1 2d22b1da03f7caf74df30e9f6417d0ab2f637e4a38e08e1dcd294d2c37407aaf \
    openvino-2026.4.1-22982-cp311-cp311-manylinux_2_28_x86_64.whl)
  tmp=$(mktemp -d "$runtimes/.openvino.XXXXXX")
  python3 -m zipfile -e "$file" "$tmp"
  chmod -R u+rwX,go+rX "$tmp"
  mv -T "$tmp" "$target"
  say "openvino 2026.4.1 is ready"
}

onnxruntime() {
  local target=$runtimes/onnxruntime-1.31.1
  [ -e "$target" ] && return
  local file headers tmp
  file=$(wheel onnxruntime 1.31.1 5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f \
    onnxruntime-1.31.1-cp311-cp311-manylinux_2_28_x86_64.whl)
  # The wheel has no headers; the same API level's are in this package's Apple framework.
  headers=$(tarball com.github.asus4.onnxruntime 0.4.9 \
    e59788788818fdde1b2e522e766a21ba0f7d8391de55737abf81e32cc801785d)
  tmp=$(mktemp -d "$runtimes/.onnxruntime.XXXXXX")
  mkdir "$tmp/include" "$tmp/lib"
  tar -xzf "$headers" -C "$tmp/include" --strip-components=7 --wildcards \
    'package/Plugins/iOS~/onnxruntime.xcframework/ios-arm64/onnxruntime.framework/Headers/*'
  python3 -m zipfile -e "$file" "$tmp/wheel"
  mv "$tmp/wheel/onnxruntime/capi/libonnxruntime.so.1.31.1" "$tmp/lib/"
  ln -s libonnxruntime.so.1.31.1 "$tmp/lib/libonnxruntime.so.1"
  rm -rf "$tmp/wheel"
  chmod -R u+rwX,go+rX "$tmp"
  mv -T "$tmp" "$target"
  say "onnxruntime 1.31.1 is ready"
}

# SQLite with page encryption: the amalgamation of SQLite3 Multiple Ciphers 2.4.0, which is SQLite 3.53.4
# and its ciphers, as this package compiles it.
sqlite3mc() {
  local target=$runtimes/sqlite3mc-2.4.0
  [ -e "$target" ] && return
  local file tmp
  file=$(tarball better-sqlite3-multiple-ciphers 13.0.3 \
    24a11e221247fc003f755ad0f82126bc6b0295d0be1c06f3cb3e48d9db8eb898)
  tmp=$(mktemp -d "$runtimes/.sqlite3mc.XXXXXX")
  tar -xzf "$file" -C "$tmp" --strip-components=3 \
    package/deps/sqlite3/sqlite3.c package/deps/sqlite3/sqlite3.h
  chmod -R u+rwX,go+rX "$tmp"
  mv -T "$tmp" "$target"
  say "sqlite3mc 2.4.0 is ready"
}

# One header: graphs of nearest neighbours. Its package also has programs for five systems.
usearch() {
  local target=$runtimes/usearch-2.25.3
  [ -e "$target" ] && return
  local file tmp
  file=$(tarball usearch 2.25.3 006132253b3484a58726afbf300baf449c680cba00f2d2a869011415ed16db3e)
  tmp=$(mktemp -d "$runtimes/.usearch.XXXXXX")
  tar -xzf "$file" -C "$tmp" --strip-components=1 package/LICENSE package/include/usearch/index.hpp
  chmod -R u+rwX,go+rX "$tmp"
  mv -T "$tmp" "$target"
  say "usearch 2.25.3 is ready"
}

# TensorFlow Lite's C API for Linux is in no wheel: JavaCPP's package has the library. It comes by Maven,
# which is not installed for it: without Maven this engine is left out of the build.
tensorflowlite() {
  local target=$runtimes/tensorflowlite-2.20.0
  [ -e "$target" ] && return
  if ! command -v mvn > /dev/null; then
    say "Maven is not installed: the engine tflite is left out (apt-get install maven brings it)"
    return
  fi
  local name=tensorflow-lite-2.20.0-1.5.13-linux-x86_64.jar file tmp
  local sha=9bba5aaa6c53a005404a3f1b4bc4789d2bb1ec3dbe17896829822c883832542b
  file=$downloads/$name
  if ! { [ -f "$file" ] && check "$file" "$sha"; }; then
    say "downloading tensorflow-lite 2.20.0"
    if ! mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
      -Dartifact=org.bytedeco:tensorflow-lite:2.20.0-1.5.13:jar:linux-x86_64 \
      -DoutputDirectory="$downloads" > "$downloads/maven.log" 2>&1; then
      say "Maven cannot bring tensorflow-lite 2.20.0 (see $downloads/maven.log): the engine tflite is left out"
      return
    fi
    check "$file" "$sha" || { say "tensorflow-lite 2.20.0 does not have the pinned hash"; exit 1; }
  fi
  tmp=$(mktemp -d "$runtimes/.tensorflowlite.XXXXXX")
  mkdir "$tmp/lib"
  python3 -m zipfile -e "$file" "$tmp/jar"
  mv "$tmp/jar/org/bytedeco/tensorflowlite/linux-x86_64/libjnitensorflowlite.so" "$tmp/lib/libtensorflowlite.so"
  rm -rf "$tmp/jar"
  chmod -R u+rwX,go+rX "$tmp"
  mv -T "$tmp" "$target"
  say "tensorflow-lite 2.20.0 is ready"
}

openvino
onnxruntime
tensorflowlite
sqlite3mc
usearch
