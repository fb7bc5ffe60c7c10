/* SPDX-License-Identifier: MIT */
/*
 * Interrupt and exception entry and exit.
 *
 * Frames never go to an interrupted thread's stack: its stack pointer is not trusted (it may be
 * about to overflow). The interrupt stack table (IST) of the TSS gives the CPU another stack:
 *
 *   interrupts    the core's system stack. Code on it never turns interrupts on, so it is empty.
 *   exceptions    a few words of their own, the entry stack; from there the frame goes to the system
 *                 stack, or, when the exception came from a handler, below what is there.
 *   NMI           a stack of its own: it comes at any instruction, of this file too.
 *   double fault, machine check: another one, which nothing else uses.
 *
 * In C, handlers run with interrupts off; no interrupt nests. The direction flag is cleared, since the
 * interrupted code may have set it.
 *
 * Unwind information: CFA is the address above the frame; the interrupted stack pointer is a saved
 * register like others.
 */
#include "arch/amd64/asm.h"

/* clang-format off */
        .text

        .macro  push_register name, offset
        pushq   %\name
        .cfi_adjust_cfa_offset 8
        .cfi_offset \name, \offset - FRAME_BYTES
        .endm

        .macro  push_clobbered
        push_register rax, FRAME_RAX
        push_register rcx, FRAME_RCX
        push_register rdx, FRAME_RDX
        push_register rsi, FRAME_RSI
        push_register rdi, FRAME_RDI
        push_register r8, FRAME_R8
        push_register r9, FRAME_R9
        push_register r10, FRAME_R10
        push_register r11, FRAME_R11
        .endm

        .macro  cfi_preserved_saved
        .cfi_offset rbx, FRAME_RBX - FRAME_BYTES
        .cfi_offset rbp, FRAME_RBP - FRAME_BYTES
        .cfi_offset r12, FRAME_R12 - FRAME_BYTES
        .cfi_offset r13, FRAME_R13 - FRAME_BYTES
        .cfi_offset r14, FRAME_R14 - FRAME_BYTES
        .cfi_offset r15, FRAME_R15 - FRAME_BYTES
        .endm

        .macro  push_preserved
        push_register rbx, FRAME_RBX
        push_register rbp, FRAME_RBP
        push_register r12, FRAME_R12
        push_register r13, FRAME_R13
        push_register r14, FRAME_R14
        push_register r15, FRAME_R15
        .endm

/* From the frame at rsp + `shift`; only the stack pointer and what iretq takes are left. */
        .macro  restore_clobbered shift=0
        movq    FRAME_R11 - \shift(%rsp), %r11
        .cfi_same_value r11
        movq    FRAME_R10 - \shift(%rsp), %r10
        .cfi_same_value r10
        movq    FRAME_R9 - \shift(%rsp), %r9
        .cfi_same_value r9
        movq    FRAME_R8 - \shift(%rsp), %r8
        .cfi_same_value r8
        movq    FRAME_RDI - \shift(%rsp), %rdi
        .cfi_same_value rdi
        movq    FRAME_RSI - \shift(%rsp), %rsi
        .cfi_same_value rsi
        movq    FRAME_RDX - \shift(%rsp), %rdx
        .cfi_same_value rdx
        movq    FRAME_RCX - \shift(%rsp), %rcx
        .cfi_same_value rcx
        movq    FRAME_RAX - \shift(%rsp), %rax
        .cfi_same_value rax
        addq    $FRAME_RIP - \shift, %rsp
        .cfi_def_cfa_offset FRAME_BYTES - FRAME_RIP
        .endm

        .globl  arch_trap_begin
arch_trap_begin:

/* ---- interrupts ------------------------------------------------------------------------------ */

/* One entry per line of the board's interrupt controller, 16 bytes apart. */
        .balign 16
FUNCTION(amd64_device_stubs)
        .set    line, 0
        .rept   VECTOR_DEVICES
        .balign 16
        cfi_hardware 40
        pushq   $0
        .cfi_adjust_cfa_offset 8
        pushq   $line
        .cfi_adjust_cfa_offset 8
        jmp     amd64_device_entry
        .set    line, line + 1
        .endr
END(amd64_device_stubs)

FUNCTION(amd64_ipi_entry)
        cfi_hardware 40
        pushq   $0
        .cfi_adjust_cfa_offset 8
        pushq   $VECTOR_IPI
        .cfi_adjust_cfa_offset 8
        jmp     amd64_device_entry
END(amd64_ipi_entry)

/* Software interrupts, 16 bytes apart. */
        .balign 16
FUNCTION(amd64_soft_stubs)
        .set    vector, VECTOR_SOFT
        .rept   VECTOR_SOFT_LINES
        .balign 16
        cfi_hardware 40
        pushq   $0
        .cfi_adjust_cfa_offset 8
        pushq   $vector
        .cfi_adjust_cfa_offset 8
        jmp     amd64_device_entry
        .set    vector, vector + 1
        .endr
END(amd64_soft_stubs)

/* The local APIC took an interrupt back that it had announced: nothing to handle or acknowledge. */
FUNCTION(amd64_spurious_entry)
        cfi_hardware 40
        iretq
END(amd64_spurious_entry)

FUNCTION(amd64_device_entry)
        cfi_hardware 56
        push_clobbered
        subq    $FRAME_R11, %rsp        # callee-saved registers stay where they are
        .cfi_adjust_cfa_offset FRAME_R11
        movq    %rsp, %rdi
        cld
        callq   amd64_interrupt         # (frame)
        .globl  arch_interrupt_return
arch_interrupt_return:
        testb   %al, %al
        jnz     arch_preempt
        .globl  arch_trap_return
arch_trap_return:
        restore_clobbered
        iretq
END(amd64_device_entry)

FUNCTION(amd64_timer_entry)
        cfi_hardware 40
        pushq   $0
        .cfi_adjust_cfa_offset 8
        pushq   $VECTOR_TIMER
        .cfi_adjust_cfa_offset 8
        push_clobbered
        push_preserved                  # the tick's sampler wants every register
        subq    $16, %rsp
        .cfi_adjust_cfa_offset 16
        movq    %rsp, %rdi
        cld
        callq   amd64_timer             # (frame)
        .globl  arch_timer_return
arch_timer_return:
        .cfi_same_value rbx             # the callee has kept them
        .cfi_same_value rbp
        .cfi_same_value r12
        .cfi_same_value r13
        .cfi_same_value r14
        .cfi_same_value r15
        testb   %al, %al
        jz      arch_trap_return
END(amd64_timer_entry)                  # falls into arch_preempt

/*
 * The verdict was to switch. What a call may clobber moves from the frame to the thread's own stack
 * (upcall_sched_may_preempt has checked that there is room); rbx, rbp, r12-r15 are still the
 * thread's. The system stack is free again before the switch. If the unit holds this thread's vector
 * registers, they go below, because the threads that run now may use them (fpu.c).
 */
        .globl  arch_preempt
FUNCTION(arch_preempt)
        cfi_hardware FRAME_BYTES
        cfi_clobbered_saved
        movq    FRAME_RSP(%rsp), %rdi
        subq    $RED_ZONE_BYTES + PREEMPT_BYTES, %rdi
        andq    $-16, %rdi
        .irp    offset, 64, 80, 96, 112, 128, 144, 160, 176
        movq    \offset(%rsp), %rax
        movq    \offset + 8(%rsp), %rcx
        movq    %rax, PREEMPT(\offset)(%rdi)
        movq    %rcx, PREEMPT(\offset) + 8(%rdi)
        .endr
        movq    %rdi, %rsp
        .cfi_def_cfa_offset PREEMPT_BYTES
        load_core ax
        movq    CORE_FPU_OWNER(%rax), %rcx
        movq    CORE_CURRENT(%rax), %rax
        cmpq    THREAD_FPU_AREA(%rax), %rcx
        je      1f
        callq   upcall_preempt          # on the thread's own stack, interrupts off
        .globl  arch_preempt_return
arch_preempt_return:
        restore_clobbered FRAME_R11
        iretq

1:      cfi_hardware PREEMPT_BYTES
        cfi_clobbered_saved
        subq    amd64_vector_bytes, %rsp
        andq    $-64, %rsp              # XSAVE wants 64
        .cfi_def_cfa rdi, PREEMPT_BYTES
        cmpb    $VECTORS_XSAVE, amd64_vector_kind
        jb      2f
        movl    $-1, %eax               # every component that XCR0 enables
        movl    $-1, %edx
        .irp    offset, 512, 520, 528, 536, 544, 552, 560, 568
        movq    $0, \offset(%rsp)       # the header, which XRSTOR checks and XSAVE does not fill
        .endr
        ja      3f                      # mov leaves the flags alone
        xsave64 (%rsp)
        jmp     4f
2:      fxsave64 (%rsp)
        jmp     4f
3:      xsavec64 (%rsp)
4:      subq    $VECTOR_LINK_BYTES, %rsp
        movq    %rdi, (%rsp)            # where the moved frame is
        .cfi_escape 0x0f, 6, 0x77, 0, 0x06, 0x23, 0x80, 0x01 # CFA: *rsp + PREEMPT_BYTES
        callq   upcall_preempt
        .globl  arch_preempt_vector_return
arch_preempt_vector_return:             # the switch to this thread has turned the unit on
        cmpb    $VECTORS_FXSAVE, amd64_vector_kind
        je      5f
        movl    $-1, %eax
        movl    $-1, %edx
        xrstor64 VECTOR_LINK_BYTES(%rsp)
        movq    (%rsp), %rsp
        .cfi_def_cfa rsp, PREEMPT_BYTES
        jmp     arch_preempt_return
5:      .cfi_escape 0x0f, 6, 0x77, 0, 0x06, 0x23, 0x80, 0x01
        fxrstor64 VECTOR_LINK_BYTES(%rsp)
        movq    (%rsp), %rsp
        .cfi_def_cfa rsp, PREEMPT_BYTES
        jmp     arch_preempt_return
END(arch_preempt)

/* ---- exceptions ------------------------------------------------------------------------------ */

/* Vectors that come with an error code: 8, 10-14, 17, 21, 29, 30. */
#define ERROR_CODE_VECTORS 0x60227d00

        .balign 16
FUNCTION(amd64_exception_stubs)
        .set    vector, 0
        .rept   VECTOR_EXCEPTIONS
        .balign 16
        .if     (ERROR_CODE_VECTORS >> vector) & 1
        cfi_hardware 48
        .else
        cfi_hardware 40
        pushq   $0
        .cfi_adjust_cfa_offset 8
        .endif
        pushq   $vector
        .cfi_adjust_cfa_offset 8
        jmp     amd64_exception_entry
        .set    vector, vector + 1
        .endr
END(amd64_exception_stubs)

/*
 * On the entry stack, interrupts off. The frame is built where it will stay: on the system stack, or below
 * the interrupted stack pointer if that is on one of this core's own stacks (boot, a handler, an
 * NMI). The copied words are, from rsp: rdx, rcx, rax, vector, error, rip, cs, rflags, rsp, ss.
 */
FUNCTION(amd64_exception_entry)
        cfi_hardware 56
        push_register rax, FRAME_RAX
        push_register rcx, FRAME_RCX
        push_register rdx, FRAME_RDX
        load_core dx
        movq    CORE_TRAP_SP(%rdx), %rdx
        addq    $FRAME_BYTES, %rdx      # the system stack's top
        movq    %rdx, %rax
        subq    64(%rsp), %rax
        cmpq    $WEFT_CONFIG_SYSTEM_STACK_BYTES, %rax
        jb      1f                      # already on it
#if WEFT_CONFIG_CORES == 1
        movq    amd64_cores + GS_OWN_STACKS_HI, %rax
#else
        movq    %gs:GS_OWN_STACKS_HI, %rax
#endif
        subq    64(%rsp), %rax
        cmpq    $2 * WEFT_CONFIG_SYSTEM_STACK_BYTES, %rax
        jae     2f                      # a thread's: the system stack is free
1:      movq    64(%rsp), %rdx
        andq    $-16, %rdx
2:      subq    $FRAME_BYTES, %rdx
        movq    %r15, FRAME_R15(%rdx)
        movq    %r14, FRAME_R14(%rdx)
        movq    %r13, FRAME_R13(%rdx)
        movq    %r12, FRAME_R12(%rdx)
        movq    %rbp, FRAME_RBP(%rdx)
        movq    %rbx, FRAME_RBX(%rdx)
        movq    %r11, FRAME_R11(%rdx)
        movq    %r10, FRAME_R10(%rdx)
        movq    %r9, FRAME_R9(%rdx)
        movq    %r8, FRAME_R8(%rdx)
        movq    %rdi, FRAME_RDI(%rdx)
        movq    %rsi, FRAME_RSI(%rdx)
        .irp    offset, 0, 8, 16, 24, 32, 40, 48, 56, 64, 72
        movq    \offset(%rsp), %rcx
        movq    %rcx, FRAME_RDX + \offset(%rdx)
        .endr
        movq    %cr2, %rcx
        movq    %rcx, FRAME_CR2(%rdx)
        movq    %rdx, %rsp
        .cfi_def_cfa_offset FRAME_BYTES
        cfi_clobbered_saved
        cfi_preserved_saved
        movq    %rsp, %rdi
        cld
        callq   amd64_exception         # (frame)
        .globl  arch_exception_return
arch_exception_return:
        jmp     amd64_return_all
END(amd64_exception_entry)

/* A frame with every register, at rsp: a handler may have changed any of them. */
FUNCTION(amd64_return_all)
        cfi_hardware FRAME_BYTES
        cfi_preserved_saved
        cfi_clobbered_saved
        movq    FRAME_R15(%rsp), %r15
        movq    FRAME_R14(%rsp), %r14
        movq    FRAME_R13(%rsp), %r13
        movq    FRAME_R12(%rsp), %r12
        movq    FRAME_RBP(%rsp), %rbp
        movq    FRAME_RBX(%rsp), %rbx
        restore_clobbered
        iretq
END(amd64_return_all)

        .macro  full_entry name, vector, handler, error_code=0
FUNCTION(\name)
        .if     \error_code
        cfi_hardware 48
        .else
        cfi_hardware 40
        pushq   $0
        .cfi_adjust_cfa_offset 8
        .endif
        pushq   $\vector
        .cfi_adjust_cfa_offset 8
        push_clobbered
        push_preserved
        pushq   $0
        .cfi_adjust_cfa_offset 8
        movq    %cr2, %rdi
        pushq   %rdi
        .cfi_adjust_cfa_offset 8
        movq    %rsp, %rdi
        cld
        callq   \handler                # (frame)
        .endm

        full_entry amd64_nmi_entry, EXCEPTION_NMI, amd64_nmi
        .globl  arch_nmi_return
arch_nmi_return:
        jmp     amd64_return_all
END(amd64_nmi_entry)

        full_entry amd64_fatal_double_fault, EXCEPTION_DOUBLE_FAULT, amd64_fatal, 1
        ud2                             # nothing is there to return to
END(amd64_fatal_double_fault)

        full_entry amd64_fatal_machine_check, EXCEPTION_MACHINE_CHECK, amd64_fatal
        ud2
END(amd64_fatal_machine_check)

        .globl  arch_trap_end
arch_trap_end:
/* clang-format on */

        .section .note.GNU-stack, "", @progbits
