/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel (or the dynamic linker) starts the process: rsp points at argc, rdx is the dynamic
 * linker's exit function. libc is brought up as usual, but is given hosted_main and not the application's
 * main, which thread 1 calls later; and hosted_init, so that it leaves the application's
 * constructors to thread 1 as well.
 */
#include "arch/amd64/asm.h"

/* clang-format off */
        .text
FUNCTION(_start)
        .cfi_undefined rip
        xorl    %ebp, %ebp
        movq    %rdx, %r9               # rtld_fini
        movq    (%rsp), %rsi            # argc
        leaq    8(%rsp), %rdx           # argv
        andq    $-16, %rsp
        pushq   %rax
        pushq   %rsp                    # stack_end
        xorl    %r8d, %r8d              # fini: libc finds the destructors itself
        movq    $hosted_init, %rcx
        movq    $hosted_main, %rdi
        callq   *__libc_start_main@GOTPCREL(%rip)
        hlt
END(_start)
/* clang-format on */

/* An output section that nothing comes into would be one for data (linker/linux.ld.S). */
        .section .restart.keep, "ax", @progbits
        ud2

        .section .note.GNU-stack, "", @progbits
