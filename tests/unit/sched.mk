# SPDX-License-Identifier: MIT
# The scheduler's data structures, with the empty arch port of tests/unit/port.
unit_sched_runq_SRCS := tests/unit/sched_runq.c
unit_sched_runq_CFLAGS := -Itests/unit
unit_sched_queue_SRCS := tests/unit/sched_queue.c sched/queue.c
unit_sched_queue_CFLAGS := -Itests/unit
