/* SPDX-License-Identifier: MIT */
/*
 * Mutexes with priority inheritance along chains, and timeouts.
 *
 * Mirrors sched/mutex.c:wait_for_locked, chain_update_locked, priority_due, closes_cycle,
 * hand_over_locked, mutex_waiter_left_locked, weft_mutex_lock_until, weft_mutex_unlock;
 * sched/priority.c:priority_set_locked (a waiter whose priority changes goes to its new place);
 * sched/sleep.c:upcall_sched_wake. Each operation is one step (see park.pml).
 *
 * Four threads of base priorities 1, 2, 2, 3 and three mutexes: each thread locks and unlocks what it
 * likes, two locks each, with and without a deadline; deadlines pass whenever they like.
 *
 * Proved, after each step: every thread runs at the highest of its own priority and those of all who
 * wait for it, directly or along a chain, and at no more; waiters stand in order of priority, those
 * of one priority in order of coming there; an owner does not wait for its own mutex along any
 * chain, so there is no deadlock: all threads end. A mutex goes to its first waiter.
 *
 * Seeded bug 1: a waiter that gives up leaves its priority with the owner (FreeRTOS until 10.0).
 * Seeded bug 2: inheritance stops after one mutex of the chain.
 * expect bug 1: safety assertion violated (level[i]==due
 * expect bug 2: safety assertion violated (level[i]==due
 */
#define THREADS 4
#define MUTEXES 3
#define NONE 7
#define LOCKS 2

byte owner[MUTEXES];
byte level[THREADS]; /* effective priority */
byte waits_for[THREADS]; /* a mutex, or NONE */
bool timed[THREADS];     /* its wait has a deadline */
typedef list {
    byte who[THREADS]; /* best first, NONE behind the last */
};
list waiters[MUTEXES];
byte locks_left[THREADS];

#define BASE(t) (t == 0 -> 1 : (t == 3 -> 3 : 2))
#define FIRST(m) waiters[m].who[0]
#define EMPTY(m) (FIRST(m) == NONE)

hidden byte i, k, due, at, moved, mutex, next;
hidden byte hops;   /* mutexes that the last inheritance went along */
hidden byte refused; /* the last lock would have closed a cycle */

inline remove(m, gone)
{
    k = 0;
    do
    :: waiters[m].who[k] == gone -> break
    :: else -> k++
    od;
    do
    :: k + 1 < THREADS -> waiters[m].who[k] = waiters[m].who[k + 1]; k++
    :: else -> break
    od;
    waiters[m].who[THREADS - 1] = NONE
}

/* wait_insert_locked: from the back, before those of lower priority. */
inline insert(m, new)
{
    k = 0;
    do
    :: waiters[m].who[k] == NONE -> break
    :: else -> k++
    od;
    do
    :: k > 0 && level[waiters[m].who[k - 1]] < level[new] ->
        waiters[m].who[k] = waiters[m].who[k - 1];
        k--
    :: else -> break
    od;
    waiters[m].who[k] = new
}

inline level_set(one, value)
{
    if
    :: level[one] != value ->
        level[one] = value;
        if
        :: waits_for[one] != NONE -> remove(waits_for[one], one); insert(waits_for[one], one)
        :: else
        fi
    :: else
    fi
}

inline priority_due(one)
{
    due = BASE(one);
    k = 0;
    do
    :: k < MUTEXES ->
        if
        :: owner[k] == one && !EMPTY(k) && level[FIRST(k)] > due -> due = level[FIRST(k)]
        :: else
        fi;
        k++
    :: else -> break
    od
}

/* From `start` along the owners it waits for. */
inline chain_update(start)
{
    at = start;
    do
    :: at == NONE -> break
    :: else ->
        priority_due(at);
        if
        :: due == level[at] -> break
        :: else
        fi;
        level_set(at, due);
        hops++;
#if SEEDED_BUG == 2
        break;
#endif
        at = (waits_for[at] == NONE -> NONE : owner[waits_for[at]])
    od
}

/* at = the thread that waiting for m would have wait for itself: `me` means a cycle, NONE none. */
inline follow_owners(m)
{
    at = owner[m];
    do
    :: at == me || at == NONE -> break
    :: else -> at = (waits_for[at] == NONE -> NONE : owner[waits_for[at]])
    od
}

inline wait_for(m)
{
    if
    :: level[me] > level[owner[m]] ->
        moved = owner[m];
        level_set(moved, level[me]);
        if
        :: waits_for[moved] != NONE -> chain_update(owner[waits_for[moved]])
        :: else
        fi
    :: else
    fi;
    waits_for[me] = m;
    insert(m, me)
}

inline lock(m, deadline)
{
    if
    :: owner[m] == NONE -> owner[m] = me
    :: else ->
        follow_owners(m);
        if
        :: at == me -> refused = true /* WEFT_EDEADLK, or the panic "deadlock" */
        :: else -> wait_for(m); timed[me] = deadline
        fi
    fi
}

inline unlock(m)
{
    if
    :: EMPTY(m) -> owner[m] = NONE
    :: else ->
        next = FIRST(m);
        owner[m] = NONE;
        remove(m, next);
        waits_for[next] = NONE;
        timed[next] = false;
        owner[m] = next;
        if
        :: !EMPTY(m) -> chain_update(next)
        :: else
        fi;
        chain_update(me)
    fi
}

/* upcall_sched_wake: the thread's deadline has passed. */
inline time_out()
{
    mutex = waits_for[me];
    remove(mutex, me);
    waits_for[me] = NONE;
    timed[me] = false;
#if SEEDED_BUG != 1
    chain_update(owner[mutex])
#endif
}

inline check()
{
    i = 0;
    do
    :: i < THREADS ->
        priority_due(i);
        assert(level[i] == due);
        i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < MUTEXES ->
        k = 0;
        do
        :: k + 1 < THREADS && waiters[i].who[k + 1] != NONE ->
            assert(level[waiters[i].who[k]] >= level[waiters[i].who[k + 1]]);
            k++
        :: else -> break
        od;
        assert(EMPTY(i) || owner[i] != NONE);
        i++
    :: else -> break
    od;
    i = 0
}

inline choose_mutex()
{
    if
    :: mutex = 0
    :: mutex = 1
    :: mutex = 2
    fi
}

#define OWNS (owner[0] == me || owner[1] == me || owner[2] == me)

proctype user(byte me)
{
    do
    :: atomic {
           waits_for[me] == NONE && locks_left[me] > 0 ->
           locks_left[me]--;
           choose_mutex();
           hops = 0;
           refused = false;
           if
           :: me == 3 || me == 1 -> d_step { lock(mutex, true); check() }
           :: me != 3 -> d_step { lock(mutex, false); check() }
           fi;
           if
           :: refused -> skip /* these are here to be reached */
           :: hops == 2 -> skip
           :: else
           fi
       }
    :: atomic {
           waits_for[me] == NONE && OWNS ->
           if
           :: owner[0] == me -> mutex = 0
           :: owner[1] == me -> mutex = 1
           :: owner[2] == me -> mutex = 2
           fi;
           d_step { unlock(mutex); check() }
       }
    :: atomic { waits_for[me] != NONE && timed[me] -> d_step { time_out(); check() } }
    :: waits_for[me] == NONE && !OWNS && locks_left[me] == 0 -> break
    od
}

init {
    atomic {
        i = 0;
        do
        :: i < MUTEXES ->
            owner[i] = NONE;
            k = 0;
            do
            :: k < THREADS -> waiters[i].who[k] = NONE; k++
            :: else -> break
            od;
            i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < THREADS ->
            level[i] = BASE(i);
            waits_for[i] = NONE;
            locks_left[i] = LOCKS;
            run user(i);
            i++
        :: else -> break
        od
    }
}

ltl ends { <> (_nr_pr == 1) }
