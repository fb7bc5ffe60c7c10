/* SPDX-License-Identifier: MIT */
/*
 * What is particular to threads inside a process; the first argument says which. Built for every
 * board, run on linux.
 */
#include <weft/weft.h>

#include "../firmware.h"

#if defined(__linux__)
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define THREADS 4
#define SECOND_NS 1000000000ull

static volatile bool stop;
static volatile unsigned rounds[THREADS];

/* All threads write lines to it; libc's lock keeps each whole only if nobody else gets in. */
static FILE *common;

static void common_open(void)
{
    common = tmpfile();
    CHECK(common != NULL);
}

static void common_check(void)
{
    unsigned thread, count, again, lines = 0;
    char line[300], blanks[3];

    rewind(common);
    for (; fgets(line, sizeof line, common) != NULL; lines++) {
        CHECK(sscanf(line, "%u:%u:%*[0]%2[ ]%u", &thread, &count, blanks, &again) == 4);
        CHECK(thread < THREADS && count == again && strlen(line) > 130);
    }
    printf("%u lines\n", lines);
    CHECK(lines > 10);
    fclose(common);
}

/* Nearly all of its time is libc's: locks, buffers, locale, malloc of its own. */
static void *in_libc(void *argument)
{
    volatile unsigned *count = argument;
    char text[200], *copy;

    while (!stop) {
        FILE *file = fmemopen(text, sizeof text, "w");
        double value = 0;

        CHECK(file != NULL);
        CHECK(fprintf(file, "%s %u %.3f", "libc", *count, *count / 8.0) > 0);
        fclose(file);
        CHECK(asprintf(&copy, "%s", text) > 0);
        CHECK(sscanf(copy, "libc %*u %lf", &value) == 1);
        CHECK(value == *count / 8.0);
        free(copy);
        CHECK(fprintf(common, "%u:%u:%0130u  %u\n", (unsigned)(count - rounds), *count, 0, *count) >
              0);
        ++*count;
    }
    return NULL;
}

/* Each thread's errno stays its own, though there is one per pthread: across preemption in the
 * middle of the loop, and across a switch that the thread asked for. */
static void *with_errno(void *argument)
{
    volatile unsigned *count = argument;
    int mine = 1000 + (int)(count - rounds);

    errno = mine;
    while (!stop) {
        for (volatile int i = 0; i < 2000; i++)
            ;
        CHECK(errno == mine);
        weft_thread_yield();
        CHECK(errno == mine);
        if (close(-1) != 0)
            CHECK(errno == EBADF);
        errno = mine;
        ++*count;
    }
    return NULL;
}

static int several(void *(*entry)(void *), uint64_t ns)
{
    struct weft_thread_attr attr = {.priority = 10, .stack_bytes = 65536};
    struct weft_thread *threads[THREADS];
    struct weft_profile_totals totals;
    unsigned least = UINT32_MAX;

    common_open();
    CHECK(weft_profile_start(5000) == 0);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(weft_thread_spawn(&threads[i], &attr, entry, (void *)(uintptr_t)&rounds[i]) == 0);
    weft_thread_sleep_ns(ns);
    stop = true;
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK(weft_thread_join(threads[i], NULL) == 0);
        least = rounds[i] < least ? rounds[i] : least;
    }
    CHECK(weft_profile_stop() == 0 && weft_profile_send() == 0);
    weft_profile_totals(&totals);
    printf("least %u rounds, %u ticks\n", least, (unsigned)totals.ticks);
    CHECK(least > 0 && totals.ticks > 10);
    if (entry == in_libc)
        common_check();
    return 0;
}

/* getline takes memory with the FILE's lock held: whoever loses the core in there lets another in.
 */
static bool line_read(void)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length = getline(&line, &room, common);

    if (length < 0) {
        CHECK(feof(common));
        rewind(common);
    } else {
        CHECK(length > 2 && line[length - 1] == '\n');
        for (ssize_t i = 1; i < length - 1; i++)
            CHECK(line[i] == line[0]);
    }
    free(line);
    return length >= 0;
}

static void *reader(void *argument)
{
    while (!stop)
        (void)line_read();
    return argument;
}

/* This thread comes between, at any place of the readers. */
static int lines(void)
{
    const struct weft_thread_attr attr = {.priority = 10, .stack_bytes = 65536};
    struct weft_thread *threads[THREADS];
    unsigned whole = 0;

    common_open();
    for (int i = 0; i < 200; i++) {
        for (int k = 0; k < 300 + 37 * (i % 40); k++)
            fputc('a' + i % 26, common);
        fputc('\n', common);
    }
    rewind(common);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(weft_thread_spawn(&threads[i], &attr, reader, NULL) == 0);
    for (uint64_t end = weft_time_ns() + SECOND_NS; weft_time_ns() < end;) {
        weft_thread_sleep_ns(20000 + whole % 97 * 100);
        whole += line_read();
    }
    stop = true;
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(weft_thread_join(threads[i], NULL) == 0);
    printf("%u lines read in between\n", whole);
    return whole < 10;
}

/* What came over standard input, until it says "end"; reading never waits for more. */
static int echo(void)
{
    char line[80];

    for (;;) {
        clearerr(stdin);
        if (fgets(line, sizeof line, stdin) == NULL) {
            weft_thread_sleep_ns(1000000);
            continue;
        }
        printf("got %s", line);
        if (strcmp(line, "end\n") == 0)
            return 0;
    }
}

static void *tell_pid(void *argument)
{
    printf("pid %d\n", (int)getpid());
    return argument;
}

/* Waits to be told to go; then a thread of lower priority prints its number. */
static int wait_for_signal(void)
{
    const struct weft_thread_attr attr = {.name = "teller", .priority = 1, .detached = true};

    CHECK(weft_thread_spawn(NULL, &attr, tell_pid, NULL) == 0);
    while (!stop)
        weft_thread_sleep_ns(100 * SECOND_NS);
    return 0;
}

static bool constructed;

/* A constructor runs in thread 1, so it may use weft. */
__attribute__((constructor)) static void construct(void)
{
    weft_thread_yield();
    constructed = weft_thread_id(weft_thread_self()) == 1;
}

static void *overlap(void *argument)
{
    return argument;
}

/* AddressSanitizer, or valgrind, ought to say so. */
static int use_after_free(void)
{
    char *volatile block = malloc(40);

    CHECK(block != NULL);
    free(block);
    return block[3];
}

/* ThreadSanitizer ought to say so: two cores, no lock. */
static volatile int shared;
static _Atomic unsigned started;

static void *racer(void *argument)
{
    for (started++; started < 2;)
        ;
    for (unsigned i = 0; i < 3000000; i++) /* many turns of the two pthreads */
        shared++;
    return argument;
}

static int race(void)
{
    struct weft_thread *threads[2];

    for (unsigned i = 0; i < 2; i++) {
        struct weft_thread_attr attr = {.priority = 10, .cores = 1u << i};

        CHECK(weft_thread_spawn(&threads[i], &attr, racer, NULL) == 0);
    }
    for (unsigned i = 0; i < 2; i++)
        CHECK(weft_thread_join(threads[i], NULL) == 0);
    return shared == 0;
}

static int undefined(void)
{
    volatile int large = 0x7fffffff;

    large++;
    return large == 0;
}

int main(int argc, char **argv)
{
    struct weft_thread *thread = NULL;

    CHECK(constructed);
    CHECK(argc > 1);
    if (strcmp(argv[1], "libc") == 0)
        return several(in_libc, SECOND_NS / 2);
    if (strcmp(argv[1], "errno") == 0)
        return several(with_errno, SECOND_NS / 2);
    if (strcmp(argv[1], "lines") == 0)
        return lines();
    if (strcmp(argv[1], "echo") == 0)
        return echo();
    if (strcmp(argv[1], "wait") == 0)
        return wait_for_signal();
    if (strcmp(argv[1], "use-after-free") == 0)
        return use_after_free();
    if (strcmp(argv[1], "race") == 0)
        return race();
    if (strcmp(argv[1], "undefined") == 0)
        return undefined();
    /* "threads": what a memory checker looks at. */
    for (unsigned i = 0; i < 200; i++) {
        CHECK(weft_thread_spawn(&thread, NULL, overlap, thread) == 0);
        weft_thread_yield();
        CHECK(weft_thread_join(thread, NULL) == 0);
    }
    puts("threads done");
    return 0;
}
#else
int main(void)
{
    return 0;
}
#endif
