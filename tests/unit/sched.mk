# SPDX-License-Identifier: MIT
# The scheduler's data structures, with the empty arch port of tests/unit/port.
unit_sched_runq_SRCS := tests/unit/sched_runq.c
unit_sched_runq_CFLAGS := -Itests/unit
unit_sched_alarm_SRCS := tests/unit/sched_alarm.c
unit_sched_queue_SRCS := tests/unit/sched_queue.c sched/queue.c sched/object.c
unit_sched_queue_CFLAGS := -Itests/unit
unit_sched_refusals_SRCS := tests/unit/sched_refusals.c $(addprefix sched/,barrier.c channel.c condition.c \
	flags.c group.c mutex.c object.c once.c pool.c queue.c rwlock.c semaphore.c timer.c)
unit_sched_refusals_CFLAGS := -Itests/unit
unit_sched_thread_refusals_SRCS := tests/unit/sched_thread_refusals.c sched/control.c sched/slot.c
unit_sched_thread_refusals_CFLAGS := -Itests/unit
