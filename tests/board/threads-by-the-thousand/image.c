/* SPDX-License-Identifier: MIT */
/*
 * threads=N: so many threads at once, half of them with stacks from the page heap, half with small
 * ones of the caller's; small=N: so many with small stacks alone. Each waits, is woken, and is
 * joined. On linux the memory that the process has got is looked at while all of them wait.
 */
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"

#define HEAP_STACK_BYTES 1500
#define SMALL_BYTES 2048 /* control block included */
#define RESIDENT_LIMIT_BYTES 2300

static struct weft_semaphore go;
static uint32_t woken;

static void *waiting_thread(void *argument)
{
    CHECK(weft_semaphore_wait(&go) == 0);
    woken++;
    return argument;
}

static size_t resident_bytes(void)
{
    unsigned long pages = 0;

#if defined(__linux__)
    FILE *file = fopen("/proc/self/statm", "r");

    CHECK(file != NULL && fscanf(file, "%*u %lu", &pages) == 1);
    fclose(file);
#endif
    return pages * 4096;
}

static void spawn_all(struct weft_thread **threads, size_t count, unsigned char *small,
                      size_t small_count)
{
    for (size_t i = 0; i < count; i++) {
        struct weft_thread_attr attr = {.priority = WEFT_PRIORITY_DEFAULT,
                                        .stack_bytes = HEAP_STACK_BYTES};

        if (i < small_count) {
            attr.stack = small + i * SMALL_BYTES;
            attr.stack_bytes = SMALL_BYTES;
            attr.cooperative = true;
        }
        CHECK(weft_thread_spawn(&threads[i], &attr, waiting_thread, (void *)i) == 0);
        if (i % 64 == 63)
            weft_thread_yield();
    }
    weft_thread_yield();
}

int main(int argc, char **argv)
{
    size_t count = 0, small_count, before, each;
    struct weft_thread **threads;
    unsigned char *small;
    bool all_small = false;

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "threads=", 8) == 0)
            count = strtoul(argv[i] + 8, NULL, 10);
        all_small |= strncmp(argv[i], "small=", 6) == 0;
        if (strncmp(argv[i], "small=", 6) == 0)
            count = strtoul(argv[i] + 6, NULL, 10);
    }
    CHECK(count > 0);
    small_count = all_small ? count : count / 2;
    threads = malloc(count * sizeof *threads);
    small = malloc(small_count * SMALL_BYTES);
    CHECK(threads != NULL && small != NULL);
    memset(threads, 0, count * sizeof *threads); /* that is not the threads' memory */
    CHECK(weft_semaphore_init(&go, 0, WEFT_SEMAPHORE_LIMIT) == 0);

    before = resident_bytes();
    spawn_all(threads, count, small, small_count);
    CHECK(weft_thread_count() == count + 1);
    each = (resident_bytes() - before) / count;
    printf("%lu threads wait, %lu bytes each\n", (unsigned long)count, (unsigned long)each);
    CHECK(!all_small || each <= RESIDENT_LIMIT_BYTES);

    for (size_t i = 0; i < count; i++)
        CHECK(weft_semaphore_post(&go) == 0);
    for (size_t i = 0; i < count; i++) {
        void *result;

        CHECK(weft_thread_join(threads[i], &result) == 0 && result == (void *)i);
    }
    CHECK(woken == count && weft_thread_count() == 1);
    free(small);
    free(threads);
    CHECK(weft_heap_check() == 0);
    puts("all ran");
    return 0;
}
