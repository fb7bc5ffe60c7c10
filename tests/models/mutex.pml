/* SPDX-License-Identifier: MIT */
/*
 * Mutexes with priority inheritance along chains, and timeouts.
 *
 * Mirrors sched/mutex.c:weft_mutex_lock, weft_mutex_unlock (the short way), take_or_mark_locked,
 * hand_over_locked, lock_locked; sched/mutex_chain.c:mutex_inherit_locked,
 * mutex_priority_changed_locked, priority_due, mutex_closes_cycle, mutex_waiter_left_locked;
 * sched/mutex.h: the plain cases of the same;
 * sched/priority.c:priority_set_locked (a waiter whose priority changes goes to its new place);
 * sched/sleep.c:upcall_sched_wake. What happens under the scheduler's lock is one step (see
 * park.pml), but for taking or marking the owner word, with which the short way interferes. Ceilings and
 * recursion are not in it.
 *
 * Four threads of base priorities 1, 2, 2, 3 and three mutexes: each thread locks and unlocks what it
 * likes, once or twice, with a deadline or without; deadlines pass whenever they like.
 *
 * Proved, after each step: every thread runs at the highest of its own priority and those of all who
 * wait for it, directly or along a chain, and at no more; waiters stand in order of priority, those
 * of one priority in order of coming there; an owner does not wait for its own mutex along any
 * chain, so there is no deadlock: all threads end. A mutex goes to its first waiter.
 *
 * Seeded bug 1: a waiter that gives up leaves its priority with the owner (FreeRTOS until 10.0).
 * Seeded bug 2: inheritance stops after one mutex of the chain.
 * Seeded bug 3: the mark is stored, not swapped in: the owner has let go in between.
 * expect bug 1: safety assertion violated (level[i]==due
 * expect bug 2: safety assertion violated (level[i]==due
 * expect bug 3: safety assertion violated (owner[mutex]==me
 */
#define THREADS 4
#define MUTEXES 3
#define NONE 7

byte owner[MUTEXES];  /* the owner word, */
bool marked[MUTEXES]; /* and its bit CONTENDED */
byte holds[THREADS];  /* what each thread thinks it owns, a bit each */
bool lock;            /* the scheduler's */
byte level[THREADS]; /* effective priority */
byte waits_for[THREADS]; /* a mutex, or NONE */
bool timed[THREADS];     /* its wait has a deadline */
typedef list {
    byte who[THREADS]; /* best first, NONE behind the last */
};
list waiters[MUTEXES];
byte locks_left[THREADS];

#define BIT(m) (1 << m)
#define BASE(t) (t == 0 -> 1 : (t == 3 -> 3 : 2))
#define FIRST(m) waiters[m].who[0]
#define EMPTY(m) (FIRST(m) == NONE)

/* A search that goes back restores a hidden variable's value only outside of a d_step: `mutex` is not set
 * in one. */
hidden byte i, k, due, at, moved, mutex, gave_up, next;
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

/* lock_locked, once the owner word is marked: it stands still. */
inline lock_marked(m, deadline)
{
    follow_owners(m);
    if
    :: at == me -> refused = true /* WEFT_EDEADLK, or the panic "deadlock" */
    :: else -> wait_for(m); timed[me] = deadline
    fi
}

inline unlock(m)
{
    if
    :: EMPTY(m) -> owner[m] = NONE; marked[m] = false
    :: else ->
        next = FIRST(m);
        owner[m] = NONE;
        remove(m, next);
        waits_for[next] = NONE;
        timed[next] = false;
        owner[m] = next;
        marked[m] = !EMPTY(m);
        holds[next] = holds[next] | BIT(m);
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
    gave_up = waits_for[me];
    remove(gave_up, me);
    waits_for[me] = NONE;
    timed[me] = false;
#if SEEDED_BUG != 1
    chain_update(owner[gave_up])
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

#define HOLDS(m) ((holds[me] & BIT(m)) != 0)

#define CAN_UNLOCK(m) (HOLDS(m) && (!lock || !marked[m]))

inline now_holds(m)
{
    assert(owner[m] == me);
    holds[me] = holds[me] | BIT(m)
}

/* Does it, if the owner word is still as it was seen; else looks again. */
inline take_or_mark()
{
    if
#if SEEDED_BUG == 3
    :: owner[wanted] = seen;
#else
    :: owner[wanted] == seen && marked[wanted] == seen_mark ->
#endif
        hops = 0;
        refused = false;
        if
        :: seen == NONE -> owner[wanted] = me; now_holds(wanted)
        :: else ->
            marked[wanted] = true;
            d_step { lock_marked(wanted, deadline); check() }
        fi;
        lock = false;
        if
        :: refused -> skip /* these are here to be reached */
        :: hops == 2 -> skip
        :: else
        fi;
        wanted = NONE;
        seen = NONE;
        seen_mark = false
#if SEEDED_BUG != 3
    :: else -> seen = owner[wanted]; seen_mark = marked[wanted]
#endif
    fi
}

proctype user(byte me; bool deadline)
{
    byte wanted = NONE, seen = NONE; /* wanted: between the load and the swap of take_or_mark_locked */
    bool seen_mark;

    do
    :: atomic {
           wanted == NONE && waits_for[me] == NONE && locks_left[me] > 0 && !lock ->
           choose_mutex();
           if
           :: owner[mutex] == NONE -> owner[mutex] = me; now_holds(mutex) /* the short way */
           :: !lock -> lock = true; wanted = mutex; seen = owner[wanted]; seen_mark = marked[wanted]
           fi;
           locks_left[me]--
       }
    :: atomic { /* the short way, while another is in the long one */
           wanted == NONE && waits_for[me] == NONE && locks_left[me] > 0 && lock &&
           (owner[0] == NONE || owner[1] == NONE || owner[2] == NONE) ->
           if
           :: owner[0] == NONE -> mutex = 0
           :: owner[1] == NONE -> mutex = 1
           :: owner[2] == NONE -> mutex = 2
           fi;
           owner[mutex] = me;
           now_holds(mutex);
           locks_left[me]--
       }
    :: atomic { wanted != NONE -> take_or_mark() }
    :: atomic {
           wanted == NONE && waits_for[me] == NONE &&
           (CAN_UNLOCK(0) || CAN_UNLOCK(1) || CAN_UNLOCK(2)) ->
           if
           :: CAN_UNLOCK(0) -> mutex = 0
           :: CAN_UNLOCK(1) -> mutex = 1
           :: CAN_UNLOCK(2) -> mutex = 2
           fi;
           assert(owner[mutex] == me);
           if
           :: !marked[mutex] -> holds[me] = holds[me] & ~BIT(mutex); owner[mutex] = NONE
           :: !lock -> holds[me] = holds[me] & ~BIT(mutex); d_step { unlock(mutex); check() }
           fi
       }
    :: atomic { waits_for[me] != NONE && timed[me] && !lock -> d_step { time_out(); check() } }
    :: waits_for[me] == NONE && wanted == NONE && holds[me] == 0 && locks_left[me] == 0 -> break
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
            locks_left[i] = (i == 0 || i == 3 -> 1 : 2);
            run user(i, i % 2);
            i++
        :: else -> break
        od
    }
}

ltl ends { <> (_nr_pr == 1) }
