#!/usr/bin/env bash
# Finds libclang, which generates the bindings to llama.cpp, and writes what the build must
# know about it to the file $1 (to be sourced). LIBCLANG_PATH of the environment wins; then
# the system's; else the wheel from the Python registry, unpacked into target/libclang.
set -euo pipefail

out=${1:?the file to write}
root=$(cd "$(dirname "$0")/.." && pwd)
wheel=libclang==18.1.1
mkdir -p "$(dirname "$out")"

system_libclang() {
    local file
    # libclang-cpp is another library.
    for file in \
        $(ldconfig -p 2>/dev/null | awk '/libclang([-.][0-9.]*)?\.so/ { print $NF }') \
        /usr/lib/llvm-*/lib/libclang*.so* /usr/lib64/libclang*.so* /usr/lib/libclang*.so*; do
        case $file in *libclang-cpp*) continue ;; esac
        if [ -e "$file" ]; then
            dirname "$(readlink -f "$file")"
            return
        fi
    done
}

include=$("${CC:-cc}" -print-file-name=include)
if [ -n "${LIBCLANG_PATH:-}" ]; then
    path=$LIBCLANG_PATH
else
    path=$(system_libclang)
fi
if [ -z "$path" ]; then
    path=$root/target/libclang/clang/native
    if [ ! -e "$path/libclang.so" ]; then
        echo "libclang is not installed: taking $wheel from the Python registry into target/libclang"
        rm -rf "$root/target/libclang.new"
        PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-input --no-deps \
            --target "$root/target/libclang.new" "$wheel"
        rm -rf "$root/target/libclang"
        mv "$root/target/libclang.new" "$root/target/libclang"
    fi
fi

{
    echo "# Written by deploy/libclang.sh."
    printf 'export LIBCLANG_PATH="${LIBCLANG_PATH:-%s}"\n' "$path"
    # libclang without its own headers (the wheel has none) takes the compiler's.
    if ! compgen -G "$path/clang/*/include/stddef.h" >/dev/null; then
        printf 'export BINDGEN_EXTRA_CLANG_ARGS="${BINDGEN_EXTRA_CLANG_ARGS:--I%s}"\n' "$include"
    fi
} >"$out.new"
mv "$out.new" "$out"
