# SPDX-License-Identifier: MIT
# The scheduler's data structures, with the empty arch port of tests/unit/port.
unit_sched_runq_SRCS := tests/unit/sched_runq.c
unit_sched_runq_CFLAGS := -Itests/unit
# The same queue as one of several.
unit_sched_runq_cores_SRCS := tests/unit/sched_runq.c
unit_sched_runq_cores_CFLAGS := -Itests/unit -DWEFT_CONFIG_CORES=2
unit_sched_alarm_SRCS := tests/unit/sched_alarm.c
unit_sched_queue_SRCS := tests/unit/sched_queue.c sched/queue.c sched/object.c
unit_sched_queue_CFLAGS := -Itests/unit
unit_sched_refusals_SRCS := tests/unit/sched_refusals.c $(addprefix sched/,barrier.c channel.c condition.c \
	flags.c group.c mutex.c mutex_chain.c object.c once.c pool.c queue.c rwlock.c rwlock_queue.c select.c semaphore.c timer.c)
unit_sched_refusals_CFLAGS := -Itests/unit
unit_sched_thread_refusals_SRCS := tests/unit/sched_thread_refusals.c sched/control.c sched/slot.c
unit_sched_thread_refusals_CFLAGS := -Itests/unit
# The scheduler and the tick as they are, on a machine that the host plays.
# What its port does not say, tests/unit/port and the template do.
unit_sched_machine_SRCS := tests/unit/sched_machine.c tests/unit/machine/machine.c kernel/tick.c kernel/spinlock.c \
	kernel/print.c $(addprefix sched/,account.c asleep.c control.c idle.c mutex.c mutex_chain.c object.c place.c preempt.c priority.c \
	semaphore.c sleep.c slot.c spawn.c stack_guard.c switch.c thread.c timer.c wait.c watchdog.c world.c \
	barrier.c channel.c condition.c rwlock_queue.c select.c)
unit_sched_machine_CFLAGS := -Itests/unit/machine -Itests/unit -Iarch/template -DWEFT_CONFIG_DEBUG=1
unit_sched_edges_SRCS := $(patsubst %sched_machine.c,%sched_edges.c,$(unit_sched_machine_SRCS)) $(addprefix sched/,once.c pool.c rwlock.c)
unit_sched_edges_CFLAGS := $(unit_sched_machine_CFLAGS)
