/* SPDX-License-Identifier: MIT */
/*
 * Timers: started, stopped and freed while they fire.
 *
 * Mirrors sched/timer.c:weft_timer_start, stop_locked, weft_timer_cancel, weft_timer_destroy,
 * expire_locked, call_locked; sched/sleep.c:upcall_sched_wake. A section under the scheduler's lock
 * is one step; the timer's function runs between two of them, without the lock, while other cores
 * start and stop the timer, so its begin and end are steps of their own.
 *
 * Two cores take timer interrupts; on each a thread starts the timer (once or periodic, so its alarm
 * moves to that core), cancels it and in the end tries to destroy and free it until it may; the
 * function itself stops it or starts it anew.
 *
 * Proved: after a cancel that returned 0 or WEFT_ESTATE the function does not run and does not begin
 * before the next start; after WEFT_EBUSY it may still run but does not begin again; once destroy
 * has returned 0 nothing touches the timer's memory; an armed timer is in one core's heap only; a
 * one-shot timer fires at most once for each start; destroy succeeds at last.
 *
 * Seeded bug 1: "the function is being called" is one flag (weft's first version: running_on). When
 * the function runs on one core while another starts the timer, it may come to run on both; the
 * first that ends clears the flag, the timer is freed under the second.
 * Seeded bug 2: a periodic timer is put back after its function has been called, so a cancel in
 * between is undone.
 * Seeded bug 3: destroy does not look whether the function is being called.
 * The formula needs fairness: a periodic timer can fire for ever before anybody stops it.
 * expect bug 1: safety assertion violated (result==2)
 * expect bug 2: safety assertion violated  !(forbidden)
 * expect bug 3: safety assertion violated  !(freed)
 */
#define CORES 2
#define STARTS 3
#define NOWHERE 7

byte armed_on = NOWHERE; /* the core in whose heap it is */
bool periodic;
byte running;   /* calls of the function that are going on: what the code counts */
byte inside;    /* the truth */
bool destroyed; /* by a destroy that returned 0 */
bool freed;
bool forbidden; /* a cancel has ended it, and nobody has started it since */
byte due;       /* expiries that are allowed: one for each start of a one-shot timer */
byte starts;
byte ended;

/* Any use of the timer's memory by the runtime. */
inline touch() { assert(!freed) }

inline start(core)
{
    atomic {
        touch();
        assert(!destroyed);
        armed_on = core;
        starts++;
        forbidden = false;
        due = 1;
        if
        :: periodic = true
        :: periodic = false
        fi
    }
}

/* 0: it was armed; 1: WEFT_ESTATE; 2: WEFT_EBUSY. */
inline stop(result)
{
    touch();
    result = (running != 0 -> 2 : (armed_on == NOWHERE -> 1 : 0));
    armed_on = NOWHERE;
    forbidden = true;
    due = 0
}

proctype interrupts(byte core)
{
    byte result;
    bool put_back;

    do
    :: atomic {
           armed_on == core ->
           touch();
           assert(!forbidden);
           assert(due > 0);
           armed_on = NOWHERE;
           put_back = false;
           if
#if SEEDED_BUG == 2
           :: periodic -> put_back = true
#else
           :: periodic -> armed_on = core
#endif
           :: else -> due--
           fi;
#if SEEDED_BUG == 1
           running = core + 1;
#else
           running++;
#endif
           inside++
       }
       /* The function, in the interrupt handler. */
       if
       :: skip
       :: atomic { !destroyed -> stop(result); assert(result == 2) }
       :: starts < STARTS && !destroyed -> start(core)
       fi;
       atomic {
           inside--;
           touch();
#if SEEDED_BUG == 1
           running = 0;
#else
           running--;
#endif
           if
           :: put_back -> assert(!forbidden); armed_on = core
           :: else
           fi;
           put_back = false;
           result = 0
       }
    :: freed && armed_on != core -> break
    od
}

inline cancel(result)
{
    atomic {
        stop(result);
        assert(result == 2 || inside == 0)
    }
}

proctype user(byte core)
{
    byte result, cancels;

    do
    :: starts < STARTS -> start(core)
    :: cancels < 2 -> cancel(result); result = 0; cancels++
    :: break
    od;
    ended++
}

proctype owner()
{
    byte result;

    ended == CORES; /* using a timer that may be destroyed is misuse */
    do
    :: atomic {
           stop(result);
#if SEEDED_BUG == 3
           destroyed = true
#else
           destroyed = (result != 2)
#endif
       }
       if
       :: destroyed -> break
       :: else -> inside == 0 || armed_on != NOWHERE /* tries again later */
       fi
    od;
    freed = true
}

init {
    atomic { run interrupts(0); run interrupts(1); run user(0); run user(1); run owner() }
}

ltl ends { <> freed }
