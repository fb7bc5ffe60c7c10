/* SPDX-License-Identifier: MIT */
/*
 * What an interrupt does to the 64-bit atomic it interrupted; the layout is atomic64.S's. And to
 * the restartable sequences of arch/restart.h.
 */
#include "arch/atomic64.h"

#include <stddef.h>
#include <weft/config.h>
#include <weft/console.h>

#include "arch/mips/mips.h"
#include "arch/restart.h"

#define SLOT_BYTES 128u /* ATOMIC64_SLOT_BYTES */

extern const char atomic64_held_offset[]; /* an absolute symbol */
extern const char atomic64_commit[], atomic64_release[], atomic64_released[];

/* gcc's own name is a builtin's, whose type C cannot repeat. */
bool atomic64_is_lock_free(size_t bytes, const volatile void *at) __asm__("__atomic_is_lock_free");

/* What C11's atomic_is_lock_free asks of an object whose size the CPU may not have. On one core no
 * thread ever waits for another that is inside a 64-bit atomic; several have locks. */
bool atomic64_is_lock_free(size_t bytes, const volatile void *at)
{
    (void)at;
    return bytes == 1 || bytes == 2 || bytes == 4 || (bytes == 8 && WEFT_CONFIG_CORES == 1);
}

static void unlock(const struct arch_frame *frame)
{
    if (WEFT_CONFIG_CORES == 1)
        return;
    __atomic_store_n((uint32_t *)frame->t8, 0, __ATOMIC_RELEASE);
}

/* In the common tail: what is left of it is done here. Both stores may be repeated, since nobody
 * else can have stored meanwhile: the lock is held, or there is one core. */
static void roll_forward(struct arch_frame *frame)
{
    volatile uint32_t *words = (volatile uint32_t *)frame->a0;

    if (frame->epc >= (uintptr_t)atomic64_released)
        return;
    if (frame->epc < (uintptr_t)atomic64_release) {
        words[0] = frame->t6;
        words[1] = frame->t7;
    }
    unlock(frame);
    frame->epc = (uintptr_t)atomic64_released;
}

void mips_restart_init(void)
{
    arch_restart_init(__atomic64_end, __restart_end);
}

/* A branch's delay slot needs no case of its own: EPC is then the branch, which is in the same
 * part. */
void atomic64_settle_irqoff(struct arch_frame *frame)
{
    uint32_t start = frame->epc & ~(SLOT_BYTES - 1);

    if (frame->epc >= (uintptr_t)__atomic64_end) {
        frame->epc = arch_restart_pc(frame->epc);
        return;
    }
    if (start == (uintptr_t)atomic64_commit) {
        roll_forward(frame);
        return;
    }
    /* Several cores: from the branch behind sc on, t9 is sc's result; the lock is ours unless it is
     * 0.
     */
    if (frame->epc - start < (uintptr_t)atomic64_held_offset)
        return;
    if (frame->t9 != 0)
        unlock(frame);
    frame->epc = start;
}
