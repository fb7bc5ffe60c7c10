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
 * and no interrupt nests. And with CU1 = 0: a handler that uses floating point is reported instead of
 * changing the interrupted thread's registers.
 */
#include "arch/mips/asm.h"

        .set    noreorder
        .set    noat

/* What a call may clobber, with gp, HI/LO, EPC and Status. `base` + `offset` is the frame. Status stays in k0. */
        .macro  save_clobbered base, offset=0
        sw      $at, \offset + FRAME_AT(\base)
        sw      $v0, \offset + FRAME_V0(\base)
        sw      $v1, \offset + FRAME_V1(\base)
        sw      $a0, \offset + FRAME_A0(\base)
        sw      $a1, \offset + FRAME_A1(\base)
        sw      $a2, \offset + FRAME_A2(\base)
        sw      $a3, \offset + FRAME_A3(\base)
        sw      $t0, \offset + FRAME_T0(\base)
        sw      $t1, \offset + FRAME_T1(\base)
        sw      $t2, \offset + FRAME_T2(\base)
        sw      $t3, \offset + FRAME_T3(\base)
        sw      $t4, \offset + FRAME_T4(\base)
        sw      $t5, \offset + FRAME_T5(\base)
        sw      $t6, \offset + FRAME_T6(\base)
        sw      $t7, \offset + FRAME_T7(\base)
        sw      $t8, \offset + FRAME_T8(\base)
        sw      $t9, \offset + FRAME_T9(\base)
        sw      $ra, \offset + FRAME_RA(\base)
        sw      $gp, \offset + FRAME_GP(\base)
        mflo    $t0                     # multiply results are as live as any register
        mfhi    $t1
        mfc0    $t2, CP0_EPC
        mfc0    $k0, CP0_STATUS         # with EXL set and IE as it was
        sw      $t0, \offset + FRAME_LO(\base)
        sw      $t1, \offset + FRAME_HI(\base)
        sw      $t2, \offset + FRAME_EPC(\base)
        sw      $k0, \offset + FRAME_STATUS(\base)
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

/* EXL = 0, IE = 0, CU1 = 0, from the Status value in k0: C code may fault, but not be interrupted. */
        .macro  leave_exception_level
        ins     $k0, $zero, STATUS_CU1_BIT, 1
        ins     $k0, $zero, 0, 5        # IE, EXL, ERL, KSU
        mtc0    $k0, CP0_STATUS
        .endm

/*
 * Goes back to what the frame at k1 says, with the Status in k0, EXL set in it. Interrupts are off and
 * frames are in kseg0, so nothing comes in between; from the ehb on nothing would be taken either.
 */
        .macro  return_from_trap
        lw      $t0, FRAME_LO($k1)
        lw      $t1, FRAME_HI($k1)
        mtc0    $k0, CP0_STATUS
        mtlo    $t0
        mthi    $t1
        lw      $k0, FRAME_EPC($k1)
        mtc0    $k0, CP0_EPC
        lw      $at, FRAME_AT($k1)
        lw      $v0, FRAME_V0($k1)
        lw      $v1, FRAME_V1($k1)
        lw      $a0, FRAME_A0($k1)
        lw      $a1, FRAME_A1($k1)
        lw      $a2, FRAME_A2($k1)
        lw      $a3, FRAME_A3($k1)
        lw      $t0, FRAME_T0($k1)
        lw      $t1, FRAME_T1($k1)
        lw      $t2, FRAME_T2($k1)
        lw      $t3, FRAME_T3($k1)
        lw      $t4, FRAME_T4($k1)
        lw      $t5, FRAME_T5($k1)
        lw      $t6, FRAME_T6($k1)
        lw      $t7, FRAME_T7($k1)
        lw      $t8, FRAME_T8($k1)
        lw      $t9, FRAME_T9($k1)
        lw      $ra, FRAME_RA($k1)
        lw      $gp, FRAME_GP($k1)
        ehb                             # EPC and Status must have arrived before eret reads them
        lw      $sp, FRAME_SP($k1)
        eret
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
 * does, so this always comes from a thread's (or the idle thread's) context, and its frame is the one in
 * that thread's control block.
 */
        .org    arch_vectors + 0x200
        .globl  arch_trap_begin
arch_trap_begin:
FUNCTION(arch_vector_interrupt)
        .cfi_undefined $ra
#if WEFT_CONFIG_CORES == 1
        lui     $k0, %hi(cores)
        lw      $k1, %lo(cores + CORE_CURRENT)($k0)
        sw      $sp, THREAD_FRAME + FRAME_SP($k1)
        lw      $sp, %lo(cores + CORE_TRAP_SP)($k0)
#else
        load_core $k0
        lw      $k1, CORE_CURRENT($k0)
        sw      $sp, THREAD_FRAME + FRAME_SP($k1)
        lw      $sp, CORE_TRAP_SP($k0)
#endif
        save_clobbered $k1, THREAD_FRAME
        mfc0    $a1, CP0_CAUSE
        addiu   $a0, $k1, THREAD_FRAME
        la      $gp, _gp
        and     $a1, $a1, $k0           # of the lines, those that are not masked
        leave_exception_level
        ext     $t0, $a1, CAUSE_IP7_BIT, 1
        bnez    $t0, arch_timer_entry   # the tick's sampler wants every register
         sw     $a0, TRAP_FRAME($sp)
        jal     upcall_interrupt        # (frame, pending)
         nop
        .globl  arch_interrupt_return
arch_interrupt_return:
        bnez    $v0, arch_preempt
         lw     $k1, TRAP_FRAME($sp)
        lw      $k0, FRAME_STATUS($k1)
arch_trap_return:
        return_from_trap
arch_timer_entry:
        save_preserved $a0
        jal     upcall_timer            # (frame)
         nop
        .globl  arch_timer_return
arch_timer_return:
        lw      $k1, TRAP_FRAME($sp)
        beqz    $v0, arch_trap_return
         lw     $k0, FRAME_STATUS($k1)

/*
 * The verdict was to switch. The frame can stay where it is, s0-s8 are still the thread's own. On its
 * stack (upcall_sched_may_preempt has checked that there is room) goes where the frame is. The
 * system stack is free again before the switch.
 */
arch_preempt:
        move    $t9, $k1                # its stack may be mapped: a miss takes k0 and k1
        lw      $t0, FRAME_STATUS($t9)  # the unit is the thread's again, if it was
        ins     $t0, $zero, 0, 5
        mtc0    $t0, CP0_STATUS
        ehb
        lw      $sp, FRAME_SP($t9)
        addiu   $sp, $sp, -TRAP_BYTES
        jal     upcall_preempt          # on the thread's own stack, interrupts off
         sw     $t9, TRAP_FRAME($sp)
        .globl  arch_preempt_return
arch_preempt_return:
        lw      $k1, TRAP_FRAME($sp)    # the last look at it
        mfc0    $t0, CP0_STATUS         # whether the FPU is ours may have changed meanwhile
        lw      $k0, FRAME_STATUS($k1)
        ext     $t0, $t0, STATUS_CU1_BIT, 1
        ins     $k0, $t0, STATUS_CU1_BIT, 1
        ins     $k0, $t0, STATUS_MX_BIT, 1 # the DSP module goes along
        return_from_trap
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
        addiu   $sp, $k1, -ARGUMENTS_BYTES
        la      $gp, _gp
        leave_exception_level
        jal     mips_exception          # (frame)
         move   $a0, $k1
        .globl  arch_exception_return
arch_exception_return:
        mfc0    $k0, CP0_STATUS         # EXL on before k0 and k1 are used again
        ori     $k0, $k0, STATUS_EXL
        mtc0    $k0, CP0_STATUS
        ehb
        addiu   $k1, $sp, ARGUMENTS_BYTES
        lw      $s0, FRAME_S0($k1)
        lw      $s1, FRAME_S1($k1)
        lw      $s2, FRAME_S2($k1)
        lw      $s3, FRAME_S3($k1)
        lw      $s4, FRAME_S4($k1)
        lw      $s5, FRAME_S5($k1)
        lw      $s6, FRAME_S6($k1)
        lw      $s7, FRAME_S7($k1)
        lw      $s8, FRAME_S8($k1)
        j       arch_trap_return
         lw     $k0, FRAME_STATUS($k1)
END(arch_exception_entry)
        .globl  arch_trap_end
arch_trap_end:
