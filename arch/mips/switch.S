/* SPDX-License-Identifier: MIT */
/* The voluntary switch, the first frame of a thread, and the idle wait. */
#include "arch/mips/asm.h"

        .set    noreorder
        .set    noat
        .text

/*
 * void arch_switch(void **save_sp, void *next_sp)
 *
 * In:  a0 where the parked stack pointer goes, a1 the stack pointer to resume; interrupts off.
 * Out: returns on the resumed stack, to whoever parked it, with that thread's s0-s8, sp and ra.
 *
 * A plain call, so at, v0-v1, a0-a3, t0-t9, HI and LO are dead here. gp is the same everywhere. The
 * FPU's callee-saved registers stay in the unit and follow lazily (fpu.c). 24 instructions.
 * The CFI describes the caller's frame as seen from the stack pointer that is in force.
 */
        .balign 32
        .globl  arch_switch_begin
arch_switch_begin:
FUNCTION(arch_switch)
        addiu   $sp, $sp, -PARKED_BYTES
        .cfi_def_cfa_offset PARKED_BYTES
        sw      $s0, 0($sp)
        sw      $s1, 4($sp)
        sw      $s2, 8($sp)
        sw      $s3, 12($sp)
        sw      $s4, 16($sp)
        sw      $s5, 20($sp)
        sw      $s6, 24($sp)
        sw      $s7, 28($sp)
        sw      $s8, PARKED_S8($sp)
        sw      $ra, PARKED_RA($sp)
        sw      $sp, 0($a0)             # parked: from here on the stack belongs to save_sp's owner
        lw      $s0, 0($a1)             # the next thread's registers, from its own stack
        lw      $s1, 4($a1)
        lw      $s2, 8($a1)
        lw      $s3, 12($a1)
        lw      $s4, 16($a1)
        lw      $s5, 20($a1)
        lw      $s6, 24($a1)
        lw      $s7, 28($a1)
        lw      $s8, PARKED_S8($a1)
        lw      $ra, PARKED_RA($a1)
        jr      $ra
         addiu  $sp, $a1, PARKED_BYTES  # in the delay slot: the frame is gone
END(arch_switch)
        .globl  arch_switch_end
arch_switch_end:

/*
 * Where a new context starts: arch_context_init has left the entry function in s0 and its
 * argument in s1. Interrupts are off; the entry function turns them on.
 * The return address is undefined: call chains end here.
 */
FUNCTION(arch_thread_start)
        .cfi_undefined $ra
        nop                             # never executed: a call site, RA - 8, must lie in here
        nop
        .globl  arch_thread_resume
arch_thread_resume:
        jalr    $s0
         move   $a0, $s1
        jal     upcall_thread_returned  # the entry function must not return
         nop
END(arch_thread_start)

/*
 * void arch_cpu_idle_irqoff(void)
 *
 * Waits for an interrupt. One that comes between `ei` and `wait` would be slept through; so every
 * interrupt taken inside [arch_idle_begin, arch_idle_end) resumes at arch_idle_end
 * (arch_cpu_idle_resume). Waking on a masked interrupt instead (Config7.WII) is not on every core.
 */
FUNCTION(arch_cpu_idle_irqoff)
        ei
        .globl  arch_idle_begin
arch_idle_begin:
        ehb                             # from here an interrupt may be taken
        wait
        .globl  arch_idle_end
arch_idle_end:
        jr      $ra
         nop
END(arch_cpu_idle_irqoff)

/*
 * void arch_unwind_here(struct arch_unwind *registers)
 *
 * The caller's registers as they are after the call: callee-saved ones, sp, and as pc and ra the
 * return address. The others are dead to the caller and read as 0.
 */
FUNCTION(arch_unwind_here)
        sw      $ra, 0($a0)             # pc, then value[n] at 4 + 4n
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27
        sw      $zero, 4 + 4 * \n($a0)
        .endr
        .irp    n, 16, 17, 18, 19, 20, 21, 22, 23, 28, 29, 30
        sw      $\n, 4 + 4 * \n($a0)
        .endr
        jr      $ra
         sw     $ra, 4 + 4 * 31($a0)
END(arch_unwind_here)
