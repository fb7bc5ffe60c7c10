# SPDX-License-Identifier: MIT
weft_SRCS += $(addprefix sched/,idle.c mutex.c newlib.c place.c preempt.c priority.c queue.c sleep.c stack_guard.c switch.c \
	thread.c wait.c world.c)
