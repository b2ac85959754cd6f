#!/bin/sh
# aarch64.sh: build the library and the tests of kernels and model for aarch64 and run them under qemu;
# run by `make check-aarch64`. Needs Debian's gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user; the
# libraries for arm64 are fetched with apt-get into the build folder, nothing is installed.
set -eu
cd "$(dirname "$0")/.."
build=$PWD/build/aarch64
root=$build/sysroot
skip() {
    echo "1..0 # SKIP $1"
    exit 0
}
for tool in aarch64-linux-gnu-gcc qemu-aarch64 apt-get dpkg; do
    command -v "$tool" > /dev/null || skip "$tool is missing: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user"
done

# An apt of its own: another architecture, the machine's sources, its lists below the build folder.
fetch() {
    mkdir -p "$build/apt/lists/partial" "$build/apt/cache/archives/partial" "$build/debs" "$root"
    : > "$build/apt/status"
    set -- -qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o "Dir::State=$build/apt" \
        -o "Dir::State::lists=$build/apt/lists" -o "Dir::State::status=$build/apt/status" -o "Dir::Cache=$build/apt/cache" \
        -o APT::Sandbox::User=root
    apt-get "$@" update || return
    (cd "$build/debs" && apt-get "$@" download libarchive-dev zlib1g-dev libcmocka0 libcmocka-dev libcjson1 libcjson-dev libxxhash0 libxxhash-dev) || return
    for deb in "$build"/debs/*.deb; do
        dpkg -x "$deb" "$root" || return
    done
    touch "$root/done"
}
[ -e "$root/done" ] || fetch > "$build.log" 2>&1 || skip "the libraries for arm64 could not be fetched ($build.log)"

lib=$root/usr/lib/aarch64-linux-gnu
make -s V=release B="$build" CC=aarch64-linux-gnu-gcc AR=aarch64-linux-gnu-ar \
    PKG_CFLAGS="-isystem $root/usr/include -isystem $root/usr/include/cjson -isystem /usr/include/stb" \
    PKG_LIBS="-L$lib -Wl,-rpath-link,$lib -lcjson -lxxhash" LDFLAGS="-L$lib" \
    "$build/tests/test_kernels" "$build/tests/test_qgemm" "$build/tests/test_qkv" "$build/tests/test_bf16" "$build/tests/test_model" "$build/tests/test_vision"
# With and without the dot product and bf16 instructions.
for run in 'max bf16' 'cortex-a53 bf16' 'max kernels' 'cortex-a53 kernels' 'max qgemm' 'cortex-a53 qgemm' 'max qkv' 'max model' 'max vision'; do
    echo "# ${run% *}: test_${run#* }"
    CMOCKA_MESSAGE_OUTPUT=TAP T5G_TESTS=$PWD/tests qemu-aarch64 -cpu "${run% *}" -L /usr/aarch64-linux-gnu \
        -E "LD_LIBRARY_PATH=/usr/aarch64-linux-gnu/lib:$lib" "$build/tests/test_${run#* }"
done
