/* SPDX-License-Identifier: MIT */
/* Two threads, a mutex, a semaphore; no stdio, no heap of its own. With an argument, a panic. */
#include <weft/console.h>
#include <weft/mutex.h>
#include <weft/semaphore.h>
#include <weft/thread.h>

static struct weft_mutex mutex = WEFT_MUTEX_INITIALIZER(mutex);
static struct weft_semaphore done = WEFT_SEMAPHORE_INITIALIZER(done, 0);
static unsigned counter;

static void *other(void *argument)
{
    for (int i = 0; i < 1000; i++) {
        weft_mutex_lock(&mutex);
        counter++;
        weft_mutex_unlock(&mutex);
    }
    weft_semaphore_post(&done);
    return argument;
}

int main(int argc, char **argv)
{
    static unsigned char stack[4096] __attribute__((aligned(16)));
    const struct weft_thread_attr attr = {
        .priority = WEFT_PRIORITY_DEFAULT, .stack = stack, .stack_bytes = sizeof stack};
    struct weft_thread *thread, *without;
    void *result;

    if (weft_thread_spawn(&thread, &attr, other, &counter) != 0)
        return 1;
    for (int i = 0; i < 1000; i++) {
        weft_mutex_lock(&mutex);
        counter++;
        weft_mutex_unlock(&mutex);
    }
    if (weft_semaphore_wait(&done) != 0 || weft_thread_join(thread, &result) != 0)
        return 2;
    if (result != &counter || counter != 2000)
        return 3;
    if (argc > 1 && argv[1][0] == 'h') /* without a heap a stack has to be given */
        return weft_thread_spawn(&without, NULL, other, NULL) == WEFT_ENOMEM ? 0 : 4;
    if (argc > 1 && argv[1][0] == 'p')
        weft_panic("counted %u", counter);
    if (argc > 1)
        __builtin_trap();
    weft_print("small: counted %u\n", counter);
    return 0;
}
