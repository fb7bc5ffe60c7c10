/* SPDX-License-Identifier: MIT */
/*
 * Every vector register from memory and back, and an interrupt as the CPU delivers it, for
 * amd64_vectors.c. Where a register set is wider the narrower one is its lower part.
 */
#include "arch/amd64/frame.h"
#include "tests/unit/amd64_vectors.h"

/* clang-format off */
        .text

/* rdi: struct vectors */
        .macro  registers_load
        fxrstor64 VECTORS_LEGACY(%rdi)
        cmpl    $LEVEL_AVX, VECTORS_LEVEL(%rdi)
        jb      9f
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        vmovdqu VECTORS_WIDE + \n * 64(%rdi), %ymm\n
        .endr
        cmpl    $LEVEL_AVX512, VECTORS_LEVEL(%rdi)
        jb      9f
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, \
                24, 25, 26, 27, 28, 29, 30, 31
        vmovdqu64 VECTORS_WIDE + \n * 64(%rdi), %zmm\n
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        kmovq   VECTORS_MASKS + \n * 8(%rdi), %k\n
        .endr
9:
        .endm

        .macro  registers_store
        fxsave64 VECTORS_LEGACY(%rdi)
        cmpl    $LEVEL_AVX, VECTORS_LEVEL(%rdi)
        jb      9f
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        vmovdqu %ymm\n, VECTORS_WIDE + \n * 64(%rdi)
        .endr
        cmpl    $LEVEL_AVX512, VECTORS_LEVEL(%rdi)
        jb      9f
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, \
                24, 25, 26, 27, 28, 29, 30, 31
        vmovdqu64 %zmm\n, VECTORS_WIDE + \n * 64(%rdi)
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        kmovq   %k\n, VECTORS_MASKS + \n * 8(%rdi)
        .endr
9:
        .endm

        .globl  vectors_load, vectors_store
vectors_load:
        registers_load
        ret
vectors_store:
        registers_store
        ret

/*
 * void vectors_call(struct vectors *io, bool (*function)(struct core *), struct core *core)
 *
 * Calls it in single steps, with these registers, and says what they are behind it.
 */
        .globl  vectors_call
vectors_call:
        pushq   %rbx
        movq    %rdi, %rbx
        movq    %rsi, %rax
        registers_load
        movq    %rdx, %rdi
        int3
        callq   *%rax
        int3
        movq    %rbx, %rdi
        registers_store
        popq    %rbx
        ret

/*
 * void vectors_interrupted(struct interrupted *what)
 *
 * A thread with the registers *what says is interrupted on its own stack, and goes on. The general
 * registers that a call may change have a pattern, too. Single steps end with the frame's flags.
 */
        .globl  vectors_interrupted
vectors_interrupted:
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rdi, %rbx
        movq    %rsp, %r12
        movq    INTERRUPTED_THREAD_SP(%rbx), %r13
        leaq    INTERRUPTED_IN(%rbx), %rdi
        registers_load
        movl    INTERRUPTED_INITIAL(%rbx), %eax # components that are in their initial state, to the CPU
        testl   %eax, %eax
        jz      1f
        xorl    %edx, %edx
        xrstor64 vectors_initial
1:      int3
        movq    INTERRUPTED_SYSTEM_SP(%rbx), %rsp
        movl    %ss, %eax
        pushq   %rax
        pushq   %r13
        pushfq
        movl    %cs, %eax
        pushq   %rax
        pushq   $2f
        .irp    register, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
        movq    INTERRUPTED_GENERAL(%rbx), %\register
        .endr
        jmpq    *INTERRUPTED_ENTRY(%rbx)
2:      movq    %rsp, INTERRUPTED_THREAD_SP_AFTER(%rbx)
        movq    %r12, %rsp
        xorl    %ebp, %ebp
        .irp    register, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
        xorq    INTERRUPTED_GENERAL(%rbx), %\register
        orq     %\register, %rbp
        .endr
        movq    %rbp, INTERRUPTED_GENERAL_WRONG(%rbx)
        leaq    INTERRUPTED_OUT(%rbx), %rdi
        registers_store
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret

/* From arch_preempt, on the thread's stack, interrupts off: other threads run, and use the unit. */
        .globl  upcall_preempt
upcall_preempt:
        int3                            # no single steps
        leaq    8(%rsp), %rdi
        pushq   %rax
        callq   preempted
        popq    %rax
        leaq    vectors_others, %rdi
        registers_load
        int3
        ret
/* clang-format on */

        .section .note.GNU-stack, "", @progbits
