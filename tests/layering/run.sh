#!/usr/bin/env bash
# The guard of cmake/VisavisModule.cmake must refuse what the architecture forbids. Each case is a
# tiny tree that breaks one rule; the configure step has to fail and to say why.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
passed=0

# expect NAME PATTERN: configures $work/NAME and wants a failure whose text has PATTERN
expect() {
  local output
  if output=$(cmake -S "$work/$1" -B "$work/$1/build" 2>&1); then
    echo "  $1: was accepted"
    failed=$((failed + 1))
  elif tr '\n' ' ' <<< "$output" | tr -s ' ' | grep -q "$2"; then
    echo "  $1: refused"
    passed=$((passed + 1))
  else
    echo "  $1: failed for another reason"
    echo "$output"
    failed=$((failed + 1))
  fi
}

# tree NAME: the two modules base/core and gallery/index, and a root file without its body
tree() {
  mkdir -p "$work/$1"/libs/{base/core,gallery/matching,gallery/index,face/embed}
  for module in base/core gallery/matching gallery/index face/embed; do
    local name=${module#*/}
    mkdir -p "$work/$1/libs/$module/include/visavis/$name"
    echo '#pragma once' > "$work/$1/libs/$module/include/visavis/$name/$name.hpp"
    echo "visavis_module($name HEADERS include/visavis/$name/$name.hpp)" \
      > "$work/$1/libs/$module/CMakeLists.txt"
  done
  cat > "$work/$1/CMakeLists.txt" << END
cmake_minimum_required(VERSION 3.25)
project(broken LANGUAGES CXX)
list(PREPEND CMAKE_MODULE_PATH $root/cmake)
include(VisavisModule)
add_subdirectory(libs/base/core)
add_subdirectory(libs/face/embed)
add_subdirectory(libs/gallery/matching)
add_subdirectory(libs/gallery/index)
visavis_check_includes()
END
}

header() { echo "$work/$1/libs/$2/include/visavis/${2#*/}/${2#*/}.hpp"; }
module() { echo "visavis_module(${2#*/} HEADERS include/visavis/${2#*/}/${2#*/}.hpp $3)" \
  > "$work/$1/libs/$2/CMakeLists.txt"; }

tree wrong_tier
module wrong_tier gallery/index 'DEPS visavis::embed'
expect wrong_tier 'layering: gallery/index may not see face/embed'

tree sibling
module sibling gallery/index 'DEPS visavis::matching'
expect sibling 'layering: gallery/index may not see gallery/matching'

tree undeclared_include
echo '#include <visavis/core/core.hpp>' >> "$(header undeclared_include gallery/index)"
expect undeclared_include 'includes visavis/core without linking'

tree public_third_party
module public_third_party gallery/index 'DEPS Threads::Threads'
expect public_third_party 'may only be a PRIVATE_DEPS'

tree fine
module fine gallery/index 'DEPS visavis::core'
if cmake -S "$work/fine" -B "$work/fine/build" > "$work/log" 2>&1; then
  passed=$((passed + 1))
else
  echo '  a correct tree was refused'
  cat "$work/log"
  failed=$((failed + 1))
fi

echo "  layering: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
