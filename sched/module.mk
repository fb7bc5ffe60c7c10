# SPDX-License-Identifier: MIT
weft_SRCS += $(addprefix sched/,condition.c flags.c idle.c mutex.c newlib.c object.c place.c preempt.c \
	priority.c queue.c semaphore.c sleep.c stack_guard.c switch.c thread.c wait.c world.c)
