/* SPDX-License-Identifier: MIT */
/* The heap of deadlines against a model: an array that is searched. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "sched/alarm.h"

#define ALARMS 300

static struct weft_alarm alarms[ALARMS];
static struct alarm_heap heap;
static uint32_t armed_at[ALARMS], arms; /* the model: 0 means not armed */

static struct weft_alarm *earliest(void)
{
    struct weft_alarm *first = NULL;

    for (int i = 0; i < ALARMS; i++)
        if (armed_at[i] != 0 &&
            (first == NULL || alarms[i].deadline < first->deadline ||
             (alarms[i].deadline == first->deadline && armed_at[i] < armed_at[first - alarms])))
            first = &alarms[i];
    return first;
}

static void arm(int i, uint64_t deadline)
{
    alarms[i].deadline = deadline;
    alarms[i].order = i % 2 != 0 ? ALARM_TIMER : 0;
    alarm_add(&heap, &alarms[i]);
    armed_at[i] = ++arms;
}

static void disarm(struct weft_alarm *alarm)
{
    alarm_remove(alarm);
    armed_at[alarm - alarms] = 0;
}

static void against_the_model(uint32_t range, uint32_t order)
{
    heap.order = order;
    srand(3);
    for (int n = 0; n < 60000; n++) {
        int i = rand() % ALARMS;

        cr_assert_eq(alarm_first(&heap), earliest());
        cr_assert_eq(alarm_is_armed(&alarms[i]), armed_at[i] != 0);
        if (armed_at[i] == 0)
            arm(i, (uint32_t)rand() % range);
        else if (rand() % 2 != 0)
            disarm(&alarms[i]);
        else
            disarm(alarm_first(&heap));
        if (n % 5000 == 0) /* all of them, in order */
            for (uint64_t last = 0; alarm_first(&heap) != NULL; disarm(alarm_first(&heap))) {
                cr_assert_eq(alarm_first(&heap), earliest());
                cr_assert(alarm_first(&heap)->deadline >= last);
                last = alarm_first(&heap)->deadline;
            }
    }
    for (int i = 0; i < ALARMS; i++)
        if (armed_at[i] != 0)
            cr_assert_eq(alarms[i].order & ALARM_TIMER, (uint32_t)i % 2);
}

Test(alarm, first_is_the_earliest)
{
    against_the_model(1000000, 0);
}

Test(alarm, equal_deadlines_come_in_the_order_they_were_armed)
{
    against_the_model(7, 0);
}

Test(alarm, order_of_arming_may_wrap)
{
    against_the_model(7, UINT32_MAX - 1000 - 1);
}
