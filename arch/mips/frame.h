/* SPDX-License-Identifier: MIT */
/*
 * The interrupted context. Shared by C and assembly; the offsets below are checked against struct
 * arch_frame in trap.c.
 *
 * The first part, up to FRAME_CLOBBERED_END, is what a C call may change, and gp, which C code must
 * find right: it is saved for every interrupt. The rest is saved for the timer, whose sampler needs
 * it, and for exceptions, whose report does.
 *
 * Interrupts find threads only, so their frame is a part of the thread's control block: when the
 * thread is preempted, it is where it can stay. Exceptions' frames are on the system stack.
 */
#ifndef ARCH_MIPS_FRAME_H
#define ARCH_MIPS_FRAME_H

#define FRAME_AT 0
#define FRAME_V0 4
#define FRAME_V1 8
#define FRAME_A0 12
#define FRAME_A1 16
#define FRAME_A2 20
#define FRAME_A3 24
#define FRAME_T0 28
#define FRAME_T1 32
#define FRAME_T2 36
#define FRAME_T3 40
#define FRAME_T4 44
#define FRAME_T5 48
#define FRAME_T6 52
#define FRAME_T7 56
#define FRAME_T8 60
#define FRAME_T9 64
#define FRAME_RA 68
#define FRAME_LO 72
#define FRAME_HI 76
#define FRAME_EPC 80
#define FRAME_STATUS 84
#define FRAME_GP 88 /* foreign code may have its own */
#define FRAME_CLOBBERED_END 92

#define FRAME_S0 92
#define FRAME_S1 96
#define FRAME_S2 100
#define FRAME_S3 104
#define FRAME_S4 108
#define FRAME_S5 112
#define FRAME_S6 116
#define FRAME_S7 120
#define FRAME_S8 124
#define FRAME_SP 128
#define FRAME_CAUSE 132
#define FRAME_BADVADDR 136
#define FRAME_BYTES 144 /* a multiple of 8 */

/* o32: room for four arguments of the callee below each frame that is on a stack. */
#define ARGUMENTS_BYTES 16

/* An interrupted thread's frame is in its control block (sched/thread.h). On the stack that C code
 * then runs on, the system stack, or the thread's own when it is preempted, stands where that is.
 */
#define THREAD_FRAME 16
#define TRAP_FRAME ARGUMENTS_BYTES
#define TRAP_BYTES 24

/* struct core (kernel/core.h) */
#define CORE_CURRENT 0
#define CORE_TRAP_SP 4
#define CORE_FPU_OWNER 8

/* A parked context (switch.S) */
#define PARKED_S0 0
#define PARKED_S8 32
#define PARKED_RA 36
#define PARKED_BYTES 40

/* CP0 registers, as assembler operands: MIPS32 PRA (MD00090) chapter 9 */
#define CP0_ENTRYLO0 $2
#define CP0_ENTRYLO1 $3
#define CP0_CONTEXT $4
#define CP0_BADVADDR $8
#define CP0_COUNT $9
#define CP0_COMPARE $11
#define CP0_STATUS $12
#define CP0_CAUSE $13
#define CP0_EPC $14
#define CP0_EBASE $15, 1
#define CP0_CONFIG $16
#define CP0_KSCRATCH1 $31, 2

#define CONFIG_AR_BIT 10
#define CONFIG_AR_RELEASE_2 1 /* to 5 */

#define STATUS_IE 0x00000001
#define STATUS_EXL 0x00000002
#define STATUS_ERL 0x00000004
#define STATUS_IM7 0x00008000
#define STATUS_IM3 0x00000800
#define STATUS_IM2 0x00000400
#define STATUS_IM1 0x00000200
#define STATUS_IM0 0x00000100
#define STATUS_BEV 0x00400000
#define STATUS_FR 0x04000000
#define STATUS_CU0 0x10000000
#define STATUS_CU1 0x20000000
#define STATUS_CU1_BIT 29
#define STATUS_MX_BIT 24
#define CAUSE_IV 0x00800000
#define CAUSE_IP0 0x00000100u /* by software */
#define CAUSE_IP1 0x00000200u
#define CAUSE_IP0_BIT 8
#define CAUSE_IP7_BIT 15
#define CAUSE_BD 0x80000000

#ifndef __ASSEMBLER__
#include <stdint.h>

struct arch_frame {
    uint32_t at, v0, v1, a0, a1, a2, a3;
    uint32_t t0, t1, t2, t3, t4, t5, t6, t7, t8, t9;
    uint32_t ra, lo, hi, epc, status, gp;
    uint32_t s0, s1, s2, s3, s4, s5, s6, s7, s8;
    uint32_t sp, cause, badvaddr;
    uint32_t pad;
};
#endif

#endif
