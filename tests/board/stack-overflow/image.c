/* SPDX-License-Identifier: MIT */
/*
 * A thread overflows its stack, in the way the first argument names. With "survive" as the second
 * argument a trap handler ends that thread only, and what lies below the guard is looked at; with
 * "elsewhere" that is done by another core, which has used the guard's page before it was one.
 * Without arguments: the high-water mark.
 */
#include <alloca.h>
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"
#include "arch/context.h"
#include "kernel/board.h"
#include "sched/thread.h"

#define STACK_BYTES 8192
#define NEIGHBOUR_BYTES 256

static unsigned char before[NEIGHBOUR_BYTES];
static volatile bool trapped;
static volatile int depth;

/* The bytes right below the guard. */
static const unsigned char *neighbour(const struct weft_thread *thread)
{
    return (const unsigned char *)thread_stack_floor(thread) - ARCH_STACK_ALIAS - NEIGHBOUR_BYTES;
}

static __attribute__((noinline)) int recurse(int n)
{
    volatile char frame[100];

    frame[0] = (char)++depth;
    return n < 0 ? 0 : recurse(n + 1) + frame[0];
}

static __attribute__((noinline)) int large_frame(int n)
{
    volatile char frame[3 * STACK_BYTES];

    frame[n] = 1;
    return frame[n] + frame[0];
}

static __attribute__((noinline)) int dynamic(size_t bytes)
{
    volatile char *memory = alloca(bytes);

    memory[0] = 1;
    return memory[0];
}

/* Writes just below its own stack, as a large local array may, and goes on. */
static __attribute__((noinline)) int graze(void)
{
    memset((void *)weft_thread_self()->stack_lo, 0x11, 8);
    weft_thread_sleep_ns(1000);
    return 1;
}

/* What a handler does that needs a little more than the system stack. */
static void core_stack_graze(void)
{
    *(volatile uint32_t *)core_self()->system_stack_lo = 0;
}

/* Each word in turn, the canary too, until the guard. */
static __attribute__((noinline)) void descend(void)
{
    volatile uint32_t *at = (uint32_t *)weft_thread_self()->stack_lo + 16;

    for (;;)
        *--at = 0;
}

static const char *way;

static bool elsewhere;
static void check_elsewhere(const struct weft_thread *thread);

static void *victim(void *argument)
{
    if (elsewhere)
        check_elsewhere(weft_thread_self());
    else
        memcpy(before, neighbour(weft_thread_self()), NEIGHBOUR_BYTES);
    if (strcmp(way, "recursion") == 0)
        recurse(0);
    if (strcmp(way, "frame") == 0)
        large_frame(depth);
    if (strcmp(way, "words") == 0)
        descend();
    if (strcmp(way, "alloca") == 0)
        dynamic(2 * STACK_BYTES + (size_t)depth);
    if (strcmp(way, "graze") == 0)
        graze();
    return argument;
}

static void give_up(void)
{
    trapped = true;
    weft_thread_exit(NULL);
}

#if defined(__x86_64__)
#define SP_REGISTER 7
#else
#define SP_REGISTER 29
#endif

static bool end_thread(struct weft_trap *trap, enum weft_trap_cause cause, void *argument)
{
    const struct weft_thread *thread = weft_thread_self();
    uintptr_t address;

    (void)argument;
    CHECK(cause == WEFT_TRAP_PAGE && weft_trap_address(trap, &address));
    CHECK(address < thread->stack_lo && address >= thread->stack_lo - board_guard_bytes());
    /* What nobody uses below the other core's is not there at all. */
    CHECK(elsewhere || memcmp(before, neighbour(thread), NEIGHBOUR_BYTES) == 0);
    weft_trap_set_pc(trap, (uintptr_t)give_up);
    return weft_trap_set_register(trap, SP_REGISTER, thread->stack_hi - 264) == 0;
}

static volatile uintptr_t lowest;

/* A breakpoint whose handler goes on behind it, at recover_at. */
static uintptr_t recover_at;
#if defined(__mips__)
#define LEAVE_BREAKPOINT                                                                           \
    __asm__ volatile("la $8, 1f\n\tsw $8, %0\n\tbreak\n1:" : "=m"(recover_at)::"$8", "memory")
#else
#define LEAVE_BREAKPOINT                                                                           \
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\tmovq %%rax, %0\n\tint3\n1:"                         \
                     : "=m"(recover_at)::"rax", "memory")
#endif

static void *deep(void *argument)
{
    for (depth = 0; depth < 1000; depth++) {
        volatile char *memory = alloca(16);

        memory[0] = 0;
        lowest = (uintptr_t)memory;
    }
    return argument;
}

/* A handler on the system stack that needs 1,500 bytes more than others; or all of it. */
static bool deep_handler(struct weft_trap *trap, enum weft_trap_cause cause, void *argument)
{
    size_t bytes = *(size_t *)argument;
    volatile char *memory = alloca(bytes);

    (void)trap;
    (void)cause;
    memory[0] = 0;
    lowest = (uintptr_t)memory;
    weft_trap_set_pc(trap, (uintptr_t)recover_at);
    return true;
}

static void trap_once(size_t bytes)
{
    CHECK(weft_trap_handle(WEFT_TRAP_BREAKPOINT, deep_handler, &bytes) == 0);
    LEAVE_BREAKPOINT;
    CHECK(weft_trap_handle(WEFT_TRAP_BREAKPOINT, NULL, NULL) == 0);
}

static void system_high_water(void)
{
    size_t before_bytes, bytes;

    CHECK(weft_system_stack_used(WEFT_CONFIG_CORES, &bytes) == WEFT_EINVAL);
    if (!WEFT_CONFIG_STACK_PAINT) {
        CHECK(weft_system_stack_used(0, &bytes) == WEFT_ENOTSUP);
        return;
    }
    CHECK(weft_system_stack_used(0, &before_bytes) == 0);
    CHECK(before_bytes > 0 && before_bytes < WEFT_CONFIG_SYSTEM_STACK_BYTES);
    trap_once(before_bytes + 500);
    CHECK(weft_system_stack_used(0, &bytes) == 0);
    printf("system stack %u, then %u\n", (unsigned)before_bytes, (unsigned)bytes);
    CHECK(bytes >= before_bytes + 500 && bytes >= core_self()->system_stack_hi - lowest);
    CHECK(bytes <= core_self()->system_stack_hi - lowest + 256);
}

static void high_water(void)
{
    const struct weft_thread_attr attr = {.name = "deep", .priority = 20, .stack_bytes = 32768};
    struct weft_thread *thread;
    size_t bytes, usable;

    CHECK(weft_thread_spawn(&thread, &attr, deep, NULL) == 0);
    usable = thread->stack_hi - thread->stack_lo;
    CHECK(weft_thread_stack_used(NULL, &bytes) == WEFT_EINVAL);
    if (!WEFT_CONFIG_STACK_PAINT) {
        CHECK(weft_thread_stack_used(thread, &bytes) == WEFT_ENOTSUP);
    } else {
        CHECK(weft_thread_stack_used(thread, &bytes) == 0);
        printf("used %u of %u\n", (unsigned)bytes, (unsigned)usable);
        CHECK(bytes >= thread->stack_hi - lowest && bytes < thread->stack_hi - lowest + 1024);
        CHECK(bytes >= 16000 && bytes < usable);
    }
    CHECK(weft_thread_join(thread, NULL) == 0);
    system_high_water();
    puts("high water seen");
}

/* ---- on another core ---- */

#define OLD_STACK_BYTES 131072u

static uintptr_t old_stack_lo, old_stack_hi;

/* Uses every page of its stack, which is memory for others afterwards. */
static void *user(void *argument)
{
    const struct weft_thread *self = weft_thread_self();
    volatile char *memory = alloca(OLD_STACK_BYTES - 8192);

    for (size_t i = 0; i < OLD_STACK_BYTES - 8192; i += 512)
        memory[i] = 1;
    old_stack_lo = (uintptr_t)memory;
    old_stack_hi = self->stack_hi;
    return argument;
}

static void use_memory_elsewhere(void)
{
    const struct weft_thread_attr attr = {
        .name = "user", .priority = 20, .stack_bytes = OLD_STACK_BYTES, .cores = 2};
    struct weft_thread *thread;

    CHECK(weft_thread_set_cores(weft_thread_self(), 1) == 0);
    CHECK(weft_thread_spawn(&thread, &attr, user, NULL) == 0);
    CHECK(weft_thread_join(thread, NULL) == 0);
    weft_heap_scavenge(); /* the stack is kept no longer */
}

/* Is the guard of this thread, which runs on the other core, where the old stack was? */
static void check_elsewhere(const struct weft_thread *thread)
{
    uintptr_t guard = thread->stack_lo - board_guard_bytes();

    CHECK(core_self()->id == 1);
    CHECK(guard >= old_stack_lo && thread->stack_lo <= old_stack_hi);
}

int main(int argc, char **argv)
{
    struct weft_thread_attr attr = {.name = "victim", .priority = 20, .stack_bytes = STACK_BYTES};
    struct weft_thread *thread;

    if (argc < 2) {
        high_water();
        return 0;
    }
    way = argv[1];
    if (strcmp(way, "handler") == 0) { /* grazes the end; the next tick looks */
        core_stack_graze();
        for (;;)
            ;
    }
    elsewhere = argc > 2 && strcmp(argv[2], "elsewhere") == 0;
    if (elsewhere) {
        use_memory_elsewhere();
        attr.cores = 2;
    }
    if (argc > 2)
        CHECK(weft_trap_handle(WEFT_TRAP_PAGE, end_thread, NULL) == 0);
    CHECK(weft_thread_spawn(&thread, &attr, victim, NULL) == 0);
    CHECK(weft_thread_join(thread, NULL) == 0);
    CHECK(trapped);
    CHECK(weft_heap_check() == 0);
    puts("only the thread is gone");
    return 0;
}
