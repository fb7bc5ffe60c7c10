/* SPDX-License-Identifier: MIT */
/*
 * Park and unpark: a thread blocks while another core wakes it.
 *
 * Mirrors sched/switch.c:switch_locked, pick_locked; sched/wait.c:wait_locked, wait_wake_locked;
 * sched/idle.c:run_others_irqoff; sched/place.c:place_locked (an idle core is claimed and
 * interrupted). The scheduler's lock is taken by the thread that switches away and let go of by the
 * thread that is switched to. The steps between taking and letting go are single steps here, and
 * the lock is a real lock: that the other models may treat what happens under it as one step is
 * proved by this one.
 *
 * Two cores, three threads: one and two wake each other in turn, three yields.
 *
 * Proved: a thread's registers are in memory when they are loaded; no stack is run on by two cores;
 * the lock is let go of on the core that took it; every wake-up arrives: all threads end.
 *
 * Seeded bug 1: the lock is let go of before the registers are saved, so another core may resume the
 * thread with those of its last switch (the reason for xv6's rule that swtch is called with the
 * lock held).
 * Seeded bug 2: unpark looks whether the thread is blocked before it takes the lock.
 * expect bug 1: safety assertion violated (saved[next]
 * expect bug 2: safety invalid end state
 */
#define CORES 2
#define THREADS 3
#define ROUNDS 3
#define IDLE 7 /* the idle thread of the core: it never moves, its context needs no proof */
#define NONE 8

mtype = { READY, RUNNING, BLOCKED, EXITED };
mtype = { UNPARK, PARK, YIELD, EXIT };

byte lock; /* the core that has it, plus 1 */
mtype state[THREADS];
bool permit[THREADS]; /* unparked before it parked */
bool saved[THREADS];  /* its registers are in memory, as of its last switch */
byte inside[THREADS]; /* cores that run on its stack */
byte steps[THREADS];
byte current[CORES];
bool idle[CORES], interrupt[CORES];
byte exited;

inline take_lock() { atomic { lock == 0 -> lock = core + 1 } }
inline give_lock() { assert(lock == core + 1); lock = 0 }

/* The program of thread `me`. */
inline next_operation()
{
    atomic {
        if
        :: me == 2 -> operation = (steps[me] < 2 -> YIELD : EXIT)
        :: me != 2 && steps[me] == 2 * ROUNDS -> operation = EXIT
        :: me == 0 && steps[me] < 2 * ROUNDS -> operation = (steps[me] % 2 == 0 -> UNPARK : PARK)
        :: me == 1 && steps[me] < 2 * ROUNDS -> operation = (steps[me] % 2 == 0 -> PARK : UNPARK)
        fi;
        steps[me]++
    }
}

inline pick()
{
    if
    :: state[0] == READY -> next = 0
    :: state[1] == READY -> next = 1
    :: state[2] == READY -> next = 2
    :: else -> next = IDLE
    fi;
    idle[core] = (next == IDLE)
}

/* From `me` (or IDLE) to the best ready thread; the lock is held before and, at the end, given. */
inline switch_locked()
{
    pick();
    if
    :: next != IDLE -> state[next] = RUNNING
    :: else
    fi;
    if
    :: next != me ->
        current[core] = next;
#if SEEDED_BUG == 1
        lock = 0;
#endif
        if
        :: me != IDLE -> inside[me]--; saved[me] = true /* arch_switch: the registers, then sp */
        :: else
        fi;
        if
        :: next != IDLE ->
            assert(saved[next] && inside[next] == 0);
            saved[next] = false;
            inside[next]++
        :: else
        fi
    :: else
    fi;
#if SEEDED_BUG != 1
    give_lock() /* by `next`, as it comes out of its own call of the switch */
#endif
}

inline make_ready(thread)
{
    state[thread] = READY;
    if
    :: idle[1 - core] -> idle[1 - core] = false; interrupt[1 - core] = true
    :: else
    fi
}

inline unpark(thread)
{
#if SEEDED_BUG == 2
    was_blocked = (state[thread] == BLOCKED);
    take_lock();
#else
    take_lock();
    was_blocked = (state[thread] == BLOCKED);
#endif
    if
    :: was_blocked -> make_ready(thread)
    :: else -> permit[thread] = true
    fi;
    give_lock()
}

inline park()
{
    take_lock();
    if
    :: permit[me] -> permit[me] = false; give_lock()
    :: else -> state[me] = BLOCKED; switch_locked()
    fi
}

inline run_thread()
{
    next_operation();
    if
    :: operation == UNPARK -> unpark(1 - me)
    :: operation == PARK -> park()
    :: operation == YIELD -> take_lock(); state[me] = READY; switch_locked()
    :: operation == EXIT ->
        take_lock();
        state[me] = EXITED;
        exited++;
        switch_locked()
    fi
}

inline run_idle()
{
    take_lock();
    switch_locked();
    if
    :: current[core] == IDLE ->
        atomic { interrupt[core] || exited == THREADS -> interrupt[core] = false }
    :: else
    fi
}

proctype cpu(byte core)
{
    byte me, next;
    mtype operation;
    bool was_blocked;

    do
    :: exited == THREADS && current[core] == IDLE -> break
    :: else ->
        me = current[core];
        if
        :: me == IDLE -> run_idle()
        :: else -> run_thread()
        fi
    od
}

init {
    atomic {
        current[0] = IDLE; current[1] = IDLE;
        state[0] = READY; state[1] = READY; state[2] = READY;
        saved[0] = true; saved[1] = true; saved[2] = true;
        run cpu(0); run cpu(1)
    }
}

ltl ends { <> (exited == THREADS) }
