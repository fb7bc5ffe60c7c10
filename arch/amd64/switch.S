/* SPDX-License-Identifier: MIT */
/* The voluntary switch, and the first frame of a thread. */
#include "arch/amd64/asm.h"

        .text

/*
 * void arch_switch(void **save_sp, void *next_sp)
 *
 * In:  rdi where the parked stack pointer goes, rsi the stack pointer to resume; interrupts off.
 * Out: returns on the resumed stack, to whoever parked it, with that thread's rbx, rbp, r12-r15, rsp.
 *
 * A plain call, so rax, rcx, rdx, rsi, rdi, r8-r11 and all vector registers are dead here. The
 * control words of the vector units follow when the thread has ever used them (port/fpu.h). It ends in
 * pop and jmp, not ret: the return-stack predictor holds the other thread's calls, and a ret to
 * a different call site costs 5 ns more (measured on a Zen 4). 16 instructions.
 * The CFI describes the caller's frame as seen from the stack pointer that is in force.
 */
        .balign 64
        .globl  arch_switch_begin
arch_switch_begin:
FUNCTION(arch_switch)
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r15, 0
        movq    %rsp, (%rdi)            # parked: from here on the stack belongs to save_sp's owner
        movq    %rsi, %rsp              # the next thread's registers lie in the same order
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_same_value r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_same_value r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_same_value r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_same_value r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_same_value rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_same_value rbp
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        .cfi_register rip, rcx
        jmp     *%rcx
END(arch_switch)
        .globl  arch_switch_end
arch_switch_end:

/*
 * Where a new context starts: arch_context_init has left the entry function in rbx and its argument in
 * rbp. Interrupts are off; the entry function turns them on.
 * The return address is undefined: call chains end here.
 */
        .balign 16
FUNCTION(arch_thread_start)
        .cfi_undefined rip
        nop                             # never executed: a call site, one byte back, must lie in here
        .globl  arch_thread_resume
arch_thread_resume:
        movq    %rbp, %rdi
        xorl    %ebp, %ebp              # for readers of frame-pointer chains: none above this one
        callq   *%rbx
        callq   upcall_thread_returned  # the entry function must not return
END(arch_thread_start)

/*
 * void arch_unwind_here(struct arch_unwind *registers)
 *
 * The caller's registers as they are after the call: callee-saved ones, rsp, and as pc and return address
 * where the call returns to. The others are dead to the caller and read as 0.
 */
        .balign 16
FUNCTION(arch_unwind_here)
        movq    (%rsp), %rax
        leaq    8(%rsp), %rcx
        movq    %rax, (%rdi)            # pc, then value[n] at 8 + 8n, by DWARF number
        .irp    n, 0, 1, 2, 4, 5, 8, 9, 10, 11
        movq    $0, 8 + 8 * \n(%rdi)
        .endr
        movq    %rbx, 8 + 8 * 3(%rdi)
        movq    %rbp, 8 + 8 * 6(%rdi)
        movq    %rcx, 8 + 8 * 7(%rdi)
        movq    %r12, 8 + 8 * 12(%rdi)
        movq    %r13, 8 + 8 * 13(%rdi)
        movq    %r14, 8 + 8 * 14(%rdi)
        movq    %r15, 8 + 8 * 15(%rdi)
        movq    %rax, 8 + 8 * 16(%rdi)
        retq
END(arch_unwind_here)

        .section .note.GNU-stack, "", @progbits
