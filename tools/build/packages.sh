#!/bin/sh
# SPDX-License-Identifier: MIT
# packages.sh PACKAGE...: makes sure that Debian packages are installed. As root or with a sudo that asks
# nothing it installs what is missing; otherwise it prints the line to run and stops with status 1.
set -eu
missing=
for package in "$@"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
    as_root=
elif sudo -n true 2>/dev/null; then
    as_root=sudo
else
    echo "weft needs Debian packages that are not installed. Run this, then try again:" >&2
    echo "    sudo $install" >&2
    exit 1
fi
echo "installing:$missing"
$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
$as_root env DEBIAN_FRONTEND=noninteractive $install
