/* SPDX-License-Identifier: MIT */
/*
 * Vector and x87 state in a process. The units are always on, so there is no first use to wait for.
 * The registers of an interrupted thread are in the signal's frame, with their size; a preemption
 * copies them to the thread's stack (signal.c), where interrupt.S loads them from again.
 */
#include "arch/fpu.h"

#include <errno.h>

#include "arch/amd64/frame.h"
#include "arch/trap.h"

#define FXSAVE_BYTES 512u
#define XSAVE_ALIGN 64u

/* Of the legacy area, words that the CPU leaves to software; Linux, asm/sigcontext.h. */
#define XSTATE_SOFTWARE_OFFSET 464u
#define XSTATE_MAGIC 0x46505853u

/* upcall_preempt and what it calls: as in arch/amd64/fpu.c, and with room for unoptimised code. */
#define PREEMPT_CALLS_BYTES 1024

struct hosted_area hosted_nobody[WEFT_CONFIG_CORES] = {
    [0 ... WEFT_CONFIG_CORES - 1] = {1, HOSTED_MXCSR, HOSTED_CONTROL, 0}};

/* For arch_preempt. */
uint8_t amd64_vector_kind = VECTORS_FXSAVE;
uint64_t hosted_vector_features;
static size_t vector_bytes = FXSAVE_BYTES;
size_t amd64_preempt_stack_bytes;

struct xstate_software {
    uint32_t magic, extended_bytes;
    uint64_t features;
    uint32_t state_bytes;
};

/* The kernel says in each signal's frame how large the state there is. */
void hosted_vector_size(const void *state)
{
    const struct xstate_software *software =
        (const void *)((const char *)state + XSTATE_SOFTWARE_OFFSET);

    if (software->magic != XSTATE_MAGIC)
        return; /* no XSAVE */
    amd64_vector_kind = VECTORS_XSAVE;
    hosted_vector_features = software->features;
    vector_bytes = software->state_bytes;
}

size_t hosted_vector_bytes(void)
{
    return vector_bytes;
}

void arch_fpu_init(struct core *core)
{
    amd64_preempt_stack_bytes = RED_ZONE_BYTES + RESUME_BYTES + PREEMPT_BYTES + vector_bytes +
                                XSAVE_ALIGN + VECTOR_LINK_BYTES + PREEMPT_CALLS_BYTES;
    hosted_cores[core->id].errno_at = &errno;
    core_fpu_owner_set(core, hosted_nobody_of(core));
}
