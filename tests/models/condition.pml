/* SPDX-License-Identifier: MIT */
/*
 * Condition variable: a wait lets go of the mutex and sleeps in one step; a signal passes the waiter
 * on to the mutex; a deadline passes.
 *
 * Mirrors sched/condition.c:wait_until_cycles, pass_first_locked, weft_condition_signal,
 * weft_condition_broadcast; sched/mutex.c:mutex_release_locked, mutex_pass_to_locked,
 * weft_mutex_lock, weft_mutex_unlock; sched/wait.c:wait_move_locked (disarms the timer);
 * sched/sleep.c:upcall_sched_wake. Each section under the scheduler's lock is one step; priorities
 * are equal, so that every queue is first come, first served.
 *
 * Two consumers wait for items until a third thread closes, one of them with a deadline each time; a
 * producer makes two items and signals, with the mutex held or after it has let go; the closer
 * broadcasts.
 *
 * Proved: at most one owner, and only a thread that runs; a waiter comes back as the owner; each item
 * is taken once; no wake-up is lost (all threads end); those who waited for the condition get the
 * mutex in the order in which they began to wait.
 *
 * Seeded bug 1: the mutex is let go of in one step and the sleep begins in another (the lost wake-up
 * for which condition variables were invented).
 * Seeded bug 2: a signal moves the waiter to the mutex's queue and leaves its timer armed: the
 * deadline then pulls it out of there as if it still waited for the condition.
 * The formula needs fairness: a deadline may pass again and again while the producer could run.
 * expect bug 1: safety invalid end state
 * expect bug 2: safety assertion violated
 */
#define THREADS 4 /* consumers 0 and 1, producer 2, closer 3 */
#define ITEMS 2
#define NONE 7

mtype = { RUNS, WAITS_CONDITION, WAITS_MUTEX };

mtype state[THREADS];
byte owner = NONE;
bool armed[2];     /* a consumer's deadline */
bool timed_out[2];
byte items, made, taken;
bool closed;
byte condition[2]; /* who waits: at most the two consumers */
byte waiting;
byte mutex_queue[THREADS];
byte queued;
byte turn[2];

hidden byte next, first, k;

inline take_first_of_mutex()
{
    next = mutex_queue[0];
    k = 0;
    do
    :: k + 1 < queued -> mutex_queue[k] = mutex_queue[k + 1]; k++
    :: else -> break
    od;
    queued--;
    mutex_queue[queued] = 0
}

inline remove_from_condition(thread)
{
    assert(waiting > 0);
    if
    :: condition[0] == thread -> condition[0] = condition[1]
    :: else -> assert(waiting == 2 && condition[1] == thread)
    fi;
    waiting--;
    condition[waiting] = 0
}

inline lock()
{
    atomic {
        if
        :: owner == NONE -> owner = me
        :: else -> mutex_queue[queued] = me; queued++; state[me] = WAITS_MUTEX
        fi
    }
    state[me] == RUNS;
    assert(owner == me)
}

inline release()
{
    assert(owner == me);
    if
    :: queued == 0 -> owner = NONE
    :: else ->
        take_first_of_mutex();
        assert(state[next] == WAITS_MUTEX);
        owner = next;
        state[next] = RUNS
    fi
}

inline unlock() { atomic { release() } }

inline begin_wait()
{
    condition[waiting] = me;
    waiting++;
    state[me] = WAITS_CONDITION;
    armed[me] = (me == 1);
    timed_out[me] = false
}

inline wait()
{
#if SEEDED_BUG == 1
    atomic { release() }
    atomic { begin_wait() }
#else
    atomic { release(); begin_wait() }
#endif
    state[me] == RUNS;
    if
    :: timed_out[me] -> timed_out[me] = false; lock()
    :: else -> assert(owner == me)
    fi
}

/* mutex_pass_to_locked */
inline pass_first()
{
    first = condition[0];
    assert(state[first] == WAITS_CONDITION);
    remove_from_condition(first);
#if SEEDED_BUG != 2
    armed[first] = false;
#endif
    if
    :: owner == NONE -> owner = first; state[first] = RUNS
    :: else -> state[first] = WAITS_MUTEX; mutex_queue[queued] = first; queued++
    fi
}

inline signal()
{
    atomic {
        if
        :: waiting > 0 -> pass_first()
        :: else
        fi
    }
}

proctype consumer(byte me)
{
    lock();
    do
    :: items > 0 -> assert(owner == me); items--; taken++
    :: items == 0 && !closed -> wait()
    :: items == 0 && closed -> break
    od;
    unlock()
}

proctype producer(byte me)
{
    byte n;

    do
    :: n < ITEMS ->
        n++;
        lock();
        items++;
        made++;
        if
        :: signal(); unlock()
        :: unlock(); signal()
        fi
    :: else -> break
    od
}

proctype closer(byte me)
{
    made == ITEMS;
    lock();
    closed = true;
    atomic { /* broadcast: in the order in which they began to wait */
        if
        :: waiting == 2 ->
            turn[0] = condition[0];
            turn[1] = condition[1];
            pass_first();
            pass_first();
            assert(queued >= 2 && mutex_queue[queued - 2] == turn[0] &&
                   mutex_queue[queued - 1] == turn[1])
        :: waiting == 1 -> pass_first()
        :: else
        fi
    }
    unlock()
}

proctype timer()
{
    do
    :: atomic {
           armed[1] ->
           armed[1] = false;
           assert(state[1] == WAITS_CONDITION);
           remove_from_condition(1);
           timed_out[1] = true;
           state[1] = RUNS
       }
    :: closed && !armed[1] -> break
    od
}

init {
    atomic {
        state[0] = RUNS; state[1] = RUNS; state[2] = RUNS; state[3] = RUNS;
        run consumer(0); run consumer(1); run producer(2); run closer(3); run timer()
    }
    _nr_pr == 1;
    assert(taken == ITEMS && items == 0 && waiting == 0 && queued == 0 && owner == NONE)
}

ltl ends { <> (taken == ITEMS) }
