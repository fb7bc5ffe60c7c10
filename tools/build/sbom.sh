#!/bin/bash
# SPDX-License-Identifier: MIT
# sbom.sh OUT [PATH...]: writes an SPDX 2.3 bill of materials, in tag-value form, of this tree: each file with its
# checksums and licence, and what images are linked with that is not in the tree (newlib, libgcc) and in which version.
# PATHs: built files (images, libraries), listed as generated from the rest. The same tree gives the same text.
# Source: SPDX specification 2.3, https://spdx.github.io/spdx-spec/v2.3/ (clauses 6 to 11).
set -eu
[ $# -ge 1 ] || { echo "usage: sbom.sh OUT [PATH...]" >&2; exit 1; }
out=$1
shift
version=$(sed -n 's/^VERSION := //p' tools/build/install.mk)

if [ -e .git ] && command -v git >/dev/null; then
    files=$(git ls-files)
    commit=$(git rev-parse HEAD)
    epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
else
    files=$(find . -path ./build -prune -o -type f -print | sed 's|^\./||')
    commit=unknown epoch=${SOURCE_DATE_EPOCH:-0}
fi
files=$(printf '%s\n' "$files" | LC_ALL=C sort)

# Debian's version of a package, or NOASSERTION when it is not installed.
debian_version() { dpkg-query -W -f '${source:Version}' "$1" 2>/dev/null || echo NOASSERTION; }

# package NAME ID VERSION LOCATION LICENCE COMMENT
package() {
    printf '\nPackageName: %s\nSPDXID: SPDXRef-%s\nPackageVersion: %s\nPackageDownloadLocation: %s\n' "$1" "$2" "$3" "$4"
    printf 'FilesAnalyzed: false\nPackageLicenseConcluded: NOASSERTION\nPackageLicenseDeclared: %s\n' "$5"
    printf 'PackageCopyrightText: NOASSERTION\nPackageComment: <text>%s</text>\n' "$6"
}

# file PATH ID COMMENT
file() {
    local licence=NONE
    grep -qm1 'SPDX-License-Identifier: MIT' <(head -n 3 "$1") && licence=MIT
    [ "$1" != LICENSE ] || licence=MIT
    printf '\nFileName: ./%s\nSPDXID: SPDXRef-%s\nFileChecksum: SHA1: %s\nFileChecksum: SHA256: %s\n' "$1" "$2" \
        "$(sha1sum <"$1" | cut -d' ' -f1)" "$(sha256sum <"$1" | cut -d' ' -f1)"
    printf 'LicenseConcluded: MIT\nLicenseInfoInFile: %s\nFileCopyrightText: NOASSERTION\n' "$licence"
    [ -z "$3" ] || printf 'FileComment: <text>%s</text>\n' "$3"
}

mkdir -p "$(dirname "$out")"
{
    # The package's verification code: SHA1 of the files' SHA1s, sorted, put together (clause 7.9).
    code=$(for f in $files; do sha1sum <"$f" | cut -d' ' -f1; done | LC_ALL=C sort | tr -d '\n' | sha1sum | cut -d' ' -f1)
    printf 'SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\nSPDXID: SPDXRef-DOCUMENT\nDocumentName: weft-%s\n' "$version"
    printf 'DocumentNamespace: https://spdx.org/spdxdocs/weft-%s-%s\n' "$version" "$code"
    printf 'Creator: Tool: weft-sbom.sh\nCreated: %s\n' "$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)"

    # Files that stand in front of every package belong to none.
    count=0
    for f; do
        count=$((count + 1))
        file "$f" "File-$count" 'built from this tree and linked with newlib and libgcc'
        printf 'Relationship: SPDXRef-File-%s GENERATED_FROM SPDXRef-weft\n' "$count"
    done

    printf '\nPackageName: weft\nSPDXID: SPDXRef-weft\nPackageVersion: %s\nPackageDownloadLocation: NOASSERTION\n' "$version"
    printf 'FilesAnalyzed: true\nPackageVerificationCode: %s\nPackageLicenseConcluded: MIT\n' "$code"
    printf 'PackageLicenseInfoFromFiles: MIT\nPackageLicenseDeclared: MIT\nPackageCopyrightText: NOASSERTION\n'
    printf 'PackageComment: <text>commit %s; no third-party code is in the tree</text>\n' "$commit"
    printf 'Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-weft\n'
    for f in $files; do
        count=$((count + 1))
        file "$f" "File-$count" ''
    done

    package newlib newlib "$(debian_version newlib-source)" https://tracker.debian.org/pkg/newlib NOASSERTION \
        'the C library of bare-metal images, compiled by tools/build/newlib.sh from the package newlib-source'
    printf 'Relationship: SPDXRef-newlib DEPENDENCY_OF SPDXRef-weft\n'
    package libgcc libgcc "$(gcc -dumpfullversion)" https://tracker.debian.org/pkg/gcc-12 'GPL-3.0-or-later WITH GCC-exception-3.1' \
        'integer helpers of the compiler that images are linked with'
    printf 'Relationship: SPDXRef-libgcc DEPENDENCY_OF SPDXRef-weft\n'
} >"$out.tmp"
mv "$out.tmp" "$out"
echo "$out: $(grep -c '^FileName: ' "$out") files, 3 packages"
