/* SPDX-License-Identifier: MIT */
/* A block that only one place knows: a register of a preempted thread, a message or an argument on
 * its way, a result that nobody has asked for. */
#include <stdarg.h>
#include <string.h>

#include "image.h"

/* Addresses stand here as their complements, which nobody takes for pointers. */
static uintptr_t hidden;
static _Atomic bool go_on, is_there;

/* Not inlined: its caller would be left with the address in a register. */
static __attribute__((noinline)) bool lives(void)
{
    return weft_gc_block_of((void *)~hidden) != NULL;
}

/* forget(0, 0, 0, 0): nothing stays of what lies below the caller's frame, and in the caller's room
 * for arguments (MIPS: a printf puts there what a register was left with). An address that a call
 * has left there would be found. */
static __attribute__((noinline)) void forget(unsigned zero, ...)
{
    uintptr_t words[256];
    va_list zeros;

    va_start(zeros, zero);
    words[0] = va_arg(zeros, unsigned);
    va_end(zeros);
    memset(words, 0, sizeof words);
    __asm__ volatile("" ::"r"(words) : "memory");
}

/* A block that nobody knows: the thread that made it has ended. */
static void *hide_one(void *argument)
{
    uintptr_t *block = weft_gc_alloc(48, 0);

    CHECK(block != NULL);
    block[0] = 4711;
    hidden = ~(uintptr_t)block;
    return argument;
}

static void make_hidden(void)
{
    go_on = is_there = false;
    thread_run(hide_one, NULL);
    CHECK(lives());
}

#if defined(__mips__)
#define KEEP "nor %[kept], %[hidden], $0\n"
#define SAY_AND_WAIT "   li $9, 1\n   sb $9, %[there]\n1: lbu $9, %[flag]\n   beqz $9, 1b\n"
#define CLOBBERED "$9"
#define REGISTERS(X)                                                                               \
    X(v0, "$2") X(v1, "$3") X(a3, "$7") X(t0, "$8") X(t9, "$25") X(s0, "$16") X(s7, "$23")
#else
#define KEEP "mov %[hidden], %[kept]\n   not %[kept]\n"
#define SAY_AND_WAIT "   movb $1, %[there]\n1: cmpb $0, %[flag]\n   je 1b\n"
#define CLOBBERED "cc"
#define REGISTERS(X)                                                                               \
    X(rax, "rax")                                                                                  \
    X(rbx, "rbx") X(rcx, "rcx") X(rdi, "rdi") X(r10, "r10") X(r12, "r12") X(r15, "r15")
#endif

/* Waits in a loop with the address in one register and nowhere else. */
#define KEEPER(name, place)                                                                        \
    static void *keep_in_##name(void *argument)                                                    \
    {                                                                                              \
        register uintptr_t kept __asm__(place);                                                    \
                                                                                                   \
        __asm__ volatile(KEEP SAY_AND_WAIT                                                         \
                         : [kept] "=&r"(kept), [there] "=m"(is_there)                              \
                         : [hidden] "r"(hidden), [flag] "m"(go_on)                                 \
                         : CLOBBERED, "memory");                                                   \
        CHECK(*(uintptr_t *)kept == 4711);                                                         \
        return argument;                                                                           \
    }
REGISTERS(KEEPER)

#define KEEPER_ROW(name, place) {#name, keep_in_##name},

static const struct {
    const char *name;
    void *(*keep)(void *argument);
} keepers[] = {REGISTERS(KEEPER_ROW)};

static void wait_until_there(void)
{
    while (!is_there)
        weft_thread_sleep_ns(100000);
}

static void in_register(const char *name, void *(*keep)(void *argument))
{
    const struct weft_thread_attr low = {.priority = WEFT_PRIORITY_DEFAULT - 1};
    struct weft_thread *thread;

    make_hidden();
    CHECK(weft_thread_spawn(&thread, &low, keep, NULL) == 0);
    wait_until_there();
    weft_gc();
    printf("in %s: %s\n", name, lives() ? "kept" : "LOST");
    CHECK(lives());
    go_on = true;
    CHECK(weft_thread_join(thread, NULL) == 0);
    forget(0, 0, 0, 0);
    weft_gc();
    CHECK(!lives());
}

/* A sender waits for a full queue's reader: the message is on its stack. */
static void *send_block(void *argument)
{
    void *block = (void *)~hidden;

    is_there = true;
    CHECK(weft_queue_send(argument, &block) == 0);
    return NULL;
}

static void *in_message(void *argument)
{
    static void *slot[1];
    static struct weft_queue queue;
    struct weft_thread *thread;
    void *block = NULL;

    CHECK(weft_queue_init(&queue, slot, sizeof slot[0], 1) == 0);
    CHECK(weft_queue_send(&queue, &block) == 0);
    make_hidden();
    CHECK(weft_thread_spawn(&thread, NULL, send_block, &queue) == 0);
    wait_until_there();
    weft_gc();
    CHECK(lives());
    CHECK(weft_queue_receive(&queue, &block) == 0 && block == NULL);
    weft_gc(); /* now it is in the queue's slot */
    CHECK(lives());
    CHECK(weft_thread_join(thread, NULL) == 0);
    CHECK(weft_queue_receive(&queue, &block) == 0 && *(uintptr_t *)block == 4711);
    slot[0] = NULL;
    puts("in a message: kept");
    return argument;
}

static void *take_argument(void *argument)
{
    CHECK(*(uintptr_t *)argument == 4711);
    return argument;
}

static __attribute__((noinline)) void spawn_with_hidden(struct weft_thread **thread)
{
    const struct weft_thread_attr low = {.priority = WEFT_PRIORITY_LOWEST};

    CHECK(weft_thread_spawn(thread, &low, take_argument, (void *)~hidden) == 0);
}

/* As the argument of a thread that has not begun (no core is free for it), then as its result. */
static void *in_argument_and_result(void *argument)
{
    struct weft_thread *thread;
    void *result;

    make_hidden();
    spawn_with_hidden(&thread);
    weft_gc();
    CHECK(lives());
    weft_thread_sleep_ns(20000000); /* it runs and ends; nobody has joined it */
    weft_gc();
    CHECK(lives());
    CHECK(weft_thread_join(thread, &result) == 0);
    CHECK(result == (void *)~hidden && *(uintptr_t *)result == 4711);
    puts("in an argument and a result: kept");
    return argument;
}

void places(void)
{
    for (unsigned i = 0; i < sizeof keepers / sizeof keepers[0]; i++)
        in_register(keepers[i].name, keepers[i].keep);
    thread_run(in_message, NULL);
    thread_run(in_argument_and_result, NULL);
    CHECK(weft_heap_check() == 0);
    puts("places done");
}
