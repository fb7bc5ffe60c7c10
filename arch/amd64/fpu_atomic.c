/* SPDX-License-Identifier: MIT */
/*
 * `x += y` of an _Atomic double is a loop: load, add, compare and exchange (C11 6.5.16.2, footnote
 * 113). A try that lost must not leave its floating-point exceptions behind, so gcc hides them, and
 * has the winner's raised by the function below, which libatomic has elsewhere.
 */
#include <fenv.h>

void __atomic_feraiseexcept(int exceptions);

/* `exceptions`: MXCSR and the x87 status word, all of them. */
void __atomic_feraiseexcept(int exceptions)
{
    (void)feraiseexcept(exceptions & FE_ALL_EXCEPT);
}
