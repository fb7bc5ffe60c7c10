# SPDX-License-Identifier: MIT
weft_SRCS += $(addprefix sched/,account.c asleep.c barrier.c channel.c condition.c control.c cxx.c \
	flags.c group.c help.c idle.c mutex.c mutex_chain.c newlib.c object.c once.c place.c pool.c preempt.c priority.c queue.c \
	roots.c rwlock.c rwlock_queue.c scavenger.c select.c semaphore.c sleep.c slot.c spawn.c stack_guard.c switch.c thread.c timer.c \
	wait.c watchdog.c world.c)
