/* SPDX-License-Identifier: MIT */
/*
 * The interrupted context on a stack. Shared by C and assembly; the offsets are checked against
 * struct arch_frame in trap.c.
 *
 * From the top down: what the CPU pushes, the vector number, what a C call may change (saved for
 * every interrupt), what it may not (saved for the timer, whose sampler needs it, and for
 * exceptions, whose report does). All but the last moves to the thread's own stack when it is
 * preempted: callee-saved registers are then still in the CPU, and arch_switch saves them.
 */
#ifndef ARCH_AMD64_FRAME_H
#define ARCH_AMD64_FRAME_H

#define FRAME_CR2 0
#define FRAME_R15 16
#define FRAME_R14 24
#define FRAME_R13 32
#define FRAME_R12 40
#define FRAME_RBP 48
#define FRAME_RBX 56
#define FRAME_R11 64
#define FRAME_R10 72
#define FRAME_R9 80
#define FRAME_R8 88
#define FRAME_RDI 96
#define FRAME_RSI 104
#define FRAME_RDX 112
#define FRAME_RCX 120
#define FRAME_RAX 128
#define FRAME_VECTOR 136
#define FRAME_ERROR 144
#define FRAME_RIP 152
#define FRAME_CS 160
#define FRAME_RFLAGS 168
#define FRAME_RSP 176
#define FRAME_SS 184
#define FRAME_RFLAGS_IF 0x200 /* interrupts on; a hosted frame says it too (hosted/signal.c) */
#define FRAME_BYTES 192       /* a multiple of 16 */

/* A preempted thread's stack holds the frame from r11 up, at PREEMPT offsets. */
#define PREEMPT(offset) ((offset)-FRAME_R11)
#define PREEMPT_BYTES (FRAME_BYTES - FRAME_R11)

/* Foreign code (libgcc) was compiled with a red zone: the 128 bytes below its stack pointer are its
 * own. */
#define RED_ZONE_BYTES 128

/* Below the moved frame of a thread that uses vector registers: these, and a block that says where
 * the frame is. */
#define VECTOR_LINK_BYTES 64

/* struct core (kernel/core.h) */
#define CORE_CURRENT 0
#define CORE_TRAP_SP 8
#define CORE_FPU_OWNER 16
#define THREAD_FPU_AREA 24

/* struct amd64_core (amd64.h): GS points at it when there is more than one core */
#define GS_ID 0
#define GS_CORE 8
#define GS_OWN_STACKS_HI 16
#define GS_CURRENT 24

/* A parked context (switch.S), from the saved stack pointer up */
#define PARKED_R15 0
#define PARKED_R14 8
#define PARKED_R13 16
#define PARKED_R12 24
#define PARKED_RBX 32
#define PARKED_RBP 40
#define PARKED_RIP 48
#define PARKED_BYTES 56

/* Segment selectors (trap.c builds the table; start.S has one of its own until then) */
#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS 0x18

/* Interrupt vectors. The upper four bits are a priority class for the local APIC. */
#define VECTOR_EXCEPTIONS 32
#define VECTOR_DEVICE 0x20 /* the board's lines 0 .. VECTOR_DEVICES - 1 */
#define VECTOR_DEVICES 24
#define VECTOR_TIMER 0xe0
#define VECTOR_IPI 0xe1
#define VECTOR_SOFT 0xe2 /* and the next: software interrupts, the second before the first */
#define VECTOR_SOFT_LINES 2
#define VECTOR_SPURIOUS 0xff

/* Exceptions that the port knows by number: Intel SDM volume 3, table 6-1. */
#define EXCEPTION_NMI 2
#define EXCEPTION_NO_UNIT 7
#define EXCEPTION_DOUBLE_FAULT 8
#define EXCEPTION_PAGE_FAULT 14
#define EXCEPTION_X87 16
#define EXCEPTION_MACHINE_CHECK 18
#define EXCEPTION_VECTOR 19

/* How the vector registers are saved (fpu.c) */
#define VECTORS_FXSAVE 0
#define VECTORS_XSAVE 1
#define VECTORS_XSAVEC 2

#ifndef __ASSEMBLER__
#include <stdint.h>

struct arch_frame {
    uint64_t cr2, pad;
    uint64_t r15, r14, r13, r12, rbp, rbx;
    uint64_t r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};
#endif

#endif
