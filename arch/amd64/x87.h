/* SPDX-License-Identifier: MIT */
#ifndef ARCH_AMD64_X87_H
#define ARCH_AMD64_X87_H

#include <stdbool.h>
#include <stdint.h>

#define X87_ALL_MASKED 0x3fu /* the control word's six exception masks */
#define X87_INITIAL 0x37fu   /* all masked, 64-bit precision, round to nearest */

/* At a switch from a thread with the control word `control` to one with `next`: is there anything
 * to do? Nearly always both are as they were when their threads began. Else an unmasked exception
 * may wait in the status word for the next x87 instruction (Intel SDM volume 1, 8.7), which must
 * not be the other thread's, nor the load of its control word: the caller clears it. A call may
 * clear what its caller has not waited for. */
static inline bool amd64_x87_differs(uint16_t control, uint16_t next)
{
    if (__builtin_expect(control == X87_INITIAL && next == X87_INITIAL, 1))
        return false;
    return control != next || (control & X87_ALL_MASKED) != X87_ALL_MASKED;
}

#endif
