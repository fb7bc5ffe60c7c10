/* SPDX-License-Identifier: MIT */
/* The smallest program with threads: two of them, a mutex, a semaphore. */
#include <weft/mutex.h>
#include <weft/semaphore.h>
#include <weft/thread.h>

static struct weft_mutex mutex = WEFT_MUTEX_INITIALIZER(mutex);
static struct weft_semaphore done = WEFT_SEMAPHORE_INITIALIZER(done, 0);
static unsigned counter;

static void *other(void *argument)
{
    weft_mutex_lock(&mutex);
    counter++;
    weft_mutex_unlock(&mutex);
    weft_semaphore_post(&done);
    return argument;
}

int main(void)
{
    static unsigned char stack[2048];
    const struct weft_thread_attr attr = {
        .priority = 17, .stack = stack, .stack_bytes = sizeof stack};
    struct weft_thread *thread;

    if (weft_thread_spawn(&thread, &attr, other, NULL) != 0)
        return 1;
    if (weft_semaphore_wait(&done) != 0)
        return 1;
    return weft_thread_join(thread, NULL) == 0 && counter == 1 ? 0 : 1;
}
