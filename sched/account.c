/* SPDX-License-Identifier: MIT */
/* What the scheduler has done, as a struct, as a line, and thread by thread (weft/watch.h). */
#include "sched/account.h"

#include <weft/console.h>
#include <weft/time.h>
#include <weft/timer.h>
#include <weft/watch.h>

#include "kernel/cores.h"
#include "kernel/print.h"
#include "kernel/tick.h"
#include "sched/asleep.h"

/* ---- one thread ---- */

static enum weft_thread_activity activity_of(const struct weft_thread *thread)
{
    switch (thread_state(thread)) {
    case THREAD_RUNNING:
        return WEFT_THREAD_RUNNING;
    case THREAD_READY:
        return WEFT_THREAD_READY;
    case THREAD_BLOCKED:
        return WEFT_THREAD_BLOCKED;
    default:
        return WEFT_THREAD_EXITED;
    }
}

static void fill_account_locked(struct weft_thread_info *info, const struct weft_thread *thread)
{
#if WEFT_CONFIG_THREAD_STATS
    uint64_t cycles = thread->run_cycles;

    if (thread == core_self()->current)
        cycles += arch_clock_cycles() - sched_of(core_self())->charged_at;
    info->accounted = true;
    info->run_ns = tick_cycles_to_ns(cycles);
    info->switches = thread->switches;
    info->waits = thread->waits;
#else
    (void)info, (void)thread;
#endif
}

static void fill_locked(struct weft_thread_info *info, const struct weft_thread *thread)
{
    *info = (struct weft_thread_info){.id = thread->id,
                                      .name = thread->name,
                                      .activity = activity_of(thread),
                                      .priority = thread->priority,
                                      .base_priority = thread->base_priority,
                                      .core = thread->core};
    fill_account_locked(info, thread);
    if (thread->state != THREAD_BLOCKED)
        return;
    info->wait_reason = thread_wait_name((enum thread_wait)thread->wait_reason);
    info->wait_object = thread->wait_object;
    info->wait_since_ns = tick_cycles_to_ns(thread_wait_since(thread));
}

int weft_thread_info(const struct weft_thread *thread, struct weft_thread_info *info)
{
    arch_irq_state state;
    int result = WEFT_EINVAL;

    if (thread == NULL || info == NULL)
        return WEFT_EINVAL;
    state = sched_enter();
    if (thread->magic == THREAD_MAGIC) {
        fill_locked(info, thread);
        result = 0;
    }
    sched_exit(state);
    return result;
}

/* ---- all of them ---- */

static uint32_t queue_length_locked(const struct run_queue *queue)
{
    uint32_t length = 0;

    if (queue->sole != NULL)
        return !queue->sole->runtime;
    for (uint32_t bitmap = queue->bitmap; bitmap != 0; bitmap &= bitmap - 1) {
        const struct weft_wait_link *list = &queue->lists[__builtin_ctz(bitmap)];

        for (struct weft_wait_link *at = list->next; at != list; at = at->next)
            length += !runq_thread_of(at)->runtime;
    }
    return length;
}

static void add_core_locked(struct weft_sched_stats *stats, const struct core *core)
{
    const struct scheduler *scheduler = sched_of(core);

    stats->cores++;
    stats->queue[core->id] = queue_length_locked(&scheduler->ready);
    stats->ready += stats->queue[core->id];
    if (sched_is_idle(core))
        stats->idle++;
    else if (core->current != NULL && !core->current->runtime)
        stats->running++;
    stats->switches += scheduler->switches;
    stats->preemptions += scheduler->preemptions;
    stats->steals += scheduler->steals;
    stats->ticks += SHARED_LOAD(core->ticks);
}

void weft_sched_stats(struct weft_sched_stats *stats)
{
    arch_irq_state state = sched_enter();

    *stats = (struct weft_sched_stats){.threads = (uint32_t)weft_thread_count(),
                                       .time_ns = tick_cycles_to_ns(arch_clock_now_irqoff())};
    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++)
        if ((cores_online() >> id & 1) != 0)
            add_core_locked(stats, &cores[id]);
    stats->blocked = stats->threads - stats->running - stats->ready;
    sched_exit(state);
}

/* ---- the trace line ---- */

/* Printed in one piece, so that other threads' output stays outside. */
struct line {
    struct print_sink sink;
    size_t used;
    char text[256 + WEFT_CONFIG_CORES * 11];
};

static void line_write(struct print_sink *sink, const char *bytes, size_t count)
{
    struct line *line = (struct line *)sink; /* its first member */

    for (size_t i = 0; i < count && line->used < sizeof line->text; i++)
        line->text[line->used++] = bytes[i];
}

static __attribute__((format(printf, 2, 3))) void line_print(struct line *line, const char *format,
                                                             ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_format(&line->sink, format, arguments);
    va_end(arguments);
}

void weft_sched_trace(void)
{
    struct line line = {.sink = {line_write}};
    struct weft_sched_stats stats;

    weft_sched_stats(&stats);
    line_print(&line, "sched %llu ms: cores=%u idle=%u threads=%u running=%u ready=%u [",
               (unsigned long long)(stats.time_ns / 1000000), (unsigned)stats.cores,
               (unsigned)stats.idle, (unsigned)stats.threads, (unsigned)stats.running,
               (unsigned)stats.ready);
    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++)
        line_print(&line, id == 0 ? "%u" : " %u", (unsigned)stats.queue[id]);
    line_print(&line, "] blocked=%u switches=%u preemptions=%u steals=%u ticks=%u\n",
               (unsigned)stats.blocked, (unsigned)stats.switches, (unsigned)stats.preemptions,
               (unsigned)stats.steals, (unsigned)stats.ticks);
    print_console("%.*s", (int)line.used, line.text);
}

static struct weft_timer trace_timer;

static void trace_due(struct weft_timer *timer, void *argument)
{
    (void)timer;
    (void)argument;
    weft_sched_trace();
}

int weft_sched_trace_every(uint64_t period_ns)
{
    uint64_t first_ns;

    if (period_ns != 0 && period_ns < WEFT_SCHED_TRACE_MIN_NS)
        return WEFT_EINVAL;
    if (trace_timer.magic == 0 && weft_timer_init(&trace_timer, trace_due, NULL) != 0)
        return WEFT_EINVAL;
    asleep_ignored = &trace_timer.alarm;
    if (__builtin_add_overflow(weft_time_ns(), period_ns, &first_ns))
        first_ns = UINT64_MAX;
    if (period_ns != 0)
        return weft_timer_start(&trace_timer, first_ns, period_ns);
    (void)!weft_timer_cancel(&trace_timer); /* it may not run, or be printing its last line */
    return 0;
}
