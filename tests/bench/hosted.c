/* SPDX-License-Identifier: MIT */
/*
 * What operations cost in a process, beside other libraries (tests/bench/peers). Nanoseconds mean
 * little on another machine, so tests/bench/hosted.sh runs all programs in turn and prints ratios.
 *
 * Each row is the best of many short stretches: the machine has other things to do. Threads that
 * switch to each other do it from call sites of their own: a switch that ends in `ret` is
 * mispredicted then, as it is in programs, and not in a benchmark with one loop for all.
 */
#include <sys/syscall.h>
#include <unistd.h>
#include <weft/atomic.h>
#include <weft/weft.h>

#include "arch/amd64/hosted/hosted.h"
#include "arch/context.h"
#include "arch/irq.h"
#include "hosted.h"

/* ---- the bare switch ---- */

static void *main_sp, *other_sp;

static void switch_back(void *argument)
{
    (void)argument;
    for (;;)
        arch_switch(&other_sp, main_sp);
}

static void switch_bare(unsigned rounds)
{
    static unsigned char stack[16384] __attribute__((aligned(16)));
    arch_irq_state state = arch_irq_save();

    other_sp = arch_context_init(stack + sizeof stack, switch_back, NULL);
    for (unsigned i = 0; i < rounds; i++)
        arch_switch(&main_sp, other_sp);
    arch_irq_restore(state);
}

/* ---- yield ---- */

static volatile bool finished;

/* The same function SITES times, each with its own call of yield. */
#define YIELDING(n)                                                                                \
    static void *yielding_##n(void *argument)                                                      \
    {                                                                                              \
        while (!finished)                                                                          \
            weft_thread_yield();                                                                   \
        return argument;                                                                           \
    }
YIELDING(0)
YIELDING(1)
YIELDING(2)
YIELDING(3)
YIELDING(4)
YIELDING(5)
YIELDING(6)
YIELDING(7)
static void *(*const yielding[SITES])(void *) = {yielding_0, yielding_1, yielding_2, yielding_3,
                                                 yielding_4, yielding_5, yielding_6, yielding_7};

static void yield(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++)
        weft_thread_yield();
}

static void yield_among(const char *name, unsigned others)
{
    struct weft_thread *threads[MANY];

    finished = false;
    for (unsigned i = 0; i < others; i++)
        CHECKED(weft_thread_spawn(&threads[i], NULL, yielding[i % SITES], NULL));
    row(name, yield, others + 1);
    finished = true;
    for (unsigned i = 0; i < others; i++)
        CHECKED(weft_thread_join(threads[i], NULL));
}

/* ---- the others ---- */

static void *nothing(void *argument)
{
    return argument;
}

static void spawn_join(unsigned rounds)
{
    struct weft_thread *thread;

    for (unsigned i = 0; i < rounds; i++) {
        CHECKED(weft_thread_spawn(&thread, NULL, nothing, NULL));
        CHECKED(weft_thread_join(thread, NULL));
    }
}

static struct weft_channel there = WEFT_CHANNEL_INITIALIZER(there, NULL, 4, 0);
static struct weft_channel back = WEFT_CHANNEL_INITIALIZER(back, NULL, 4, 0);
static uint32_t buffer[16];
static struct weft_channel buffered = WEFT_CHANNEL_INITIALIZER(buffered, buffer, 4, 16);

static _Noreturn void *answering(void *argument)
{
    uint32_t value;

    (void)argument;
    for (;;) {
        CHECKED(weft_channel_receive(&there, &value));
        CHECKED(weft_channel_send(&back, &value));
    }
}

static void round_trip(unsigned rounds)
{
    uint32_t value = 1;

    for (unsigned i = 0; i < rounds; i++) {
        CHECKED(weft_channel_send(&there, &value));
        CHECKED(weft_channel_receive(&back, &value));
    }
}

static void message(unsigned rounds)
{
    uint32_t value = 1;

    for (unsigned i = 0; i < rounds; i++) {
        CHECKED(weft_channel_send(&buffered, &value));
        CHECKED(weft_channel_receive(&buffered, &value));
    }
}

static void mutex_pair(unsigned rounds)
{
    static struct weft_mutex mutex = WEFT_MUTEX_INITIALIZER(mutex);

    for (unsigned i = 0; i < rounds; i++) {
        weft_mutex_lock(&mutex);
        weft_mutex_unlock(&mutex);
    }
}

static void atomic_add(unsigned rounds)
{
    static uint64_t word;

    for (unsigned i = 0; i < rounds; i++)
        weft_atomic64_fetch_add(&word, i);
}

/* From the system call that raises the signal, through weft's handler, back behind the call. */
static void interrupt(unsigned rounds)
{
    pid_t process = getpid(), self = (pid_t)syscall(SYS_gettid);

    for (unsigned i = 0; i < rounds; i++)
        syscall(SYS_tgkill, process, self, HOSTED_SIGNAL_IPI);
}

#define RAX 0 /* its DWARF number */

static bool point_somewhere(struct weft_trap *trap, enum weft_trap_cause cause, void *argument)
{
    (void)cause;
    return weft_trap_set_register(trap, RAX, (uintptr_t)argument) == 0;
}

/* A load through a null pointer; the handler makes it point somewhere, and it is done again. */
static void trap(unsigned rounds)
{
    static uint32_t somewhere;

    CHECKED(weft_trap_handle(WEFT_TRAP_PAGE, point_somewhere, &somewhere));
    for (unsigned i = 0; i < rounds; i++)
        __asm__ volatile("xor %%eax, %%eax\n   mov (%%rax), %%eax" ::: "rax", "memory");
    CHECKED(weft_trap_handle(WEFT_TRAP_PAGE, NULL, NULL));
}

int main(int argc, char **argv)
{
    const struct weft_thread_attr detached = {.priority = WEFT_PRIORITY_DEFAULT, .detached = true};

    (void)argc;
    (void)argv;
    row("switch_bare", switch_bare, 2);
    yield_among("yield_between_two", 1);
    yield_among("yield_among_64", MANY - 1);
    row("spawn_join", spawn_join, 1);
    CHECKED(weft_thread_spawn(NULL, &detached, answering, NULL));
    row("channel_round_trip", round_trip, 1);
    row("channel_buffered_message", message, 1);
    row("mutex_pair", mutex_pair, 1);
    row("atomic_add", atomic_add, 1);
    row("interrupt", interrupt, 1);
    row("trap", trap, 1);
    hosted_waits();
    return 0;
}
