/* SPDX-License-Identifier: MIT */
/*
 * weft's threads, mutexes and queues on the host's pthreads: just enough to run a program that was
 * written for weft under a host test, with its real concurrency and under sanitizers. It is no
 * model of weft's scheduler: priorities are ignored, and one lock guards every object.
 */
#include "shim_weft_pthread.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weft/mutex.h>
#include <weft/queue.h>
#include <weft/thread.h>
#include <weft/time.h>

struct weft_thread {
    pthread_t thread;
    void *(*entry)(void *argument);
    void *argument;
};

static pthread_mutex_t shim_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t shim_changed = PTHREAD_COND_INITIALIZER;
static __thread struct weft_thread *shim_self;
static struct weft_thread shim_main;
static int shim_spawns_left = -1;
static int shim_threads;

void shim_fail_spawn_after(int spawns)
{
    shim_spawns_left = spawns;
}

int shim_threads_alive(void)
{
    return shim_threads;
}

static void shim_wait(void)
{
    pthread_cond_wait(&shim_changed, &shim_lock);
}

static void shim_unlock_after_change(void)
{
    pthread_cond_broadcast(&shim_changed);
    pthread_mutex_unlock(&shim_lock);
}

static struct weft_thread *shim_current(void)
{
    return shim_self != NULL ? shim_self : &shim_main;
}

static void *shim_start(void *argument)
{
    shim_self = argument;
    return shim_self->entry(shim_self->argument);
}

int weft_thread_spawn(struct weft_thread **thread, const struct weft_thread_attr *attr,
                      void *(*entry)(void *), void *argument)
{
    assert(thread != NULL && attr != NULL && !attr->detached);
    if (shim_spawns_left == 0)
        return WEFT_ENOMEM;
    shim_spawns_left -= shim_spawns_left > 0;

    struct weft_thread *made = calloc(1, sizeof *made);
    assert(made != NULL);
    made->entry = entry;
    made->argument = argument;
    int error = pthread_create(&made->thread, NULL, shim_start, made);
    assert(error == 0);
    (void)error;
    shim_threads++;
    *thread = made;
    return 0;
}

int weft_thread_join(struct weft_thread *thread, void **result)
{
    int error = pthread_join(thread->thread, result);
    assert(error == 0);
    (void)error;
    free(thread);
    shim_threads--;
    return 0;
}

int weft_mutex_init(struct weft_mutex *mutex, enum weft_mutex_kind kind)
{
    memset(mutex, 0, sizeof *mutex);
    mutex->magic = WEFT_MUTEX_MAGIC;
    mutex->kind = (uint16_t)kind;
    return 0;
}

int weft_mutex_lock(struct weft_mutex *mutex)
{
    pthread_mutex_lock(&shim_lock);
    assert(mutex->magic == WEFT_MUTEX_MAGIC && mutex->owner != shim_current());
    while (mutex->owner != NULL)
        shim_wait();
    mutex->owner = shim_current();
    pthread_mutex_unlock(&shim_lock);
    return 0;
}

int weft_mutex_unlock(struct weft_mutex *mutex)
{
    pthread_mutex_lock(&shim_lock);
    assert(mutex->owner == shim_current());
    mutex->owner = NULL;
    shim_unlock_after_change();
    return 0;
}

int weft_queue_init(struct weft_queue *queue, void *storage, size_t message_bytes, size_t capacity)
{
    assert(storage != NULL && message_bytes > 0 && capacity > 0);
    memset(queue, 0, sizeof *queue);
    queue->message_bytes = (uint32_t)message_bytes;
    queue->capacity = (uint32_t)capacity;
    queue->storage = storage;
    return 0;
}

int weft_queue_send(struct weft_queue *queue, const void *message)
{
    pthread_mutex_lock(&shim_lock);
    while (queue->count == queue->capacity && !queue->closed)
        shim_wait();
    int error = queue->closed ? WEFT_ECLOSED : 0;
    if (error == 0) {
        size_t place = (queue->first + queue->count) % queue->capacity;
        memcpy(queue->storage + place * queue->message_bytes, message, queue->message_bytes);
        queue->count++;
    }
    shim_unlock_after_change();
    return error;
}

int weft_queue_receive(struct weft_queue *queue, void *message)
{
    pthread_mutex_lock(&shim_lock);
    while (queue->count == 0 && !queue->closed)
        shim_wait();
    int error = queue->count == 0 ? WEFT_ECLOSED : 0;
    if (error == 0) {
        memcpy(message, queue->storage + (size_t)queue->first * queue->message_bytes,
               queue->message_bytes);
        queue->first = (queue->first + 1) % queue->capacity;
        queue->count--;
    }
    shim_unlock_after_change();
    return error;
}

void weft_queue_close(struct weft_queue *queue)
{
    pthread_mutex_lock(&shim_lock);
    queue->closed = 1;
    shim_unlock_after_change();
}

uint64_t weft_time_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
