/* SPDX-License-Identifier: MIT */
/*
 * weft: threads on bare metal that can see themselves. The umbrella header.
 *
 * A program is an ordinary C program: main(argc, argv) runs as thread 1 with newlib ready;
 * returning from it or calling exit() ends the program and, on a board that can, powers it off.
 * error.h, first in the list, states the error policy.
 */
#ifndef WEFT_H
#define WEFT_H

#include <weft/config.h>
#include <weft/error.h>
#include <weft/file.h>

#include <weft/barrier.h>
#include <weft/channel.h>
#include <weft/condition.h>
#include <weft/console.h>
#include <weft/dump.h>
#include <weft/flags.h>
#include <weft/gc.h>
#include <weft/group.h>
#include <weft/heap.h>
#include <weft/heap_dump.h>
#include <weft/heap_profile.h>
#include <weft/input.h>
#include <weft/interrupt.h>
#include <weft/mutex.h>
#include <weft/once.h>
#include <weft/pool.h>
#include <weft/profile.h>
#include <weft/queue.h>
#include <weft/remote.h>
#include <weft/rwlock.h>
#include <weft/semaphore.h>
#include <weft/sites.h>
#include <weft/slot.h>
#include <weft/thread.h>
#include <weft/time.h>
#include <weft/timer.h>
#include <weft/trap.h>
#include <weft/watch.h>
#include <weft/world.h>

#endif
