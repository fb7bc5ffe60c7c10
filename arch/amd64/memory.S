/* SPDX-License-Identifier: MIT */
/*
 * memcpy and memset, in place of newlib's: those push registers without saying so in the unwind
 * table, so that a sample that lands in them would have a wrong caller; and from 256 bytes on they
 * write around the cache, which is wrong for data that is used next. General registers only:
 * handlers call them.
 *
 * 8 to 32 bytes are moved by loads and stores that overlap in the middle; more by the string
 * instructions, eight bytes at a time, after the odd rest at the end; fewer byte by byte.
 */
#include "arch/amd64/asm.h"

/* clang-format off */
        .text

/* void *memcpy(void *to, const void *from, size_t bytes) */
        .balign 64
FUNCTION(memcpy)
        movq    %rdi, %rax
        cmpq    $8, %rdx
        jb      3f
        cmpq    $16, %rdx
        ja      1f
        movq    (%rsi), %rcx            # 8 to 16
        movq    -8(%rsi, %rdx), %r8
        movq    %rcx, (%rdi)
        movq    %r8, -8(%rdi, %rdx)
        retq
1:      cmpq    $32, %rdx
        ja      2f
        movq    (%rsi), %rcx            # 17 to 32
        movq    8(%rsi), %r8
        movq    -16(%rsi, %rdx), %r9
        movq    -8(%rsi, %rdx), %r10
        movq    %rcx, (%rdi)
        movq    %r8, 8(%rdi)
        movq    %r9, -16(%rdi, %rdx)
        movq    %r10, -8(%rdi, %rdx)
        retq
2:      movq    -8(%rsi, %rdx), %r8     # the end first: nothing else knows where it is afterwards
        movq    %r8, -8(%rdi, %rdx)
        movq    %rdx, %rcx
        shrq    $3, %rcx
        rep movsq
        retq
3:      testl   %edx, %edx
        jz      5f
4:      movzbl  -1(%rsi, %rdx), %ecx
        movb    %cl, -1(%rdi, %rdx)
        decl    %edx
        jnz     4b
5:      retq
END(memcpy)

/* void *memset(void *to, int byte, size_t bytes) */
        .balign 64
FUNCTION(memset)
        movq    %rdi, %r9
        movzbl  %sil, %eax
        movabsq $0x0101010101010101, %rcx
        imulq   %rcx, %rax
        cmpq    $8, %rdx
        jb      3f
        cmpq    $16, %rdx
        ja      1f
        movq    %rax, (%rdi)            # 8 to 16
        movq    %rax, -8(%rdi, %rdx)
        movq    %r9, %rax
        retq
1:      cmpq    $32, %rdx
        ja      2f
        movq    %rax, (%rdi)            # 17 to 32
        movq    %rax, 8(%rdi)
        movq    %rax, -16(%rdi, %rdx)
        movq    %rax, -8(%rdi, %rdx)
        movq    %r9, %rax
        retq
2:      movq    %rax, -8(%rdi, %rdx)
        movq    %rdx, %rcx
        shrq    $3, %rcx
        rep stosq
        movq    %r9, %rax
        retq
3:      testl   %edx, %edx
        jz      5f
4:      movb    %al, -1(%rdi, %rdx)
        decl    %edx
        jnz     4b
5:      movq    %r9, %rax
        retq
END(memset)
/* clang-format on */

        .section .note.GNU-stack, "", @progbits
