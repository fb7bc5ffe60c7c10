/* SPDX-License-Identifier: MIT */
/*
 * What stands between a thread's stack and its neighbour.
 *
 * Where the board can take away access to a page, one such page lies below each stack that weft
 * itself allocates: an overflow traps at the instruction that does it (kernel/panic.c asks
 * upcall_overflowed). MIPS reaches memory without pages; there, with WEFT_CONFIG_STACK_MAPPED, a
 * stack is used at mapped addresses (arch/mips/stack_map.c), ARCH_STACK_ALIAS above its memory.
 * Everywhere, the lowest word of each stack is a canary: the switch compares it, so an overflow
 * that only grazed the end is found when the thread next leaves the core. The canary also serves
 * stacks that the application supplies. gcc's -fstack-clash-protection, which the x86 targets are
 * compiled with, keeps a large frame from stepping over the guard page.
 *
 * With WEFT_CONFIG_STACK_PAINT a new stack is filled with a pattern, so that its high-water mark
 * can be read. Painting takes time that is proportional to the stack; the try-lock of the stack is
 * held meanwhile, so that a sampler on another core does not walk it (requirements B6).
 */
#include <string.h>
#include <weft/console.h>

#include "arch/context.h"
#include "kernel/assert.h"
#include "kernel/board.h"
#include "kernel/upcall.h"
#include "sched/sched.h"

#define PAINT 0x5aa5c33cu

size_t stack_guard_extra_bytes(void)
{
    size_t guard = WEFT_CONFIG_STACK_GUARD ? board_guard_bytes() : 0;

    return guard != 0 ? 2 * guard - 1 : 0; /* the page, wherever the memory begins */
}

void stack_guard_set(struct weft_thread *thread)
{
    size_t guard = WEFT_CONFIG_STACK_GUARD && !thread->own_stack ? board_guard_bytes() : 0;
    uintptr_t page = (thread->stack_lo + guard - 1) & ~(uintptr_t)(guard - 1);

    if (guard == 0 || !board_guard_set((void *)page, (void *)thread->stack_hi))
        return;
    thread->stack_lo = page + guard + ARCH_STACK_ALIAS;
    thread->stack_hi += ARCH_STACK_ALIAS;
    thread->guarded = 1;
}

void stack_guard_clear(struct weft_thread *thread)
{
    if (!thread->guarded)
        return;
    thread->stack_lo -= ARCH_STACK_ALIAS;
    thread->stack_hi -= ARCH_STACK_ALIAS;
    thread->guarded = 0;
    board_guard_clear((void *)(thread->stack_lo - board_guard_bytes()), (void *)thread->stack_hi);
}

/* Everything between the canary and what the new thread's context already occupies. */
void stack_paint(struct weft_thread *thread)
{
    uint32_t *at = (uint32_t *)thread->stack_lo + 1;

    ASSERT(thread_stack_trylock(thread)); /* nobody knows the thread yet */
    while (at < (uint32_t *)thread->saved_sp)
        *at++ = PAINT;
    thread_stack_unlock(thread);
}

int weft_thread_stack_used(const struct weft_thread *thread, size_t *bytes)
{
    const uint32_t *at;

    if (thread == NULL || bytes == NULL || thread->magic != THREAD_MAGIC)
        return WEFT_EINVAL;
    if (!WEFT_CONFIG_STACK_PAINT)
        return WEFT_ENOTSUP;
    at = (const uint32_t *)thread->stack_lo + 1;
    while ((uintptr_t)at < thread->stack_hi && *at == PAINT)
        at++;
    *bytes = thread->stack_hi - (uintptr_t)at;
    return 0;
}

_Noreturn __attribute__((noinline)) void stack_canary_died(const struct weft_thread *thread)
{
    weft_panic("thread \"%s\" has overflowed its stack of %lu bytes: the canary at 0x%08lx is "
               "overwritten, and what lies below it may be; give it a larger stack_bytes",
               thread->name, (unsigned long)(thread->stack_hi - thread->stack_lo),
               (unsigned long)thread->stack_lo);
}

uintptr_t thread_stack_floor(const struct weft_thread *thread)
{
    return thread->guarded ? thread->stack_lo - board_guard_bytes() : thread->stack_lo;
}

/* A frame that steps over the guard without touching it is found when what it touches is not there
 * either. */
const char *upcall_overflowed(uintptr_t address, uintptr_t sp)
{
    const struct weft_thread *current = core_self()->current;

    if (current == NULL || !current->guarded || address >= current->stack_lo)
        return NULL;
    return address >= thread_stack_floor(current) || address >= sp ? current->name : NULL;
}

/* What reaches the guard word by word has run over the canary just before: with a guard, that has
 * done no harm. */
void upcall_page_trap_handled(void)
{
    if (core_self()->current->guarded)
        stack_canary_set(core_self()->current);
}
