/* SPDX-License-Identifier: MIT */
/*
 * An idle core that stays awake for a while, and the core that has a thread for it.
 *
 * Mirrors sched/idle.c:run_others_irqoff, poll_irqoff, idle_entry; sched/place.c:kick_locked. The
 * poller looks at `reschedule` without the lock, so here each access is a step, and the lock is a
 * lock. place.pml has more cores and threads, and no polling.
 *
 * Two cores: one is idle, the other makes the one thread ready whenever it is blocked. So does, now
 * and then, a device's interrupt on the idle core. The thread runs there, and blocks; without end.
 *
 * Proved: the core never sleeps while the thread is ready, unless an interrupt is on its way; a
 * thread that is ready gets to run.
 *
 * Seeded bug 1: the core has polled long enough and sleeps, still in the polling set.
 * Seeded bug 2: it leaves the set when it has looked at the queue and let go of the lock.
 * The formula needs fairness: a core could take no step for ever.
 * expect bug 1: safety assertion violated  !((((asleep
 * expect bug 2: safety assertion violated  !((((asleep
 */
bool lock;
bool ready;      /* the thread is in the core's queue */
bool running;    /* it has the core; neither: it is blocked */
bool reschedule; /* a switch is asked for */
bool interrupt;  /* from the other core, on its way */
bool polling, asleep;

inline take_lock() { atomic { !lock -> lock = true } }
inline give_lock() { atomic { lock = false; check() } }

#define SLEEPS_ON (asleep && ready && !interrupt && !lock)
inline check() { assert(!SLEEPS_ON) }

/* The handler of a device on the idle core: it asks its own core, which needs no interrupt. */
inline device()
{
    take_lock();
    if
    :: !ready && !running -> ready = true; reschedule = true
    :: else
    fi;
    asleep = false;
    give_lock()
}

active proctype other_core()
{
end:
    do
    :: atomic { !lock && !ready && !running -> lock = true };
       ready = true;
       reschedule = true;
       if
       :: polling
       :: else -> interrupt = true
       fi;
       give_lock()
    od
}

/* Interrupts are off, until the wait turns them on. */
inline sleep()
{
    atomic { asleep = true; check() };
    if
    :: atomic { interrupt -> interrupt = false; asleep = false }
    :: device()
    fi
}

inline poll()
{
    do
    :: if
       :: interrupt -> interrupt = false /* its handler has nothing else to do */
       :: device()
       :: !interrupt -> skip
       fi;
       if
       :: reschedule -> break
       :: !reschedule -> skip
       :: !reschedule -> long_enough = true; break
       fi
    od
}

active proctype idle_core()
{
    bool polls, long_enough;

end:
    do
    :: take_lock();
#if SEEDED_BUG != 2
       polling = false;
#endif
       reschedule = false;
       if
       :: ready ->
           atomic { ready = false; running = true };
           give_lock(); /* the thread runs, and blocks */
           take_lock();
           running = false;
           reschedule = false
       :: !ready
       fi;
       if
       :: polls = !long_enough
       :: polls = false
       fi;
       long_enough = false;
       if
       :: polls -> polling = true
       :: else
       fi;
       give_lock();
       if
       :: polls -> poll()
       :: !polls ->
#if SEEDED_BUG == 2
           polling = false;
#endif
           sleep()
       fi;
#if SEEDED_BUG == 1
       if
       :: long_enough -> sleep()
       :: else
       fi
#endif
    od
}

ltl ready_runs { [] (ready -> <> running) }
