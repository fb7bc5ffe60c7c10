#!/bin/sh
# SPDX-License-Identifier: MIT
# newlib.sh ARCH DESTINATION HOST CROSS FLAGS: builds Debian's newlib source for one target, with
# the float ABI, the reent settings and the unwind tables that weft is compiled with.
set -eu
arch=$1 destination=$2 host=$3 cross=$4 flags=$5
archive=/usr/src/newlib/newlib-3.3.0.tar.xz
jobs=$(nproc)

fail() {
    echo "newlib for $arch: $1" >&2
    exit 1
}

[ -r "$archive" ] || fail "$archive is missing (package newlib-source)"
mkdir -p "$(dirname "$destination")"
# Two makes at once must not build in the same folder.
exec 9>"$destination.lock"
flock 9
[ "$destination/built" -nt "$0" ] && exit 0
work=$(mktemp -d "$PWD/build/newlib-$arch.XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM
log=$PWD/$destination.log

echo "newlib for $arch: unpacking and configuring"
tar -C "$work" -xf "$archive" --strip-components=1
mkdir "$work/objects"
cd "$work/objects"
prefix_map="-ffile-prefix-map=$work/=newlib/"
"$work/newlib/configure" --host="$host" --prefix="$work/install" --disable-multilib \
    --disable-newlib-supplied-syscalls --enable-newlib-retargetable-locking \
    --enable-newlib-io-long-long --enable-newlib-io-c99-formats --enable-newlib-reent-small \
    --disable-nls --disable-dependency-tracking CC="${cross}gcc" AR="${cross}ar" RANLIB="${cross}ranlib" AS="${cross}as" \
    CFLAGS="$flags $prefix_map" CCASFLAGS="$flags $prefix_map" >"$log" 2>&1 || fail "configure failed, see $log"

make -j"$jobs" >>"$log" 2>&1 &
maker=$!
while kill -0 $maker 2>/dev/null; do
    sleep 2
    printf '\rnewlib for %s: %d files compiled (of about 1000) ' "$arch" "$(find . -name '*.o' | wc -l)"
done
echo
wait $maker || fail "make failed, see $log"
make install >>"$log" 2>&1 || fail "make install failed, see $log"
cd - >/dev/null
rm -rf "$destination"
mkdir -p "$destination"
cp -r "$work/install/$host/include" "$work/install/$host/lib" "$destination/"
touch "$destination/built"
echo "newlib for $arch: ready in $destination"
