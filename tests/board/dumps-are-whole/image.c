/* SPDX-License-Identifier: MIT */
/*
 * Dumps into a buffer (requirements E2): cut at every length, while an interrupt prints at one
 * instruction after another; and the dump to the console, which lets other threads run.
 *
 *   own      the caller's stack: the same bytes each time, so every length must be a prefix of them
 *   all      all threads' stacks: the same but for how long each has waited
 *   console  weft_threads_dump with an urgent thread that wants to run every 200 us
 */
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"

#define CANARY 0x5a
#define SPARE 16
#define WAITING 24
#define MANY 300
#define STACK_BYTES 3072

static unsigned char buffer[32768];

/* ---- what interrupts print ---- */

static struct weft_timer timer;
static uint32_t printed;

static void prints(struct weft_timer *expired, void *argument)
{
    (void)expired;
    (void)argument;
    printed++;
    weft_print("<interrupt>\n");
}

/* ---- threads to dump ---- */

static struct weft_semaphore gate;

static __attribute__((noinline)) void stand(unsigned depth)
{
    if (depth > 0)
        stand(depth - 1);
    else
        CHECK(weft_semaphore_wait(&gate) == 0);
    __asm__ volatile("");
}

static void *standing(void *depth)
{
    stand((unsigned)(uintptr_t)depth);
    return NULL;
}

static void spawn_standing(struct weft_thread **threads, unsigned count)
{
    static const struct weft_thread_attr attr = {.priority = WEFT_PRIORITY_DEFAULT,
                                                 .stack_bytes = STACK_BYTES};

    CHECK(weft_semaphore_init(&gate, 0, MANY) == 0);
    for (uintptr_t i = 0; i < count; i++)
        CHECK(weft_thread_spawn(&threads[i], &attr, standing, (void *)(i % 4)) == 0);
    weft_thread_sleep_ns(5000000); /* all of them wait by then */
}

static void join_standing(struct weft_thread **threads, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        CHECK(weft_semaphore_post(&gate) == 0);
    for (unsigned i = 0; i < count; i++)
        CHECK(weft_thread_join(threads[i], NULL) == 0);
}

/* ---- prefixes ---- */

/* Without what stands in brackets: state and how long. A bracket that is cut is left out as well.
 */
static size_t without_states(unsigned char *text, size_t bytes)
{
    size_t out = 0;
    bool inside = false;

    for (size_t i = 0; i < bytes; i++) {
        inside |= text[i] == '[';
        if (!inside)
            text[out++] = text[i];
        inside &= text[i] != ']';
    }
    return out;
}

static size_t take(size_t bytes, bool all)
{
    size_t used;

    memset(buffer, CANARY, bytes + SPARE);
    used = weft_stack((char *)buffer, bytes, all);
    CHECK(used <= bytes);
    for (size_t i = used; i < bytes + SPARE; i++)
        CHECK(buffer[i] == CANARY);
    return used;
}

static bool contains(const unsigned char *text, size_t bytes, const char *part)
{
    size_t length = strlen(part);

    for (size_t i = 0; i + length <= bytes; i++)
        if (memcmp(text + i, part, length) == 0)
            return true;
    return false;
}

/* One call site for all of them: it is in the text. */
static void try_lengths(bool all, size_t step, uint64_t shift_ns)
{
    static unsigned char whole[sizeof buffer];
    size_t full = 0, whole_bytes = 0;

    /* Backwards: the first is the whole text. */
    for (size_t turn = 0, bytes = sizeof buffer - SPARE;; turn++) {
        size_t used;

        CHECK(weft_timer_start(&timer, weft_time_ns() + 2000 + turn * shift_ns, 0) == 0);
        used = take(bytes, all);
        (void)weft_timer_cancel(&timer);
        CHECK(!contains(buffer, used, "interrupt"));
        CHECK(turn == 0 || used == (bytes < full ? bytes : full) || (all && used + 64 > full));
        if (turn == 0) {
            full = used;
            memcpy(whole, buffer, used);
            whole_bytes = without_states(whole, used);
            CHECK(contains(whole, whole_bytes, "thread 1 \"main\""));
        }
        used = without_states(buffer, used);
        CHECK(used <= whole_bytes && memcmp(buffer, whole, used) == 0);
        if (turn != 0 && bytes == 0)
            return;
        bytes = turn == 0 ? full + SPARE : bytes < step ? 0 : bytes - step;
    }
}

static void prefixes(void)
{
    struct weft_thread *threads[WAITING];

    CHECK(weft_timer_init(&timer, prints, NULL) == 0);
    try_lengths(false, 1, 40);
    CHECK(printed > 50 || !TIME_IS_OWN); /* a process dumps its own faster than a signal comes */
    spawn_standing(threads, WAITING);
    try_lengths(true, 61, 700);
    join_standing(threads, WAITING);
    CHECK(printed > 5);
    printf("prefixes: %u interrupts have printed\n", (unsigned)printed);
}

/* ---- the console's dump stops nobody for long ---- */

#define PERIOD_NS 200000u

static volatile bool dumping, over;
static uint32_t turns;

static void *urgent(void *argument)
{
    while (!over) {
        turns += dumping;
        weft_thread_sleep_ns(PERIOD_NS);
    }
    return argument;
}

static void console(void)
{
    static struct weft_thread *threads[MANY];
    struct weft_thread_attr attr = {.priority = WEFT_PRIORITY_DEFAULT + 4};
    struct weft_thread *thread;
    uint64_t start, took;

    spawn_standing(threads, MANY);
    CHECK(weft_thread_spawn(&thread, &attr, urgent, NULL) == 0);
    start = weft_time_ns();
    dumping = true;
    weft_threads_dump();
    dumping = false;
    took = weft_time_ns() - start;
    over = true;
    CHECK(weft_thread_join(thread, NULL) == 0);
    join_standing(threads, MANY);
    printf("console: %u turns of the urgent thread in %u us\n", (unsigned)turns,
           (unsigned)(took / 1000));
    CHECK(took > 5 * PERIOD_NS || !TIME_IS_OWN);
    CHECK(!TIME_IS_OWN || turns >= took / PERIOD_NS / 2);
    CHECK(turns >= 2 || took < 4 * PERIOD_NS);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "console") == 0)
        console();
    else
        prefixes();
    return 0;
}
