#!/usr/bin/env bash
# Says what is missing to build, and how to get it. Silent when all is there.
set -euo pipefail

missing=0
need() { # WHAT HOW-TO-GET-IT
    echo "missing: $1" >&2
    echo "    get it: $2" >&2
    missing=1
}

# True when version $1 is at least $2.
at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
    need "cargo and rustc" "https://rustup.rs (rust-toolchain.toml then picks the version)"
fi

go_wanted=$(awk '$1 == "go" { print $2; exit }' "$(dirname "$0")/cometbft/go.mod")
if ! command -v go >/dev/null; then
    need "go $go_wanted or newer" "https://go.dev/dl"
else
    # In the folder of go.mod, a Go of 1.21 or newer may fetch the wanted one by itself.
    go_found=$(cd "$(dirname "$0")/cometbft" && go env GOVERSION 2>/dev/null | sed 's/^go//; s/[ -].*//') || go_found=0
    at_least "${go_found:-0}" "$go_wanted" ||
        need "go $go_wanted or newer (found $(go version 2>/dev/null | cut -d' ' -f3))" "https://go.dev/dl"
fi

if ! command -v python3 >/dev/null; then
    need "python3" "apt-get install python3 python3-pip"
elif ! python3 -m pip --version >/dev/null 2>&1; then
    need "pip for python3" "apt-get install python3-pip, or python3 -m ensurepip"
fi

command -v "${CXX:-c++}" >/dev/null || need "a C++ compiler (${CXX:-c++})" "apt-get install g++"
command -v "${CC:-cc}" >/dev/null || need "a C compiler (${CC:-cc})" "apt-get install gcc"
command -v cmake >/dev/null || need "cmake" "apt-get install cmake"
command -v make >/dev/null || need "make" "apt-get install make"

exit "$missing"
