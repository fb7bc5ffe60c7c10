/* SPDX-License-Identifier: MIT */
#ifndef SCHED_TIMER_ALARM_H
#define SCHED_TIMER_ALARM_H

#include <weft/wait.h>

/* A timer's alarm. The heap calls it through a pointer, so that an image without timers does not
 * carry them. */
struct timer_alarm {
    struct weft_alarm alarm;
    /* It has been taken out of the heap. May let go of the scheduler's lock for a while. */
    void (*expire_locked)(struct weft_alarm *alarm, uint64_t now_cycles);
};

#endif
