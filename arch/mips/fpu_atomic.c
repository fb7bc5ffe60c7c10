/* SPDX-License-Identifier: MIT */
/*
 * `x += y` of an _Atomic double is a loop: load, add, compare and exchange (C11 6.5.16.2, footnote
 * 113). A try that lost must not leave its floating-point exceptions behind, so gcc hides them, and
 * has the winner's raised by the function below, which libatomic has elsewhere.
 */
#define FLAGS 0x7c     /* FCSR's bits 2 to 6 (MIPS32 PRA, MD00086) */
#define CAUSE_SHIFT 10 /* their causes: one that is enabled traps as it is written */

void __atomic_feraiseexcept(int exceptions);

/* `exceptions`: all of FCSR. newlib's feraiseexcept can't raise any on MIPS. */
void __atomic_feraiseexcept(int exceptions)
{
    int fcsr;

    exceptions &= FLAGS;
    __asm__ volatile("cfc1 %0, $31" : "=r"(fcsr));
    __asm__ volatile("ctc1 %0, $31" ::"r"(fcsr | exceptions | exceptions << CAUSE_SHIFT));
}
