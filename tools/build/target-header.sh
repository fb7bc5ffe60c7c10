#!/bin/sh
# SPDX-License-Identifier: MIT
# target-header.sh FOLDER TARGET ARCH CC [newlib]: makes what refuses a program whose settings are not the installed library's.
# FOLDER/weft_abi.h: compiler, float ABI, libc settings; the installed C library includes it. FOLDER/weft_target.h:
# that, and the options (standard input, as #define lines); <weft/config.h> includes it when it is there.
set -eu
folder=$1 target=$2 arch=$3 cc=$4 libc=${5:-}
case $arch in
mips) is='defined(__mips__) \&\& defined(__MIPSEB__) \&\& _MIPS_SIM == _ABIO32' float='defined(__mips_soft_float)' ;;
mipsel) is='defined(__mips__) \&\& defined(__MIPSEL__) \&\& _MIPS_SIM == _ABIO32' float='defined(__mips_soft_float)' ;;
*) is='defined(__x86_64__) \&\& defined(__LP64__)' float='!defined(__SSE2__)' ;;
esac
is=$(printf '%s' "$is" | sed 's/\\//g')
flags="take the flags of pkg-config --cflags weft-$target"
mkdir -p "$folder"
cat >"$folder/weft_abi.h" <<END
/* SPDX-License-Identifier: MIT */
/* Made by make install: what weft for $target and its C library were compiled with. */
#ifndef __ASSEMBLER__
#if !($is)
#error "this is weft for $target: compile with $cc, and $flags"
#endif
#if $float
#error "weft and its C library are compiled for hardware floating point: do without -msoft-float, $flags"
#endif
#if $([ "$libc" = newlib ] && echo '!defined(__DYNAMIC_REENT__)' || echo 0)
#error "weft's C library keeps errno and stdio for each thread, which needs -D__DYNAMIC_REENT__: $flags"
#endif
#endif

END
{
    printf '/* SPDX-License-Identifier: MIT */\n/* Made by make install: the options of weft for %s. */\n' "$target"
    printf '#ifndef WEFT_TARGET_H\n#define WEFT_TARGET_H\n\n#include <weft_abi.h>\n\n'
    sort | sed -n 's/^#define \(WEFT_CONFIG_[A-Z_0-9]*\) \(.*\)/\1 \2/p' | while read -r name value; do
        cat <<END
#ifndef $name
#define $name $value
#elif $name != $value
#error "the installed library has $name $value: drop the setting, or run make install CONFIG=... with yours"
#endif

END
    done
    echo '#endif'
} >"$folder/weft_target.h"
