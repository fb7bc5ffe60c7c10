/* SPDX-License-Identifier: MIT */
/* Hand-written shapes: a leaf whose frame comes and goes in several ways, and a tail call out of a frame. */

/* clang-format off */
        .text

/* int adv_short_frame(int x): pushes, pops, moves rsp by lea, and addresses its frame by rbp. */
        .globl  adv_short_frame
        .type   adv_short_frame, @function
adv_short_frame:
        .cfi_startproc
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register rbp
        leaq    -40(%rsp), %rsp
        andq    $-32, %rsp
        movl    %edi, (%rsp)
        pushq   %rdi
        popq    %rax
        addl    (%rsp), %eax
        leave
        .cfi_def_cfa rsp, 8
        .cfi_restore rbp
        testl   %eax, %eax
        js      1f
        ret
1:      enter   $16, $0
        .cfi_def_cfa rbp, 16
        .cfi_offset rbp, -16
        leave
        .cfi_def_cfa rsp, 8
        .cfi_restore rbp
        ret
        .cfi_endproc
        .size   adv_short_frame, . - adv_short_frame

/* int adv_tail_out(int x): has a frame, drops it, and jumps into adv_tail_target(x + 1). */
        .globl  adv_tail_out
        .type   adv_tail_out, @function
adv_tail_out:
        .cfi_startproc
        pushq   %rbx
        .cfi_def_cfa_offset 16
        .cfi_offset rbx, -16
        movl    %edi, %ebx
        negl    %edi
        call    adv_short_frame         # once below 0, once not
        movl    %ebx, %edi
        movl    %eax, %ebx
        call    adv_short_frame
        leal    1(%rax, %rbx), %edi
        popq    %rbx
        .cfi_restore rbx
        .cfi_def_cfa_offset 8
        jmp     adv_tail_target
        .cfi_endproc
        .size   adv_tail_out, . - adv_tail_out

#define LAPIC_TIMER_CURRENT 0xfee00390

/*
 * void sync_tick(unsigned units)
 *
 * Waits until the last tick's handler has started the timer anew, then until its end is near. A loop of 3
 * instructions leaves up to 96 units too late: fewer of the instructions behind it follow then. The replay
 * forgets ticks before sync_return.
 */
        .globl  sync_tick, sync_return
        .type   sync_tick, @function
sync_tick:
        .cfi_startproc
        movl    $LAPIC_TIMER_CURRENT, %edx
1:      cmpl    %edi, (%rdx)
        jbe     1b
2:      movl    (%rdx), %eax
        cmpl    %edi, %eax
        ja      2b
        subl    %eax, %edi              # how late it is
        shrl    $5, %edi                # in instructions: 32 units each
        cmpl    $8, %edi
        jae     sync_return             # there was a tick in the last turn
        leaq    3f(%rdi), %rdi
        jmpq    *%rdi
3:      .rept   8
        nop
        .endr
sync_return:
        ret
        .cfi_endproc
        .size   sync_tick, . - sync_tick
/* clang-format on */

        .section .note.GNU-stack, "", @progbits
