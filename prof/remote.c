/* SPDX-License-Identifier: MIT */
/*
 * Obeying the host tool (weft/remote.h).
 *
 *   host: FRAME_BEGIN "NUMBER REQUEST CRC" FRAME_END      target: LOG_REPLY records
 *
 * The request is text, its CRC the one of frames over all before the last blank, in eight hex
 * digits. The console's handler gathers it, the thread obeys. The host repeats a request that is
 * not answered, with the same number; the thread then only repeats its reply. There are
 *
 *   profile HZ MS cpu|wall    accepted, then the streamed profile, then done
 *   stop                      ends it early
 *   dump | heap | threads     weft_threads_dump, weft_heap_profile_send, weft_thread_stacks_send
 *
 * A profile ends by itself after MS, whether or not somebody still listens.
 */
#include <stdlib.h>
#include <string.h>
#include <weft/dump.h>
#include <weft/heap_profile.h>
#include <weft/profile.h>
#include <weft/remote.h>
#include <weft/semaphore.h>
#include <weft/sites.h>
#include <weft/thread.h>
#include <weft/time.h>

#include "kernel/assert.h"
#include "kernel/upcall.h"
#include "prof/frame.h"
#include "prof/log.h"
#include "sched/sched.h"

#define REQUEST_BYTES 64
#define STACK_BYTES 8192
#define PROFILE_MS_MAX 86400000u /* a day */
#define CRC_DIGITS 8

static struct {
    struct weft_semaphore arrived;
    uint32_t started;
    int priority;

    /* The handler's while `full` is 0, then the thread's. */
    uint32_t full;
    bool inside; /* a frame has begun */
    uint32_t used;
    char text[REQUEST_BYTES + 1];

    /* The thread's. */
    uint32_t number; /* of the last request */
    struct log_reply reply;
} remote = {.arrived = WEFT_SEMAPHORE_BINARY_INITIALIZER(remote.arrived, 0)};

/* ---- the console's handler ---- */

/* True: the byte belongs to a request, and is no input. */
static bool take_byte(int byte)
{
    if (byte == FRAME_BEGIN) {
        remote.inside = true;
        remote.used = 0;
        return true;
    }
    if (!remote.inside)
        return false;
    if (byte == FRAME_END) {
        remote.inside = false;
        if (__atomic_load_n(&remote.full, __ATOMIC_ACQUIRE) == 0 && remote.used > 0) {
            remote.text[remote.used] = 0;
            __atomic_store_n(&remote.full, 1, __ATOMIC_RELEASE);
            (void)weft_semaphore_post(&remote.arrived);
        }
        return true;
    }
    if (remote.used == REQUEST_BYTES || byte < ' ' || byte > '~') {
        remote.inside = false; /* noise, or not ours */
        return true;
    }
    if (__atomic_load_n(&remote.full, __ATOMIC_ACQUIRE) == 0)
        remote.text[remote.used++] = (char)byte;
    return true;
}

/* ---- the thread ---- */

static void send_reply(void)
{
    static uint16_t sequence;
    struct {
        struct log_record record;
        struct log_reply reply;
        uint32_t check;
    } out = {.reply = remote.reply};

    log_make(&out.record, LOG_REPLY, LOG_REPLY_CORE, sequence++, sizeof out.reply);
    frame_send(&out.record);
}

static void reply(int status, bool done)
{
    remote.reply = (struct log_reply){remote.number, (uint32_t)status, done};
    send_reply();
}

/* Cuts the check off; is it right? */
static bool check_is_right(char *text)
{
    char *last = strrchr(text, ' '), *end;
    unsigned long crc;

    if (last == NULL || strlen(last + 1) != CRC_DIGITS)
        return false;
    crc = strtoul(last + 1, &end, 16);
    if (*end != 0 || (uint32_t)crc != frame_crc32(0, text, (size_t)(last - text)))
        return false;
    *last = 0;
    return true;
}

/* The next request that is whole and new, its number taken off; NULL: none came until the deadline.
 */
static char *request_before(uint64_t deadline_ns)
{
    for (;;) {
        int error = deadline_ns == 0 ? weft_semaphore_wait(&remote.arrived)
                                     : weft_semaphore_wait_until(&remote.arrived, deadline_ns);
        char *word = remote.text;
        uint32_t number;

        if (error != 0)
            return NULL;
        if (check_is_right(remote.text)) {
            number = (uint32_t)strtoul(remote.text, &word, 10);
            if (number != remote.number && *word == ' ') {
                remote.number = number;
                return word + 1;
            }
            send_reply(); /* the host has not heard it */
        }
        __atomic_store_n(&remote.full, 0, __ATOMIC_RELEASE);
    }
}

static void request_end(void)
{
    __atomic_store_n(&remote.full, 0, __ATOMIC_RELEASE);
}

/* What comes while the profile runs: only "stop" is obeyed. The profile's own number is the one
 * that is answered at the end. */
static void wait_for_end(uint64_t deadline_ns, uint32_t number)
{
    const char *request;
    bool stop = false;

    while (!stop && (request = request_before(deadline_ns)) != NULL) {
        stop = strcmp(request, "stop") == 0;
        reply(stop ? 0 : WEFT_EBUSY, true);
        request_end();
    }
    remote.number = number;
}

static void profile(char *arguments)
{
    uint32_t rate_hz = (uint32_t)strtoul(arguments, &arguments, 10);
    uint32_t ms = (uint32_t)strtoul(arguments, &arguments, 10);
    bool wall = strcmp(arguments, " wall") == 0;
    bool known = (wall || strcmp(arguments, " cpu") == 0) && ms > 0 && ms <= PROFILE_MS_MAX;
    const struct weft_profile_options options = {.rate_hz = rate_hz,
                                                 .log = WEFT_PROFILE_LOG_STREAM,
                                                 .wall = wall,
                                                 .sender_priority = remote.priority};
    uint32_t number = remote.number;
    int status = known ? weft_profile_start_with(&options) : WEFT_EINVAL;

    request_end();
    reply(status, status != 0);
    if (status != 0)
        return;
    wait_for_end(weft_time_ns() + ms * (uint64_t)1000000, number);
    status = weft_profile_stop();
    reply(status, true);
}

static void obey(char *request)
{
    if (strncmp(request, "profile ", 8) == 0) {
        profile(request + 8);
        return;
    }
    if (strcmp(request, "dump") == 0) {
        weft_threads_dump();
    } else if (strcmp(request, "heap") == 0) {
        weft_heap_profile_publish();
        weft_heap_profile_send();
    } else if (strcmp(request, "threads") == 0) {
        weft_thread_stacks_send();
    } else {
        request_end();
        reply(strcmp(request, "stop") == 0 ? WEFT_ESTATE : WEFT_EINVAL, true);
        return;
    }
    request_end();
    reply(0, true);
}

static void *remote_main(void *argument)
{
    (void)argument;
    for (;;)
        obey(request_before(0));
    return NULL;
}

int weft_remote_start(int priority)
{
    const struct weft_thread_attr attr = {
        .name = "remote", .priority = priority, .stack_bytes = STACK_BYTES};
    struct weft_thread *thread;
    uint32_t never = 0;
    int error;

    ASSERT(!core_in_interrupt());
    if (!WEFT_CONFIG_HEAP || !WEFT_CONFIG_UNWIND)
        return WEFT_ENOTSUP;
    if (!__atomic_compare_exchange_n(&remote.started, &never, 1, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        return WEFT_ESTATE;
    remote.priority = priority;
    error = weft_thread_spawn(&thread, &attr, remote_main, NULL);
    if (error != 0) {
        remote.started = 0;
        return error;
    }
    thread_make_own(thread);
    __atomic_store_n(&upcall_console_byte, take_byte, __ATOMIC_RELEASE);
    return 0;
}
