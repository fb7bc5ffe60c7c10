/* SPDX-License-Identifier: MIT */
/* A voluntary switch for the host, with the call frame information of one, and arch_unwind_here. Parked: rbx,
 * rbp, r12-r15, return address, upwards from the saved stack pointer. */
        .text
        .globl  fake_switch
        .type   fake_switch, @function
fake_switch:
        .cfi_startproc
        .irp    reg, r15, r14, r13, r12, rbp, rbx
        push    %\reg
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset \reg, 0
        .endr
        mov     %rsp, (%rdi)
        mov     %rsi, %rsp
        .irp    reg, rbx, rbp, r12, r13, r14, r15
        pop     %\reg
        .cfi_adjust_cfa_offset -8
        .cfi_restore \reg
        .endr
        ret
        .cfi_endproc
        .size   fake_switch, . - fake_switch

/* The first frame of a made-up context: rbx is the entry function. */
        .globl  fake_first_frame
        .type   fake_first_frame, @function
fake_first_frame:
        .cfi_startproc
        .cfi_undefined rip
        nop
        .globl  fake_first_return
fake_first_return:
        call    *%rbx
        ud2
        .cfi_endproc
        .size   fake_first_frame, . - fake_first_frame

        .globl  arch_unwind_here
        .type   arch_unwind_here, @function
arch_unwind_here:
        .cfi_startproc
        mov     (%rsp), %rax
        lea     8(%rsp), %rdx
        mov     %rax, (%rdi)            /* pc */
        mov     %rbx, 8+8*3(%rdi)
        mov     %rbp, 8+8*6(%rdi)
        mov     %rdx, 8+8*7(%rdi)       /* sp */
        mov     %r12, 8+8*12(%rdi)
        mov     %r13, 8+8*13(%rdi)
        mov     %r14, 8+8*14(%rdi)
        mov     %r15, 8+8*15(%rdi)
        ret
        .cfi_endproc
        .size   arch_unwind_here, . - arch_unwind_here

        .section .note.GNU-stack, "", @progbits
