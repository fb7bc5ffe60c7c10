/* SPDX-License-Identifier: MIT */
/*
 * Run-queue placement and stealing: which core runs what.
 *
 * Mirrors sched/place.c:choose_core, lowest_core, place_locked, best_elsewhere, place_take_locked,
 * place_pick_locked, place_share_locked; sched/runq.h:runq_note_movable, runq_note_empty;
 * sched/switch.c:pick_locked, yield_to_best; sched/preempt.c:give_way_locked, sched_yield_locked, sched_leave;
 * sched/idle.c:run_others_irqoff, idle_entry. What happens under the scheduler's lock is one step
 * (park.pml is about that); interprocessor interrupts, the `reschedule` flag and the steps of the
 * idle loop between its look and its wait are steps of their own.
 *
 * Three cores, four threads of three priorities, one of which may run on core 0 only and one on
 * cores 0 and 1. Threads block, yield and wake each other, interrupts of devices on any core wake
 * threads, without end.
 *
 * Proved: a thread runs on one core at most, one where it may; a ready thread is in one queue; when
 * no interrupt and no switch is under way, no core runs a thread (or idles) while one of higher
 * priority is ready that may run there (so no interrupt is lost between the idle loop's look and its
 * wait); the best thread, when ready, always runs.
 *
 * Seeded bug 1: the idle loop takes interrupts between its look and its wait, as every idle loop once
 * did.
 * Seeded bug 2: nobody shares out what is left (weft's first version): a thread was promised a core
 * and another one, better or pinned there, takes it before the interrupt has landed; or a running
 * thread is preempted by one that may run there only. Then it waits behind the better one, though
 * another core runs a worse one or idles.
 * Seeded bug 3: a thread that goes behind its equals is not noted as movable: it is the only one of its
 * priority in the queue that another core could take, and none looks.
 * The formula needs fairness: a core could take no step for ever.
 * expect bug 1: safety assertion violated ( !((((
 * expect bug 2: safety assertion violated ( !((((
 * expect bug 3: safety assertion violated ( !((((
 */
#define CORES 3
#define THREADS 4
#define IDLE 7
#define NONE 8

mtype = { BLOCKED, READY, RUNNING };
mtype = { RUNS, LOOKS, SLEEPS }; /* what a core does; LOOKS: between waking up and having looked */

mtype state[THREADS];
byte queue_of[THREADS]; /* the core in whose queue it is, or ran last */
byte current[CORES];
mtype phase[CORES];
bool idle[CORES]; /* the idle set */
bool reschedule[CORES], interrupt[CORES];
byte movable[CORES]; /* of the core's queue: a bit for each priority of which one may run elsewhere */

/* Priorities 3, 2, 2, 1. */
#define PRIORITY(t) (t == 0 -> 3 : (t == 3 -> 1 : 2))
#define MAY_RUN(t, c) (c == 0 || (t != 1 && (t != 2 || c == 1)))
#define WAITS(t, c) (state[t] == READY && queue_of[t] == c)
#define RUNS_AT(c) (current[c] == IDLE -> 0 : PRIORITY(current[c]))
#define CAN(t, c) (state[t] == READY && MAY_RUN(t, c))
#define BEST_FOR(c) (CAN(0, c) -> 3 : (CAN(1, c) || CAN(2, c) -> 2 : (CAN(3, c) -> 1 : 0)))

#define ONLY_ON(t, c) (t == 1 && c == 0)
#define LEVEL(t) (1 << PRIORITY(t))
#define SEEN(t, c) (queue_of[t] == c || (movable[queue_of[t]] & LEVEL(t)) != 0)
#define EMPTY(c, p) (!(WAITS(0, c) && p == 3) && !(WAITS(1, c) && p == 2) && !(WAITS(2, c) && p == 2) && !(WAITS(3, c) && p == 1))

/* For use inside one step only. */
hidden byte i, woken, best, least, target, lowest, first;

/* `t` has come into the queue of `c`; is on its way out of it. */
inline enter(t, c)
{
    movable[c] = (ONLY_ON(t, c) -> movable[c] : movable[c] | LEVEL(t))
}

inline left(t, c)
{
    movable[c] = (EMPTY(c, PRIORITY(t)) -> movable[c] & (15 - LEVEL(t)) : movable[c])
}

inline kick(c)
{
    reschedule[c] = true;
    if
    :: c != core -> interrupt[c] = true
    :: else
    fi
}

/* choose_core for thread `woken`: its last core or another, if idle; else the one that has the lowest
 * priority, the last one among equals. */
inline choose_core()
{
    target = NONE;
    for (i : 0 .. CORES - 1) {
        if
        :: idle[i] && MAY_RUN(woken, i) && (target == NONE || i == queue_of[woken]) -> target = i
        :: else
        fi
    }
    if
    :: target == NONE ->
        target = queue_of[woken];
        lowest = RUNS_AT(target);
        for (i : 0 .. CORES - 1) {
            if
            :: MAY_RUN(woken, i) && RUNS_AT(i) < lowest -> target = i; lowest = RUNS_AT(i)
            :: else
            fi
        }
    :: else -> lowest = 0
    fi
}

inline place()
{
    choose_core();
    queue_of[woken] = target;
    state[woken] = READY;
    enter(woken, target);
    if
    :: idle[target] || lowest < PRIORITY(woken) -> idle[target] = false; kick(target)
    :: else
    fi
}

/* best = the best thread in any queue that the core may run, of at least priority `least`, its own
 * queue winning ties; or NONE. */
#define OURS(t) (CAN(t, core) && PRIORITY(t) >= least && SEEN(t, core))
#define BEFORE(t, u) (queue_of[t] == queue_of[u] -> first == t : queue_of[u] != core)
inline find()
{
    if
    :: OURS(0) -> best = 0
    :: !OURS(0) && OURS(1) && (!OURS(2) || BEFORE(1, 2)) -> best = 1
    :: !OURS(0) && OURS(2) && (!OURS(1) || !BEFORE(1, 2)) -> best = 2
    :: !OURS(0) && !OURS(1) && !OURS(2) && OURS(3) -> best = 3
    :: else -> best = NONE
    fi
}

/* What is left in the core's own queue, once it has chosen: whatever is better than what another
 * core has goes there. */
#define MOVES(t) (WAITS(t, core) && MAY_RUN(t, i) && PRIORITY(t) > RUNS_AT(i) && (movable[core] & LEVEL(t)) != 0)
inline share()
{
#if SEEDED_BUG != 2
    for (i : 0 .. CORES - 1) {
        if
        :: i != core ->
            target = (MOVES(0) -> 0 : (MOVES(1) -> 1 : (MOVES(2) -> 2 : (MOVES(3) -> 3 : NONE))));
            if
            :: target != NONE ->
                queue_of[target] = i;
                left(target, core);
                enter(target, i);
                idle[i] = false;
                kick(i)
            :: else
            fi
        :: else
        fi
    }
#else
    skip
#endif
}

inline run_best()
{
    idle[core] = false;
    assert(state[best] == READY && MAY_RUN(best, core));
    state[best] = RUNNING;
    left(best, queue_of[best]);
    queue_of[best] = core;
    current[core] = best;
    phase[core] = RUNS;
    share()
}

/* pick_locked and the switch. */
inline switch_locked()
{
    least = 0;
    find();
    reschedule[core] = false;
    if
    :: best == NONE -> idle[core] = true; current[core] = IDLE
    :: else -> run_best()
    fi
}

/* give_way_locked; or, with `least` the current thread's own priority, sched_yield_locked, also
 * what the end of a time slice leads to. */
inline give_way()
{
    reschedule[core] = false;
    find();
    if
    :: best != NONE ->
        state[current[core]] = READY;
#if SEEDED_BUG != 3
        enter(current[core], core);
#endif
        run_best()
    :: else
    fi
}

#define QUIET(c) (!interrupt[c] && (phase[c] == SLEEPS || (phase[c] == RUNS && !reschedule[c])))

/* The property, looked at after each step. */
inline check()
{
    for (i : 0 .. CORES - 1) {
        assert(current[i] == IDLE || (state[current[i]] == RUNNING && queue_of[current[i]] == i));
        assert(!(QUIET(0) && QUIET(1) && QUIET(2)) || BEST_FOR(i) <= RUNS_AT(i))
    }
    i = 0
}

inline wake_any()
{
    if
    :: state[0] == BLOCKED -> woken = 0
    :: state[1] == BLOCKED -> woken = 1
    :: state[2] == BLOCKED -> woken = 2
    :: state[3] == BLOCKED -> woken = 3
    fi;
    d_step { place(); check() }
}

/* Which of two equals is first in its queue: either. */
inline any_order()
{
    if
    :: first = 1
    :: first = 2
    fi
}

#define ALL_BUSY (state[0] != BLOCKED && state[1] != BLOCKED && state[2] != BLOCKED && state[3] != BLOCKED)

/* An interrupt comes before the thread's next instruction. A thread that wakes another does what a
 * device's interrupt does, but without a gap before its sched_leave. */
inline run_thread()
{
    if
    :: atomic {
           if
           :: interrupt[core] -> d_step { interrupt[core] = false; check() }
           :: !interrupt[core] && !ALL_BUSY -> wake_any()
           fi
       }
       atomic { /* the trap's exit */
           if
           :: reschedule[core] ->
               any_order();
               d_step { least = PRIORITY(current[core]) + 1; give_way(); check() }
           :: else
           fi
       }
    :: atomic {
           !interrupt[core] ->
           any_order();
           if
           :: d_step { state[current[core]] = BLOCKED; switch_locked(); check() }
           :: d_step { least = PRIORITY(current[core]); give_way(); check() }
           fi
       }
    fi
}

inline run_idle()
{
    if
    :: phase[core] == LOOKS -> atomic { any_order(); d_step { switch_locked(); check() } }
    :: else
    fi;
    if
    :: current[core] == IDLE -> /* interrupts are off, until the wait turns them on */
#if SEEDED_BUG == 1
        d_step {
            if
            :: interrupt[core] -> interrupt[core] = false
            :: else
            fi;
            i = 0
        }
#endif
        d_step { phase[core] = SLEEPS; check() }
        atomic {
            if
            :: interrupt[core] -> interrupt[core] = false; phase[core] = LOOKS
            :: !interrupt[core] && !ALL_BUSY -> phase[core] = LOOKS; wake_any()
            fi
        }
    :: else
    fi
}

proctype cpu(byte core)
{
end:
    do
    :: current[core] == IDLE -> run_idle()
    :: current[core] != IDLE -> run_thread()
    od
}

init {
    atomic {
        for (i : 0 .. THREADS - 1) {
            state[i] = BLOCKED
        }
        for (i : 0 .. CORES - 1) {
            current[i] = IDLE;
            phase[i] = LOOKS;
            run cpu(i)
        }
    }
}

ltl best_one_runs { [] ((state[0] == READY) -> <> (state[0] == RUNNING)) }
