/* SPDX-License-Identifier: MIT */
/*
 * Stop-the-world.
 *
 * Mirrors sched/world.c:semaphore_take, flag_and_take, ask_locked, wait_for_the_rest, verify,
 * let_go_locked, semaphore_hand_on_locked; sched/place.c:find_locked (nothing is found while the
 * world is stopped); sched/preempt.c:give_way_locked, upcall_preempt_pending; sched/switch.c:
 * pick_locked; sched/idle.c:run_others_irqoff. A section under the scheduler's lock is one step
 * (see park.pml); interrupts land between any two steps of a core that has them on.
 *
 * Three cores, four threads of one priority: two stop the world (and may be moved until preemption
 * is off), one computes and holds a lock of the runtime now and then (interrupts off), one is woken by
 * a device's interrupt on any core, also on cores that are parked. One of the interrupts that ask a
 * core to park is lost.
 *
 * Proved: while the world is stopped no other core runs a thread, and nobody holds a lock of the
 * runtime; the stopper is not moved; stoppers get the world in the order of asking; every stop ends
 * and everybody runs on after it: all threads end.
 *
 * Seeded bug 1: a core that was taken while it was idle does not look at the flag when an interrupt
 * wakes it.
 * Seeded bug 2: the parked cores of the last stop are still noted when the next one begins.
 * Seeded bug 3: a lock of the runtime does not keep its holder from being stopped.
 * Seeded bug 4: a lost interrupt is not asked for again.
 * expect bug 1: safety assertion violated ((current[at]==
 * expect bug 2: safety assertion violated ((current[at]==
 * expect bug 3: safety assertion violated  !(lock_held)
 * expect bug 4: safety invalid end state
 */
#define CORES 3
#define THREADS 4
#define WORKER 2
#define WOKEN 3
#define IDLE 7
#define NONE 8
#define ALL 7 /* a bit for each core */
#define BIT(c) (1 << c)

mtype = { READY, RUNNING, BLOCKED, EXITED };

mtype state[THREADS];
byte steps[THREADS]; /* the program counter of each thread */
byte current[CORES];
bool interrupt[CORES], reschedule[CORES], irq_off[CORES];
byte idle; /* the idle set */

/* struct world */
byte holder = NONE;
byte waiter = NONE; /* there are two stoppers: at most one waits */
bool stopping;
byte stop_core;
byte parked;

bool stopped; /* between a stop's return and the start */
bool lock_held;
bool preempt_off[THREADS];
byte self[2];
byte wakes;
bool asked_again;
bool lost; /* the one interrupt */
byte ended;

hidden byte at, next;

#define CORE_STOPPED(x) (stopping && x != stop_core)

/* place_take_locked: any ready thread, as all have one priority. */
inline find(x)
{
    next = NONE;
    if
#if SEEDED_BUG == 1
    :: CORE_STOPPED(x) && current[x] != IDLE
#else
    :: CORE_STOPPED(x)
#endif
    :: else ->
        if
        :: state[0] == READY -> next = 0
        :: state[1] == READY -> next = 1
        :: state[2] == READY -> next = 2
        :: state[3] == READY -> next = 3
        :: else
        fi
    fi
}

inline switch_locked()
{
    find(core);
    reschedule[core] = false;
    if
    :: next == NONE -> idle = idle | BIT(core); current[core] = IDLE
    :: else ->
        idle = idle & ~BIT(core);
        state[next] = RUNNING;
        current[core] = next
    fi;
    if
    :: CORE_STOPPED(core) -> parked = parked | BIT(core)
    :: else
    fi
}

inline make_ready(one)
{
    state[one] = READY;
    at = 0;
    do
    :: at < CORES && (idle & BIT(at)) == 0 -> at++
    :: at < CORES && (idle & BIT(at)) != 0 ->
        idle = idle & ~BIT(at);
        reschedule[at] = true;
        interrupt[at] = (interrupt[at] || at != core);
        break
    :: at == CORES -> break
    od
}

inline give_way()
{
    reschedule[core] = false;
    if
    :: CORE_STOPPED(core) -> state[current[core]] = READY; switch_locked()
    :: else ->
        find(core);
        if
        :: next != NONE -> state[current[core]] = READY; state[next] = RUNNING; current[core] = next
        :: else
        fi
    fi
}

/* The cores that are not parked. `may_lose`: one interrupt of all may be lost. */
inline ask()
{
    at = 0;
    do
    :: at < CORES ->
        if
        :: (parked & BIT(at)) == 0 ->
            reschedule[at] = true;
            if
            :: !lost && !interrupt[at] -> lost = true
            :: interrupt[at] = true
            fi
        :: else
        fi;
        at++
    :: else -> break
    od
}

inline verify()
{
    assert(current[core] == me && holder == me && self[me] == core);
    at = 0;
    do
    :: at < CORES -> assert(current[at] == IDLE || at == core); at++
    :: else -> break
    od
}

inline stopper_step()
{
    if
    :: steps[me] == 0 -> /* semaphore_take */
        steps[me] = 1;
        if
        :: holder == NONE -> holder = me
        :: else -> assert(waiter == NONE); waiter = me; state[me] = BLOCKED; switch_locked()
        fi
    :: steps[me] == 1 ->
        assert(holder == me);
        preempt_off[me] = true;
        self[me] = core;
        steps[me] = 2
    :: steps[me] == 2 -> /* flag_and_take */
        stop_core = core;
        stopping = true;
#if SEEDED_BUG == 2
        parked = parked | BIT(core);
#else
        parked = BIT(core);
#endif
        at = 0;
        do
        :: at < CORES && at != core && current[at] == IDLE -> parked = parked | BIT(at); at++
        :: at < CORES && (at == core || current[at] != IDLE) -> at++
        :: else -> break
        od;
        asked_again = false;
        ask();
        steps[me] = 3
    :: steps[me] == 3 && parked == ALL -> steps[me] = 4
    :: steps[me] == 3 && parked != ALL -> asked_again = true; ask()
    :: steps[me] == 4 -> verify(); stopped = true; assert(!lock_held); steps[me] = 5
    :: steps[me] == 5 -> assert(stopped && stop_core == core); steps[me] = 6
    :: steps[me] == 6 -> /* weft_world_start */
        verify();
        stopped = false;
        stopping = false;
        at = 0;
        do
        :: at < CORES -> interrupt[at] = (interrupt[at] || at != core); at++
        :: else -> break
        od;
        holder = waiter;
        waiter = NONE;
        if
        :: holder != NONE -> make_ready(holder)
        :: else
        fi;
        steps[me] = 7
    :: steps[me] == 7 -> /* core_preempt_enable */
        preempt_off[me] = false;
        steps[me] = 8;
        if
        :: reschedule[core] -> give_way()
        :: else
        fi
    :: steps[me] == 8 -> state[me] = EXITED; ended++; switch_locked()
    fi
}

#define MAY_RUN_HERE (!stopped || stop_core == core)

inline worker_step()
{
    assert(MAY_RUN_HERE);
    if
    :: steps[me] % 2 == 0 && steps[me] < 4 ->
#if SEEDED_BUG != 3
        irq_off[core] = true;
#endif
        lock_held = true;
        steps[me]++
    :: steps[me] % 2 == 1 -> lock_held = false; irq_off[core] = false; steps[me]++
    :: steps[me] == 4 -> state[me] = EXITED; ended++; switch_locked()
    fi
}

inline woken_step()
{
    assert(MAY_RUN_HERE);
    if
    :: wakes < 2 -> state[me] = BLOCKED; switch_locked()
    :: else -> state[me] = EXITED; ended++; switch_locked()
    fi
}

inline device()
{
    wakes++;
    make_ready(WOKEN)
}

inline trap_exit()
{
    if
    :: reschedule[core] && !preempt_off[current[core]] -> give_way()
    :: else
    fi
}

#define DEVICE_CAN (wakes < 2 && state[WOKEN] == BLOCKED)
#if SEEDED_BUG == 4
#define ASKS false
#else
#define ASKS (!asked_again) /* once is enough here, as one interrupt is lost */
#endif
#define STOPPER_CAN(who) (steps[who] != 3 || parked == ALL || ASKS)
/* In the end it computes without a pause until nobody stops the world any more. */
#define WORKER_CAN (steps[WORKER] < 4 || (state[0] == EXITED && state[1] == EXITED))
#define TURN (current[core] != IDLE && (!interrupt[core] || irq_off[core]))

proctype cpu(byte core)
{
    byte me;

    do
    :: atomic { current[core] != IDLE && !irq_off[core] && interrupt[core] ->
                interrupt[core] = false; trap_exit() }
    :: atomic { current[core] != IDLE && !irq_off[core] && DEVICE_CAN ->
                device(); trap_exit() }
    :: atomic { TURN && current[core] < WORKER && STOPPER_CAN(current[core]) ->
                me = current[core]; stopper_step(); me = 0 }
    :: atomic { TURN && current[core] == WORKER && WORKER_CAN -> me = WORKER; worker_step(); me = 0 }
    :: atomic { TURN && current[core] == WOKEN -> me = WOKEN; woken_step(); me = 0 }
    :: atomic { current[core] == IDLE && interrupt[core] -> interrupt[core] = false; switch_locked() }
    :: atomic { current[core] == IDLE && DEVICE_CAN -> device(); switch_locked() }
    :: ended == THREADS -> break
    od
}

init {
    atomic {
        at = 0;
        do
        :: at < THREADS -> state[at] = READY; at++
        :: else -> break
        od;
        at = 0;
        do
        :: at < CORES -> current[at] = IDLE; interrupt[at] = true; run cpu(at); at++
        :: else -> break
        od
    }
}

ltl ends { <> (ended == THREADS) }
