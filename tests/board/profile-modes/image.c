/* SPDX-License-Identifier: MIT */
/* One way of taking a profile per run, named by the first argument; test.c knows what the log must
 * say. Each works until the profiler has seen enough, so that nothing depends on the CPU's speed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/weft.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            weft_panic("%s is not true", #condition);                                              \
    } while (0)

static volatile uint32_t sink;

static struct weft_profile_totals totals(void)
{
    struct weft_profile_totals now;

    weft_profile_totals(&now);
    CHECK(now.ticks ==
          now.recorded + now.lost_atomic64 + now.lost_full + now.lost_nolock + now.suppressed);
    return now;
}

/* Two kinds of work whose pcs differ from tick to tick. */
#define WORK(name)                                                                                 \
    static __attribute__((noinline)) void name(void)                                               \
    {                                                                                              \
        for (uint32_t i = 0; i < 2000; i++) {                                                      \
            sink += i * 7;                                                                         \
            sink ^= i << 3;                                                                        \
            sink -= i / 5;                                                                         \
        }                                                                                          \
    }
WORK(early_work)
WORK(late_work)

static void work_for_ticks(void (*work)(void), uint32_t ticks)
{
    uint32_t end = totals().ticks + ticks;

    while ((int32_t)(totals().ticks - end) < 0)
        for (int i = 0; i < 5; i++)
            work();
}

static void finish(void)
{
    CHECK(weft_profile_stop() == 0);
    printf("ticks=%u recorded=%u lost_full=%u\n", (unsigned)totals().ticks,
           (unsigned)totals().recorded, (unsigned)totals().lost_full);
    fflush(stdout);
}

static void send(void)
{
    CHECK(weft_profile_send() == 0);
}

static void rate(void)
{
    static const uint32_t rates[] = {1000, 20000, 100, 5000, 50, 20000, 333};

    CHECK(weft_profile_rate_set(100) == WEFT_ESTATE);
    CHECK(weft_profile_start(2000) == 0);
    for (unsigned i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        uint32_t before = totals().ticks;

        CHECK(weft_profile_rate_set(rates[i]) == 0);
        CHECK(totals().ticks >= before);
        work_for_ticks(early_work, rates[i] / 50 + 1);
    }
    finish();
    send();
}

static void stream(void)
{
    const struct weft_profile_options options = {
        .rate_hz = 20000, .log = WEFT_PROFILE_LOG_STREAM, .sender_priority = 20};

    for (int round = 0; round < 2; round++) {
        CHECK(weft_profile_start_with(&options) == 0);
        work_for_ticks(early_work, 9000);
        finish();
        CHECK(weft_profile_send() == WEFT_ESTATE);
    }
}

static void newest(void)
{
    const struct weft_profile_options options = {.rate_hz = 20000, .log = WEFT_PROFILE_LOG_NEWEST};

    CHECK(weft_profile_start_with(&options) == 0);
    work_for_ticks(early_work, 3000);
    work_for_ticks(late_work, 12000);
}

static void newest_sent(void)
{
    const struct weft_profile_options wrong = {.rate_hz = 20000,
                                               .log = WEFT_PROFILE_LOG_STREAM,
                                               .sender_priority = WEFT_PRIORITY_HIGHEST + 1};

    newest();
    finish();
    CHECK(weft_profile_start_with(&wrong) == WEFT_EINVAL); /* the last one's log is still there */
    send();
}

static void newest_left(void)
{
    CHECK(weft_profile_label_set("mode", "left") == 0);
    newest();
    printf("ticks=%u\n", (unsigned)totals().ticks);
    fflush(stdout);
}

static void newest_stopped(void)
{
    newest();
    finish();
}

static void *labelled(void *argument)
{
    CHECK(weft_profile_label_set("request", argument) == 0);
    work_for_ticks(early_work, 200);
    CHECK(weft_profile_label_set("phase", "late") == 0);
    work_for_ticks(late_work, 200);
    return NULL;
}

static void labels(void)
{
    static char texts[2][4] = {"one", "two"};
    struct weft_thread *threads[2];

    CHECK(weft_profile_label_set("program", "test") == 0);
    CHECK(weft_profile_start(2000) == 0);
    for (int i = 0; i < 2; i++) {
        CHECK(weft_thread_spawn(&threads[i], NULL, labelled, texts[i]) == 0);
        CHECK(weft_thread_join(threads[i], NULL) == 0);
    }
    finish();
    send();
}

static struct weft_queue queue;
static uint32_t queue_storage[1];
static uint32_t waited_ticks;

static void *receiver(void *argument)
{
    uint32_t message;

    (void)argument;
    CHECK(weft_queue_receive(&queue, &message) == 0);
    return NULL;
}

static void *sleeper(void *argument)
{
    (void)argument;
    for (int i = 0; i < 20; i++)
        weft_thread_sleep_ns(20000000);
    waited_ticks = totals().ticks;
    return NULL;
}

/* Still asleep when the profile ends. */
static void *hibernator(void *argument)
{
    (void)argument;
    weft_thread_sleep_ns(3600000000000);
    return NULL;
}

static void wall(void)
{
    const struct weft_profile_options options = {.rate_hz = 1000, .wall = true};
    static const struct weft_thread_attr detached = {
        .name = "hibernator", .priority = 20, .detached = true};
    struct weft_thread *threads[2];
    uint32_t message = 1;

    CHECK(weft_queue_init(&queue, queue_storage, sizeof message, 1) == 0);
    CHECK(weft_profile_start_with(&options) == 0);
    CHECK(weft_thread_spawn(NULL, &detached, hibernator, NULL) == 0);
    CHECK(weft_thread_spawn(&threads[0], NULL, receiver, NULL) == 0);
    CHECK(weft_thread_spawn(&threads[1], NULL, sleeper, NULL) == 0);
    CHECK(weft_thread_join(threads[1], NULL) == 0);
    work_for_ticks(early_work, 50);
    CHECK(weft_queue_send(&queue, &message) == 0);
    CHECK(weft_thread_join(threads[0], NULL) == 0);
    finish();
    printf("waited=%u\n", (unsigned)waited_ticks);
    fflush(stdout);
    send();
}

/* A blob: no unwind information, and a stack pointer of its own. */
void blob(void *stack_top, unsigned long rounds);
#ifdef __mips__
__asm__(".text\n.set push\n.set noreorder\n.globl blob\n.type blob, @function\nblob:\n"
        "move $t0, $sp\nmove $sp, $a0\n1: addiu $a1, $a1, -1\nbnez $a1, 1b\nnop\n"
        "move $sp, $t0\njr $ra\nnop\n.size blob, . - blob\n.set pop\n");
#else
__asm__(".text\n.globl blob\n.type blob, @function\nblob:\n"
        "movq %rsp, %rax\nmovq %rdi, %rsp\n1: decq %rsi\njnz 1b\n"
        "movq %rax, %rsp\nretq\n.size blob, . - blob\n");
#endif

static __attribute__((noinline)) void foreign_caller(unsigned depth)
{
    static unsigned char stack[4096] __attribute__((aligned(16)));
    struct weft_foreign bracket;

    if (depth > 0) {
        foreign_caller(depth - 1);
        sink++;
        return;
    }
    weft_foreign_enter(&bracket);
    blob(stack + sizeof stack, 100000);
    weft_foreign_exit(&bracket);
    early_work();
}

static __attribute__((noinline)) void call_foreign(void)
{
    foreign_caller(3);
    sink++;
}

static void foreign(void)
{
    CHECK(weft_profile_start(5000) == 0);
    work_for_ticks(call_foreign, 500);
    finish();
    send();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } modes[] = {{"rate", rate},        {"stream", stream},          {"newest", newest_sent},
                 {"left", newest_left}, {"stopped", newest_stopped}, {"labels", labels},
                 {"wall", wall},        {"foreign", foreign}};

    for (size_t i = 0; argc > 1 && i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(argv[1], modes[i].name) == 0) {
            modes[i].run();
            puts("profile-modes: done");
            return 0;
        }
    return 64;
}
