/* SPDX-License-Identifier: MIT */
/*
 * Signals' entry and exit, preemption, interrupts that had to wait, and the idle wait. signal.c has
 * the essay; frame.h the layouts, which are those of the bare-metal port.
 *
 * From hosted_resume_begin to hosted_resume_end no thread loses the core: a frame of a preempted thread
 * is being left, and a storm of signals must not pile up frames on its stack.
 */
#include "arch/amd64/asm.h"
#include "arch/amd64/hosted/hosted.h"

/* clang-format off */
#if WEFT_CONFIG_CORES == 1
#define SELF(offset) hosted_cores + offset
#else
#define SELF(offset) %gs:offset
#endif

        .text
        .globl  hosted_resume_begin
hosted_resume_begin:

/*
 * void hosted_signal_entry(int signal, siginfo_t *info, ucontext_t *context)
 *
 * In:  as the kernel calls a handler, on the system stack (sigaltstack), the return address being
 *      hosted_signal_return. Interrupt signals are blocked.
 * Makes room for a frame and calls hosted_signal(signal, info, context, frame).
 * The return address behind the call is undefined: the port steps over it (unwind.c), since the
 * interrupted context has another stack.
 */
FUNCTION(hosted_signal_entry)
        .cfi_undefined rip
        subq    $FRAME_BYTES + 8, %rsp
        .cfi_adjust_cfa_offset FRAME_BYTES + 8
        movq    %rsp, %rcx
        cld
        callq   hosted_signal
        .globl  arch_exception_return, arch_nmi_return, arch_interrupt_return
arch_exception_return:
arch_nmi_return:                        # the bare-metal port tells these apart
arch_interrupt_return:
        addq    $FRAME_BYTES + 8, %rsp
        .cfi_adjust_cfa_offset -(FRAME_BYTES + 8)
        retq
END(hosted_signal_entry)

FUNCTION(hosted_signal_return)
        .cfi_undefined rip
        movl    $15, %eax               # rt_sigreturn: the context is at rsp
        syscall
        hlt
END(hosted_signal_return)

/*
 * A signal returns here when the verdict was to switch. hosted_signal has moved the interrupted context
 * to this stack, the thread's own: from rsp up a link to the moved frame, the vector state, the frame,
 * its flags and pc, the red zone. rbx, rbp, r12-r15 are still the thread's. Interrupts are off.
 */
        .globl  arch_preempt
FUNCTION(arch_preempt)
        .cfi_signal_frame
        .cfi_escape 0x0f, 6, 0x77, 0, 0x06, 0x23, 0x80, 0x01 # CFA: *rsp + PREEMPT_BYTES
        .cfi_offset rip, FRAME_RIP - FRAME_BYTES
        .cfi_offset rsp, FRAME_RSP - FRAME_BYTES
        cfi_clobbered_saved
        callq   upcall_preempt          # returns when the thread has the core again
        .globl  arch_preempt_vector_return
arch_preempt_vector_return:
        movl    $0, SELF(HOSTED_IRQ_OFF)
        cmpl    $0, SELF(HOSTED_PENDING)
        je      3f
        callq   hosted_irq_take         # may switch, as a call does: not after the vectors are loaded
3:      cmpb    $VECTORS_FXSAVE, amd64_vector_kind
        je      1f
        movl    hosted_vector_features, %eax    # not all of XCR0: XRSTOR may read the places of
        movl    hosted_vector_features + 4, %edx # those that are not in the signal's frame, too
        xrstor64 VECTOR_LINK_BYTES(%rsp)
        jmp     2f
1:      fxrstor64 VECTOR_LINK_BYTES(%rsp)
2:      movq    (%rsp), %rsp
        .cfi_def_cfa rsp, PREEMPT_BYTES
        .globl  arch_preempt_return
arch_preempt_return:                    # signals are taken again, but nothing switches
        movq    PREEMPT(FRAME_R11)(%rsp), %r11
        .cfi_same_value r11
        movq    PREEMPT(FRAME_R10)(%rsp), %r10
        .cfi_same_value r10
        movq    PREEMPT(FRAME_R9)(%rsp), %r9
        .cfi_same_value r9
        movq    PREEMPT(FRAME_R8)(%rsp), %r8
        .cfi_same_value r8
        movq    PREEMPT(FRAME_RDI)(%rsp), %rdi
        .cfi_same_value rdi
        movq    PREEMPT(FRAME_RSI)(%rsp), %rsi
        .cfi_same_value rsi
        movq    PREEMPT(FRAME_RDX)(%rsp), %rdx
        .cfi_same_value rdx
        movq    PREEMPT(FRAME_RCX)(%rsp), %rcx
        .cfi_same_value rcx
        movq    PREEMPT(FRAME_RAX)(%rsp), %rax
        .cfi_same_value rax
        movq    PREEMPT(FRAME_RSP)(%rsp), %rsp  # all that is left lies below the red zone
        .cfi_def_cfa rsp, 0
        .cfi_offset rip, -(RED_ZONE_BYTES + 8)
        .cfi_val_offset rsp, 0
        leaq    -(RED_ZONE_BYTES + RESUME_BYTES)(%rsp), %rsp
        .cfi_adjust_cfa_offset RED_ZONE_BYTES + RESUME_BYTES
        popfq
        .cfi_adjust_cfa_offset -8
        retq    $RED_ZONE_BYTES
END(arch_preempt)

/*
 * void hosted_irq_take(void)
 *
 * In:  interrupts on, something pending, on a thread's stack. Out: nothing pending.
 * A plain call, so only callee-saved registers count: the frame is that of the call's end. The handler
 * runs on the system stack, like one that was not late. A switch is then a plain call, too.
 */
FUNCTION(hosted_irq_take)
        .cfi_signal_frame               # the caller's pc is looked up as it is
        movl    $1, SELF(HOSTED_IRQ_OFF)
        load_core ax
        movq    CORE_TRAP_SP(%rax), %rax
        movq    (%rsp), %rcx
        leaq    8(%rsp), %rdx
        movq    %rcx, FRAME_RIP(%rax)
        movq    %rdx, FRAME_RSP(%rax)
        movq    %r15, FRAME_R15(%rax)
        movq    %r14, FRAME_R14(%rax)
        movq    %r13, FRAME_R13(%rax)
        movq    %r12, FRAME_R12(%rax)
        movq    %rbp, FRAME_RBP(%rax)
        movq    %rbx, FRAME_RBX(%rax)
        .irp    offset, 64, 72, 80, 88, 96, 104, 112, 120, 128, 136, 144
        movq    $0, \offset(%rax)
        .endr
        movq    %rax, %rsp
        .cfi_def_cfa rsp, FRAME_BYTES
        .cfi_undefined rip              # another stack again: arch_timer_return stands for it
        movq    %rsp, %rdi
        callq   hosted_pending          # (frame)
        .globl  arch_timer_return
arch_timer_return:
        movq    FRAME_RSP(%rsp), %rsp
        .cfi_def_cfa rsp, 0
        .cfi_offset rip, -8
        subq    $16, %rsp               # the return address, and 8 for the ABI's alignment
        .cfi_adjust_cfa_offset 16
        testb   %al, %al
        jz      1f
        callq   upcall_preempt
1:      addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        movl    $0, SELF(HOSTED_IRQ_OFF)
        cmpl    $0, SELF(HOSTED_PENDING)
        jne     hosted_irq_take
        retq
END(hosted_irq_take)

/*
 * void arch_cpu_idle_irqoff(void)
 *
 * Waits for a signal. One that comes after the look at the pending ones and before the kernel waits
 * would be slept through: its handler moves the pc behind the wait (arch_cpu_idle_resume).
 */
FUNCTION(arch_cpu_idle_irqoff)
        movl    $0, SELF(HOSTED_IRQ_OFF)
        .globl  hosted_idle_begin
hosted_idle_begin:
        cmpl    $0, SELF(HOSTED_PENDING)
        jne     1f
        movl    $34, %eax               # pause
        syscall
        .globl  hosted_idle_end
hosted_idle_end:
        retq
1:      jmp     hosted_irq_take
END(arch_cpu_idle_irqoff)

        .globl  hosted_resume_end
hosted_resume_end:
/* clang-format on */

        .section .note.GNU-stack, "", @progbits
