/* SPDX-License-Identifier: MIT */
/*
 * The collector with threads at work. The first argument is one of `cases`:
 *
 *   mutators: threads build and drop lists while collections come, by growth, by hand, and from a
 *   thread that takes the core at odd moments; every block that is reachable must be whole
 *
 *   help: other cores mark; meanwhile no thread runs there. What they are asked to do is wrapped
 *   (link-flags)
 *
 *   profile: a profile of cycles
 *
 *   places: a block that only one place knows survives: registers of a preempted thread, messages
 *   and arguments on their way, results nobody has asked for yet
 *
 *   garbage: how much is kept by words that only look like pointers
 *
 *   finalize: the finalizer thread, resurrection included
 *
 *   cost: instructions per live block; needs -icount shift=0
 *
 * and what is refused.
 */
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"
#include "arch/irq.h"
#include "kernel/core.h"
#include "kernel/spinlock.h"
#include "kernel/upcall.h"
#include "sched/sched.h"
#include "sched/world.h"

/* ---- mutators ---- */

#define WORKERS 5
#define LISTS 8

struct cell {
    struct cell *next;
    uint32_t value, check;
    void *payload; /* pointer-free, `value % 200` bytes that are all the same */
};

struct worker {
    struct weft_thread *thread;
    uint32_t state, number;
    uint32_t cells;
};

static struct cell *shared[WORKERS]; /* in .bss */
static _Atomic bool done;
static uint32_t cells = 4000; /* fewer when every cycle is printed */

static uint32_t next_random(uint32_t *state)
{
    uint32_t x = *state;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

static struct cell *cell_make(uint32_t value, struct cell *next)
{
    struct cell *cell = weft_gc_alloc(sizeof *cell, 0);
    size_t bytes = value % 200;

    CHECK(cell != NULL && cell->next == NULL && cell->payload == NULL);
    cell->value = value;
    cell->check = ~value;
    cell->next = next;
    cell->payload = weft_gc_alloc(bytes, WEFT_GC_POINTER_FREE);
    CHECK(cell->payload != NULL);
    memset(cell->payload, (int)(value & 0xff), bytes);
    return cell;
}

static void cell_check(const struct cell *cell)
{
    const uint8_t *bytes = cell->payload;

    CHECK(cell->check == ~cell->value);
    for (uint32_t i = 0; i < cell->value % 200; i++)
        CHECK(bytes[i] == (uint8_t)cell->value);
}

/* Lists whose heads are on this stack only, and one whose head is in .bss. */
static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct cell *list[LISTS] = {NULL};

    for (unsigned i = 0; i < worker->cells; i++) {
        uint32_t what = next_random(&worker->state);
        struct cell **head = what % 16 ? &list[what / 16 % LISTS] : &shared[worker->number];

        *head = cell_make(what, *head);
        if (what / 1024 % 128 == 0) {
            for (struct cell *cell = *head; cell; cell = cell->next)
                cell_check(cell);
            *head = NULL;
        }
    }
    for (unsigned i = 0; i < LISTS; i++)
        for (struct cell *cell = list[i]; cell; cell = cell->next)
            cell_check(cell);
    return NULL;
}

static void *collector_main(void *argument)
{
    uint32_t *cycles = argument, state = 99;

    while (!done) {
        weft_thread_sleep_ns(100000 + next_random(&state) % 900000);
        weft_gc();
        ++*cycles;
    }
    return NULL;
}

static void mutators(void)
{
    static struct worker worker[WORKERS];
    static uint32_t cycles;
    const struct weft_thread_attr high = {.name = "collector", .priority = WEFT_PRIORITY_HIGHEST};
    struct weft_thread *collector;
    struct weft_gc_stats stats;

    weft_gc_set_growth(100);
    CHECK(weft_thread_spawn(&collector, &high, collector_main, &cycles) == 0);
    for (uint32_t i = 0; i < WORKERS; i++) {
        worker[i].state = 1000 + i;
        worker[i].number = i;
        worker[i].cells = cells;
        CHECK(weft_thread_spawn(&worker[i].thread, NULL, worker_main, &worker[i]) == 0);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        CHECK(weft_thread_join(worker[i].thread, NULL) == 0);
    done = true;
    CHECK(weft_thread_join(collector, NULL) == 0);
    for (unsigned i = 0; i < WORKERS; i++)
        for (struct cell *cell = shared[i]; cell; cell = cell->next)
            cell_check(cell);
    memset(shared, 0, sizeof shared);
    weft_gc();
    weft_gc_stats(&stats);
    CHECK(weft_heap_check() == 0);
    CHECK(stats.cycles > cycles && cycles > 0 && stats.forced == cycles + 1);
    printf("mutators done: %u cycles, %u by hand, %u bytes left, %u overflows\n",
           (unsigned)stats.cycles, (unsigned)stats.forced, (unsigned)stats.live_bytes,
           (unsigned)stats.overflows);
}

/* ---- exhaustion: all threads run out of memory at once, and collect ---- */

static _Atomic bool gluttons_eat;

static void *glutton_main(void *argument)
{
    struct cell *list = NULL;

    while (!gluttons_eat) /* the others, too, need memory to be there */
        weft_thread_yield();
    for (unsigned i = 0; i < 400; i++) {
        struct cell *cell = weft_gc_alloc(20000, 0);

        CHECK(cell != NULL);
        cell->next = i % 4 ? list : NULL;
        cell->value = i;
        list = cell;
        for (; cell->next; cell = cell->next)
            CHECK(cell->value == cell->next->value + 1);
    }
    return argument;
}

/* Leaves the heap `bytes` in one piece, more or less. */
static void heap_fill(size_t bytes)
{
    while (weft_heap_largest_free() > bytes + 65536)
        CHECK(malloc(weft_heap_largest_free() / 2 > 65536 ? 65536 : 16384) != NULL);
}

static void exhaustion(void)
{
    struct weft_thread *thread[3];
    struct weft_gc_stats stats;

    CHECK(weft_gc_alloc(8, 0) != NULL);
    heap_fill(1u << 20);
    weft_gc_set_growth(1000000); /* the goal is never reached */
    for (unsigned i = 0; i < 3; i++)
        CHECK(weft_thread_spawn(&thread[i], NULL, glutton_main, NULL) == 0);
    gluttons_eat = true;
    for (unsigned i = 0; i < 3; i++)
        CHECK(weft_thread_join(thread[i], NULL) == 0);
    weft_gc_stats(&stats);
    CHECK(stats.cycles >= 3 && stats.forced == 0);
    CHECK(weft_heap_check() == 0);
    printf("exhaustion done: %u cycles\n", (unsigned)stats.cycles);
}

/* ---- places ---- */

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

static void thread_run(void *(*entry)(void *argument), void *argument)
{
    struct weft_thread *thread;

    CHECK(weft_thread_spawn(&thread, NULL, entry, argument) == 0);
    CHECK(weft_thread_join(thread, NULL) == 0);
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

static void places(void)
{
    for (unsigned i = 0; i < sizeof keepers / sizeof keepers[0]; i++)
        in_register(keepers[i].name, keepers[i].keep);
    thread_run(in_message, NULL);
    thread_run(in_argument_and_result, NULL);
    CHECK(weft_heap_check() == 0);
    puts("places done");
}

/* ---- garbage ---- */

#define GARBAGE 2000

static void *make_garbage(void *argument)
{
    struct cell *list = NULL;

    for (unsigned i = 0; i < GARBAGE; i++) {
        list = weft_gc_alloc(64, 0);
        CHECK(list != NULL);
        list->next = argument; /* not a list: each by itself */
    }
    return NULL;
}

static void garbage(void)
{
    struct weft_gc_stats stats;

    for (unsigned i = 0; i < 3; i++)
        thread_run(make_garbage, NULL);
    weft_gc();
    weft_gc_stats(&stats);
    printf("garbage kept: %u of %u blocks\n", (unsigned)(stats.live_bytes / 64), 3 * GARBAGE);
    CHECK(stats.live_bytes / 64 <= 3 * GARBAGE / 100);
}

/* ---- finalizers ---- */

static _Atomic uint32_t finalized;
static struct cell *resurrected;

static void finalize(void *block, void *argument)
{
    cell_check(block);
    if (argument) {
        *(struct cell **)argument = block;
    } else {
        weft_thread_sleep_ns(1000); /* it may block, */
        CHECK(weft_gc_alloc(16, 0) != NULL);
        weft_gc(); /* and even collect */
    }
    finalized++;
}

static void *make_finalized(void *argument)
{
    for (uint32_t i = 0; i < 10; i++)
        CHECK(weft_gc_finalizer_set(cell_make(1000 + i, NULL), finalize, i ? NULL : argument) == 0);
    return NULL;
}

static void finalize_all(void)
{
    thread_run(make_finalized, &resurrected);
    CHECK(finalized == 0);
    for (unsigned i = 0; i < 100 && finalized < 10; i++) {
        weft_gc();
        weft_thread_sleep_ns(1000000);
    }
    CHECK(finalized == 10 && resurrected != NULL);
    weft_gc();
    cell_check(resurrected);
    CHECK(weft_heap_check() == 0);
    printf("finalized %u, kept block %u\n", (unsigned)finalized, (unsigned)resurrected->value);
}

/* ---- cost ---- */

#define OBJECTS 20000

struct cell32 {
    struct cell32 *left, *right;
    uint32_t words[(32 - 2 * sizeof(void *)) / 4];
};

static struct cell32 *volatile tree;

static struct cell32 *tree_make(unsigned objects)
{
    struct cell32 *top;

    if (objects == 0)
        return NULL;
    top = weft_gc_alloc(32, 0);
    CHECK(top != NULL);
    top->left = tree_make((objects - 1) / 2);
    top->right = tree_make(objects - 1 - (objects - 1) / 2);
    return top;
}

static void cost(void)
{
    struct weft_gc_stats empty, full;
    uint64_t began, allocated;

    weft_gc();
    weft_gc_stats(&empty);
    began = weft_time_ns();
    tree = tree_make(OBJECTS);
    allocated = weft_time_ns() - began;
    weft_gc();
    weft_gc_stats(&full);
    CHECK(full.live_bytes >= OBJECTS * 32);
    printf("allocated: %u instructions a block\n", (unsigned)(allocated / OBJECTS));
    printf("marked: %u instructions a block, %u us for %u blocks on %u cores\n",
           (unsigned)((full.last_pause_ns - empty.last_pause_ns) / OBJECTS),
           (unsigned)(full.last_pause_ns / 1000), OBJECTS, weft_core_count());
    printf("empty cycle: %u us\n", (unsigned)(empty.last_pause_ns / 1000));
    printf("overhead: %u percent\n", (unsigned)(full.heap_bytes * 100 / full.live_bytes));
    tree = NULL;
    began = weft_time_ns();
    weft_gc();
    printf("swept: %u instructions a dead block\n",
           (unsigned)((weft_time_ns() - began - empty.last_pause_ns) / OBJECTS));
}

/* ---- help ---- */

#define HELP_BLOCKS 12000u
#define HELP_CYCLES_MAX 3000u

void __real_upcall_world_help_begin(void (*help)(unsigned core));
void __real_upcall_world_help_end(void);
void __wrap_upcall_world_help_begin(void (*help)(unsigned core));
void __wrap_upcall_world_help_end(void);

static void (*help_real)(unsigned core);
static volatile uint32_t counted[WEFT_CONFIG_CORES]; /* by threads that never wait */
static uint32_t counted_before[WEFT_CONFIG_CORES];
static uint32_t came;

static void help_checked(unsigned id)
{
    const struct core *core = core_self();

    CHECK(core->id == id && sched_is_idle(core) && core->preempt_off == 0);
    CHECK(world.stopping && world.core != id &&
          (__atomic_load_n(&world.parked, __ATOMIC_RELAXED) >> id & 1) != 0);
    __atomic_fetch_or(&came, 1u << id, __ATOMIC_RELAXED);
    help_real(id);
    CHECK(core == core_self() && world.stopping);
}

void __wrap_upcall_world_help_begin(void (*help)(unsigned core))
{
    memcpy(counted_before, (const void *)counted, sizeof counted_before);
    help_real = help;
    __real_upcall_world_help_begin(help_checked);
}

void __wrap_upcall_world_help_end(void)
{
    __real_upcall_world_help_end();
    CHECK(world.helping == 0);
    CHECK(memcmp(counted_before, (const void *)counted, sizeof counted_before) == 0);
}

static void *count_on(void *argument)
{
    volatile uint32_t *counter = argument;

    while (!done)
        *counter = *counter + 1;
    return NULL;
}

/* A wake that becomes due while the world is stopped. */
static void *wake_often(void *argument)
{
    while (!done)
        weft_thread_sleep_ns(50000);
    return argument;
}

static unsigned tree_count(const struct cell32 *top)
{
    return top == NULL ? 0 : 1 + tree_count(top->left) + tree_count(top->right);
}

static void help_come(uint32_t all)
{
    struct weft_gc_stats stats;

    do {
        weft_gc();
        CHECK(tree_count(tree) == HELP_BLOCKS);
        weft_gc_stats(&stats);
        CHECK(stats.live_bytes >= HELP_BLOCKS * 32 && stats.live_bytes <= HELP_BLOCKS * 32 + 2048);
    } while ((came != all || stats.chunks_shared == 0) && stats.cycles < HELP_CYCLES_MAX);
    CHECK(came == all && stats.chunks_shared > 0);
}

static void help(void)
{
    const struct weft_thread_attr low = {.priority = WEFT_PRIORITY_DEFAULT - 1};
    struct weft_thread *thread[WEFT_CONFIG_CORES + 1];
    uint32_t all = ((1u << weft_core_count()) - 1) & ~1u;

    CHECK(weft_thread_set_cores(weft_thread_self(), 1) == 0);
    CHECK((tree = tree_make(HELP_BLOCKS)) != NULL);
    for (unsigned i = 0; i < weft_core_count(); i++)
        CHECK(weft_thread_spawn(&thread[i], &low, count_on, (void *)&counted[i]) == 0);
    CHECK(weft_thread_spawn(&thread[WEFT_CONFIG_CORES], NULL, wake_often, NULL) == 0);
    help_come(all);
    done = true;
    for (unsigned i = 0; i < weft_core_count(); i++)
        CHECK(weft_thread_join(thread[i], NULL) == 0);
    CHECK(weft_thread_join(thread[WEFT_CONFIG_CORES], NULL) == 0);
    tree = NULL;
    weft_gc();
    CHECK(weft_heap_check() == 0);
    printf("help done: cores 0x%x came\n", (unsigned)came);
}

/* ---- profile ---- */

#define PROFILE_NS 200000000u

/* Ends when both cores have marked for some time. */
static void profile(void)
{
    struct weft_gc_stats stats;
    uint64_t began = weft_time_ns();

    CHECK((tree = tree_make(HELP_BLOCKS)) != NULL);
    CHECK(weft_profile_start(5000) == 0);
    do {
        weft_gc();
        weft_gc_stats(&stats);
    } while (weft_time_ns() - began < PROFILE_NS ||
             (weft_core_count() > 1 && stats.chunks_shared < 20 && stats.cycles < HELP_CYCLES_MAX));
    CHECK(weft_profile_stop() == 0 && weft_profile_send() == 0);
    printf("profile done: %u cycles\n", (unsigned)stats.cycles);
}

/* ---- refusals ---- */

static struct spinlock some_lock = SPINLOCK_INITIALIZER(RANK_HEAP_PAGES, "some lock");

static void under_lock(void)
{
    (void)spinlock_lock(&some_lock);
    weft_gc();
}

/* As the way into an interrupt has it: trap_enter. */
static void interrupt_begin(void)
{
    (void)arch_irq_save();
    core_self()->interrupt_depth++;
}

static void in_interrupt(void)
{
    interrupt_begin();
    weft_gc();
}

static void alloc_in_interrupt(void)
{
    interrupt_begin();
    (void)!weft_gc_alloc(8, 0);
}

static void preemption_off(void)
{
    weft_preempt_disable();
    weft_gc();
}

static void world_stopped(void)
{
    weft_world_stop("the caller's");
    weft_gc();
}

static void on_system_stack(void)
{
    (void)arch_irq_save();
    core_self()->current = NULL; /* as on the boot path, where no thread is current */
    weft_gc();
}

/* With a goal that is reached, allocation goes on where the world can't be stopped. */
static void allocation_pinned(void)
{
    struct weft_gc_stats stats;

    weft_gc_set_growth(1);
    CHECK(weft_gc_alloc(100000, 0) != NULL);
    weft_preempt_disable();
    for (unsigned i = 0; i < 100; i++)
        CHECK(weft_gc_alloc(1000, 0) != NULL);
    weft_preempt_enable();
    weft_gc_stats(&stats);
    CHECK(stats.cycles == 0);
    CHECK(weft_gc_alloc(8, 0) != NULL);
    weft_gc_stats(&stats);
    CHECK(stats.cycles == 1);
    puts("pinned allocation done");
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"mutators", mutators},
    {"exhaustion", exhaustion},
    {"help", help},
    {"profile", profile},
    {"places", places},
    {"garbage", garbage},
    {"finalize", finalize_all},
    {"cost", cost},
    {"pinned", allocation_pinned},
    {"lock", under_lock},
    {"interrupt", in_interrupt},
    {"alloc-interrupt", alloc_in_interrupt},
    {"preemption", preemption_off},
    {"stopped", world_stopped},
    {"system-stack", on_system_stack},
};

int main(int argc, char **argv)
{
    if (argc > 2) {
        weft_gc_set_trace(true);
        cells = 300;
    }
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0] && argc > 1; i++)
        if (strcmp(argv[1], cases[i].name) == 0)
            cases[i].run();
    return 0;
}
