/* SPDX-License-Identifier: MIT */
/*
 * A heap dump of things that are known: blocks whose addresses and sizes are printed, with pointers
 * between them, and threads that wait, or were interrupted, in functions of known names. With an
 * argument, to that file (on linux), else to the console.
 */
#include <stdint.h>
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"

#if defined(__linux__)
#include <fcntl.h>
#include <unistd.h>
#endif

#define BLOCKS 300

struct item {
    struct item *next;
    uintptr_t number;
};

static struct item *volatile first; /* in .bss */
static struct item *kept[BLOCKS];
static struct weft_queue queue;
static void *slot[1];
static volatile uint32_t spins;

/* ---- threads to look at ---- */

__attribute__((noinline)) static int wait_innermost(struct weft_queue *from)
{
    void *message;

    return weft_queue_receive(from, &message);
}

__attribute__((noinline)) static int wait_middle(struct weft_queue *from)
{
    int result = wait_innermost(from);

    __asm__ volatile("");
    return result;
}

static void *wait_outermost(void *argument)
{
    int result = wait_middle(argument);

    __asm__ volatile("");
    return (void *)(intptr_t)result;
}

__attribute__((noinline)) static void spin_innermost(void)
{
    for (;;)
        spins++;
}

static void *spin_outermost(void *argument)
{
    spin_innermost();
    return argument;
}

static void *sleep_outermost(void *argument)
{
    weft_thread_sleep_ns(3600000000000u);
    return argument;
}

static void thread_start(const char *name, int priority, void *(*entry)(void *), void *argument)
{
    const struct weft_thread_attr attr = {.name = name, .priority = priority};
    static struct weft_thread *thread;

    CHECK(weft_thread_spawn(&thread, &attr, entry, argument) == 0);
}

/* ---- blocks ---- */

/* Every third is given back, so that free places lie between. */
static void blocks_make(void)
{
    for (unsigned i = 0; i < BLOCKS; i++) {
        size_t bytes = sizeof(struct item) + i * 37 % 900 + (i % 50 == 0 ? 20000 : 0);

        kept[i] = malloc(bytes);
        CHECK(kept[i] != NULL);
        memset(kept[i], 0, bytes);
        kept[i]->number = i;
    }
    for (unsigned i = 0; i < BLOCKS; i += 3) {
        free(kept[i]);
        kept[i] = NULL;
    }
    for (unsigned i = 1; i + 1 < BLOCKS; i += 3)
        kept[i]->next = kept[i + 1];
    first = kept[1];
}

static void blocks_print(void)
{
    for (unsigned i = 0; i < BLOCKS; i++)
        if (kept[i] != NULL)
            printf("block %lx number %u\n", (unsigned long)(uintptr_t)kept[i], i);
}

#if defined(__linux__)
static void to_file(void *context, const void *bytes, size_t count)
{
    CHECK(write(*(int *)context, bytes, count) == (ssize_t)count);
}

static void dump_to(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

    CHECK(file >= 0);
    weft_heap_dump(to_file, &file);
    CHECK(close(file) == 0);
}
#else
static void dump_to(const char *path)
{
    (void)path;
}
#endif

__attribute__((noinline)) static void dump_innermost(const char *path)
{
    if (path != NULL)
        dump_to(path);
    else
        weft_heap_dump(NULL, NULL);
}

/* ---- leaks ---- */

#define LEAKS 7

__attribute__((noinline)) static void leak_blocks(unsigned count)
{
    uintptr_t *list = NULL;

    for (unsigned i = 0; i < count; i++) {
        uintptr_t *head = malloc(100);

        CHECK(head != NULL);
        head[0] = (uintptr_t)list;
        list = head;
    }
}

/* A thread of its own, whose stack is gone afterwards. */
static void *leak_thread(void *argument)
{
    leak_blocks(LEAKS);
    return argument;
}

static int leaks(void)
{
    struct weft_thread *thread;
    struct weft_leaks found;

    blocks_make();
    CHECK(weft_thread_spawn(&thread, NULL, leak_thread, NULL) == 0);
    CHECK(weft_thread_join(thread, NULL) == 0);
    CHECK(weft_heap_leaks(&found) == 0);
    printf("found %u leaks among %u blocks\n", (unsigned)found.blocks, (unsigned)found.live_blocks);
    CHECK(found.live_blocks >= BLOCKS * 2 / 3 + LEAKS);
    CHECK(weft_heap_check() == 0);
    return 0;
}

int main(int argc, char **argv)
{
    uintptr_t *collected, *raw;

    if (argc > 1 && strcmp(argv[1], "leaks") == 0)
        return leaks();
    CHECK(weft_queue_init(&queue, slot, sizeof slot[0], 1) == 0);
    thread_start("waiter", WEFT_PRIORITY_DEFAULT, wait_outermost, &queue);
    thread_start("sleeper", WEFT_PRIORITY_DEFAULT, sleep_outermost, NULL);
    thread_start("spinner", WEFT_PRIORITY_DEFAULT - 1, spin_outermost, NULL);
    while (spins == 0)
        weft_thread_sleep_ns(1000000);
    collected = weft_gc_alloc(64, 0);
    raw = weft_gc_alloc(64, WEFT_GC_POINTER_FREE);
    blocks_make();
    collected[1] = (uintptr_t)kept[2];
    raw[1] = (uintptr_t)kept[2];
    blocks_print();
    printf("collected %lx\n", (unsigned long)(uintptr_t)collected);
    printf("first %lx\n", (unsigned long)(uintptr_t)&first);
    printf("in blocks %lu\n", (unsigned long)weft_heap_live_bytes());
    fflush(stdout);
    dump_innermost(argc > 1 ? argv[1] : NULL);
    CHECK(weft_heap_check() == 0);
    puts("dumped");
    fflush(stdout);
    __asm__ volatile("" ::"r"(collected), "r"(raw));
    return 0;
}
