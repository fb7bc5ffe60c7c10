/* SPDX-License-Identifier: MIT */
/*
 * Exception and interrupt entry and exit. The page is linked where it runs and EBase points at it,
 * so that every instruction has its own symbol and unwind entry.
 *
 * Registers: k0 and k1 belong to this file. Everything else is the interrupted context's until it
 * has been stored. Frames go to the core's system stack: an interrupted thread's stack pointer is
 * never trusted (it may be about to overflow, or be foreign code's scratch register).
 *
 * In C the handlers run with EXL = 0 and IE = 0: an exception inside one is reported as such,
 * and no interrupt nests.
 */
#include "arch/mips/asm.h"

        .set    noreorder
        .set    noat

/* What a call may clobber, with gp, HI/LO, EPC and Status. `base` is the frame. Status stays in k0. */
        .macro  save_clobbered base
        sw      $at, FRAME_AT(\base)
        sw      $v0, FRAME_V0(\base)
        sw      $v1, FRAME_V1(\base)
        sw      $a0, FRAME_A0(\base)
        sw      $a1, FRAME_A1(\base)
        sw      $a2, FRAME_A2(\base)
        sw      $a3, FRAME_A3(\base)
        sw      $t0, FRAME_T0(\base)
        sw      $t1, FRAME_T1(\base)
        sw      $t2, FRAME_T2(\base)
        sw      $t3, FRAME_T3(\base)
        sw      $t4, FRAME_T4(\base)
        sw      $t5, FRAME_T5(\base)
        sw      $t6, FRAME_T6(\base)
        sw      $t7, FRAME_T7(\base)
        sw      $t8, FRAME_T8(\base)
        sw      $t9, FRAME_T9(\base)
        sw      $ra, FRAME_RA(\base)
        sw      $gp, FRAME_GP(\base)
        mflo    $t0                     # multiply results are as live as any register
        mfhi    $t1
        mfc0    $t2, CP0_EPC
        mfc0    $k0, CP0_STATUS         # with EXL set and IE as it was
        sw      $t0, FRAME_LO(\base)
        sw      $t1, FRAME_HI(\base)
        sw      $t2, FRAME_EPC(\base)
        sw      $k0, FRAME_STATUS(\base)
        .endm

        .macro  save_preserved base
        sw      $s0, FRAME_S0(\base)
        sw      $s1, FRAME_S1(\base)
        sw      $s2, FRAME_S2(\base)
        sw      $s3, FRAME_S3(\base)
        sw      $s4, FRAME_S4(\base)
        sw      $s5, FRAME_S5(\base)
        sw      $s6, FRAME_S6(\base)
        sw      $s7, FRAME_S7(\base)
        sw      $s8, FRAME_S8(\base)
        .endm

/* EXL = 0, IE = 0, from the Status value in k0: C code may fault, but not be interrupted. */
        .macro  leave_exception_level
        ins     $k0, $zero, 0, 5        # IE, EXL, ERL, KSU
        mtc0    $k0, CP0_STATUS
        .endm

/* Puts back what save_clobbered stored at sp, but not sp. k0 holds the Status to return with, EXL set. */
        .macro  restore_clobbered
        lw      $t0, FRAME_LO($sp)
        lw      $t1, FRAME_HI($sp)
        mtc0    $k0, CP0_STATUS         # EXL is set from here: k1 is safe too
        mtlo    $t0
        mthi    $t1
        lw      $k1, FRAME_EPC($sp)
        mtc0    $k1, CP0_EPC
        lw      $at, FRAME_AT($sp)
        lw      $v0, FRAME_V0($sp)
        lw      $v1, FRAME_V1($sp)
        lw      $a0, FRAME_A0($sp)
        lw      $a1, FRAME_A1($sp)
        lw      $a2, FRAME_A2($sp)
        lw      $a3, FRAME_A3($sp)
        lw      $t0, FRAME_T0($sp)
        lw      $t1, FRAME_T1($sp)
        lw      $t2, FRAME_T2($sp)
        lw      $t3, FRAME_T3($sp)
        lw      $t4, FRAME_T4($sp)
        lw      $t5, FRAME_T5($sp)
        lw      $t6, FRAME_T6($sp)
        lw      $t7, FRAME_T7($sp)
        lw      $t8, FRAME_T8($sp)
        lw      $t9, FRAME_T9($sp)
        lw      $ra, FRAME_RA($sp)
        lw      $gp, FRAME_GP($sp)
        ehb                             # EPC and Status must have arrived before eret reads them
        .endm

        .section .text.vectors, "ax", @progbits # 4096-aligned by the linker script
        .globl  arch_vectors
arch_vectors:

/*
 * EBase + 0x000: TLB refill. Mapped stacks (stack_map.c) are served here, with k0 and k1 alone; the entry
 * may be one that is not valid, and then traps again as such. Else no page is mapped behind our back,
 * and it is an exception like others.
 */
FUNCTION(arch_vector_tlb_refill)
        .cfi_undefined $ra
#if WEFT_CONFIG_STACK_MAPPED
        mfc0    $k0, CP0_BADVADDR
        srl     $k1, $k0, 28
        xori    $k1, $k1, 0xc           # kseg2's first 256 MiB
        bnez    $k1, 1f
         ext    $k1, $k0, 13, 15        # which pair of pages; EntryHi says so already
        sll     $k1, $k1, 1
        lui     $k0, %hi(mips_stack_pages)
        addu    $k1, $k1, $k0
        lhu     $k1, %lo(mips_stack_pages)($k1)
        mfc0    $k0, CP0_BADVADDR
#ifdef __MIPSEB__
        wsbh    $k1, $k1                # the even page's flags low
#endif
        ext     $k0, $k0, 13, 15
        sll     $k0, $k0, 7             # the even page's frame number, in its place
        ins     $k0, $k1, 0, 6
        mtc0    $k0, CP0_ENTRYLO0
        srl     $k1, $k1, 8
        addiu   $k0, $k0, 1 << 6
        ins     $k0, $k1, 0, 6
        mtc0    $k0, CP0_ENTRYLO1
        ehb
        tlbwr
        eret
1:
#endif
        j       arch_exception_entry
         nop
END(arch_vector_tlb_refill)

/* EBase + 0x100: cache error. */
        .org    arch_vectors + 0x100
FUNCTION(arch_vector_cache_error)
        .cfi_undefined $ra
        j       arch_exception_entry
         nop
END(arch_vector_cache_error)

/* EBase + 0x180: every other exception. */
        .org    arch_vectors + 0x180
FUNCTION(arch_vector_exception)
        .cfi_undefined $ra
        j       arch_exception_entry
         nop
END(arch_vector_exception)

/*
 * EBase + 0x200: interrupts (Cause.IV = 1). Threads run with interrupts on, the system stack never
 * does, so this always comes from a thread's (or the idle thread's) context.
 */
        .org    arch_vectors + 0x200
        .globl  arch_trap_begin
arch_trap_begin:
FUNCTION(arch_vector_interrupt)
        .cfi_undefined $ra
#if WEFT_CONFIG_CORES == 1
        lui     $k0, %hi(cores + CORE_TRAP_SP)
        lw      $k1, %lo(cores + CORE_TRAP_SP)($k0)
#else
        load_core $k0
        lw      $k1, CORE_TRAP_SP($k0)
#endif
        sw      $sp, FRAME_SP($k1)
        save_clobbered $k1
        mfc0    $a1, CP0_CAUSE
        move    $sp, $k1
        la      $gp, _gp
        and     $a1, $a1, $k0           # of the lines, those that are not masked
        leave_exception_level
        ext     $t0, $a1, CAUSE_IP7_BIT, 1
        bnez    $t0, arch_timer_entry   # the tick's sampler wants every register
         move   $a0, $sp
        jal     upcall_interrupt        # (frame, pending)
         nop
        .globl  arch_interrupt_return
arch_interrupt_return:
        bnez    $v0, arch_preempt
         lw     $k0, FRAME_STATUS($sp)
        .globl  arch_trap_return
arch_trap_return:
        restore_clobbered
        lw      $sp, FRAME_SP($sp)
        eret
arch_timer_entry:
        save_preserved $sp
        jal     upcall_timer            # (frame)
         nop
        .globl  arch_timer_return
arch_timer_return:
        beqz    $v0, arch_trap_return
         lw     $k0, FRAME_STATUS($sp)

/*
 * The verdict was to switch. The thread's registers that a call may clobber move from the frame to
 * its own stack (upcall_sched_may_preempt has checked that there is room); s0-s8 are still its own. The
 * system stack is free again before the switch.
 */
arch_preempt:
        lw      $t8, FRAME_SP($sp)
        addiu   $t8, $t8, -PREEMPT_BYTES
        .irp    offset, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60
        lw      $t0, \offset($sp)       # words in pairs, the load delay filled by the other one
        lw      $t1, \offset + 48($sp)
        sw      $t0, \offset($t8)
        sw      $t1, \offset + 48($t8)
        .endr
        jal     upcall_preempt          # on the thread's own stack, interrupts off
         move   $sp, $t8
        .globl  arch_preempt_return
arch_preempt_return:
#if WEFT_CONFIG_STACK_MAPPED
        load_core $t9                   # a miss must not come from here on: by the system stack
        lw      $t8, CORE_TRAP_SP($t9)
        .irp    offset, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60
        lw      $t0, \offset($sp)
        lw      $t1, \offset + 48($sp)
        sw      $t0, \offset($t8)
        sw      $t1, \offset + 48($t8)
        .endr
        addiu   $t0, $sp, PREEMPT_BYTES
        sw      $t0, FRAME_SP($t8)
        move    $sp, $t8
#endif
        mfc0    $t0, CP0_STATUS         # whether the FPU is ours may have changed meanwhile
        lw      $k0, FRAME_STATUS($sp)
        ext     $t0, $t0, STATUS_CU1_BIT, 1
        ins     $k0, $t0, STATUS_CU1_BIT, 1
        ins     $k0, $t0, STATUS_MX_BIT, 1 # the DSP module goes along
#if WEFT_CONFIG_STACK_MAPPED
        j       arch_trap_return
         nop
#endif
        restore_clobbered
        addiu   $sp, $sp, PREEMPT_BYTES
        eret
END(arch_vector_interrupt)

/*
 * Exceptions. They may come from a thread, or from code on the system stack (boot, a handler): then
 * the frame goes below what is there.
 */
FUNCTION(arch_exception_entry)
        .cfi_undefined $ra
        load_core $k0
        lw      $k1, CORE_TRAP_SP($k0)
        addiu   $k1, $k1, FRAME_BYTES   # the system stack's top
        subu    $k0, $k1, $sp
        sltiu   $k0, $k0, WEFT_CONFIG_SYSTEM_STACK_BYTES
        movn    $k1, $sp, $k0           # already on it: continue below
        addiu   $k1, $k1, -FRAME_BYTES
        sw      $sp, FRAME_SP($k1)
        save_clobbered $k1
        save_preserved $k1
        mfc0    $t0, CP0_CAUSE
        mfc0    $t1, CP0_BADVADDR
        sw      $t0, FRAME_CAUSE($k1)
        sw      $t1, FRAME_BADVADDR($k1)
        move    $sp, $k1
        la      $gp, _gp
        leave_exception_level
        jal     mips_exception          # (frame)
         move   $a0, $sp
        .globl  arch_exception_return
arch_exception_return:
        mfc0    $k0, CP0_STATUS         # EXL on before k0 and k1 are used again
        ori     $k0, $k0, STATUS_EXL
        mtc0    $k0, CP0_STATUS
        ehb
        lw      $s0, FRAME_S0($sp)
        lw      $s1, FRAME_S1($sp)
        lw      $s2, FRAME_S2($sp)
        lw      $s3, FRAME_S3($sp)
        lw      $s4, FRAME_S4($sp)
        lw      $s5, FRAME_S5($sp)
        lw      $s6, FRAME_S6($sp)
        lw      $s7, FRAME_S7($sp)
        lw      $s8, FRAME_S8($sp)
        j       arch_trap_return
         lw     $k0, FRAME_STATUS($sp)
END(arch_exception_entry)
        .globl  arch_trap_end
arch_trap_end:
