/* SPDX-License-Identifier: MIT */
/*
 * Counting semaphore with timeout: a post races with the waiter's timer and with waiters that are on
 * their way to sleep.
 *
 * Mirrors sched/semaphore.c:take, wait_for_permit, post_to_waiter, post_locked, weft_semaphore_post,
 * weft_semaphore_try; sched/wait.c:wait_locked, wait_wake_locked; sched/sleep.c:upcall_sched_wake. The fast paths are
 * without the lock: each load and each compare-and-swap of the count is a step of its own, also
 * between the steps of those who hold the lock.
 *
 * Three threads (one waits for ever, one until a deadline, one only tries), two posters (a thread,
 * an interrupt) with three permits, a timer that fires whenever it likes; limit 2.
 *
 * Proved: a wait ends exactly once, by the post or by the timer; permits taken + permits left =
 * permits posted, so none is lost and none is made; the count stays within the limit; nobody sleeps
 * while a permit is left.
 *
 * Seeded bug 1: the waiter stores WAITERS instead of swapping it for the 0 that it saw: a post that
 * came between is lost.
 * Seeded bug 2: the timer wakes a waiter without taking it out of the semaphore's queue, so a later
 * post is given to a thread that has gone.
 * expect bug 1: safety invalid end state
 * expect bug 2: safety assertion violated (state[first]
 */
#define THREADS 3
#define LIMIT 2
#define WAITERS 255
#define EMPTY 9

mtype = { RUNNING, BLOCKED, ENDED };
mtype = { TAKEN, TIMED_OUT, NOTHING };

byte count;
bool lock;
byte queue[THREADS]; /* of those who wait, EMPTY behind the last */
byte waiting;
mtype state[THREADS];
mtype result[THREADS];
byte wakes[THREADS]; /* since it blocked */
bool armed;          /* thread 1's timer */
byte posted, taken, ended;

inline take_lock() { atomic { !lock -> lock = true } }
inline give_lock() { lock = false }

inline dequeue(thread)
{
    atomic {
        position = 0;
        do
        :: queue[position] == thread -> break
        :: else -> position++
        od;
        do
        :: position + 1 < waiting -> queue[position] = queue[position + 1]; position++
        :: else -> break
        od;
        waiting--;
        queue[waiting] = EMPTY;
        position = 0
    }
}

inline wake(thread, why)
{
    result[thread] = why;
    wakes[thread]++;
    assert(wakes[thread] == 1);
    state[thread] = RUNNING
}

/* got = a permit was there */
inline take()
{
    seen = count;
    do
    :: seen == 0 || seen == WAITERS -> got = false; break
    :: else ->
        atomic {
            if
            :: count == seen -> count = seen - 1; taken++; got = true
            :: else -> got = false
            fi
        }
        if
        :: got -> break
        :: else -> seen = count
        fi
    od
}

inline block(deadline)
{
    atomic {
        queue[waiting] = me;
        waiting++;
        state[me] = BLOCKED;
        wakes[me] = 0;
        armed = armed || deadline
    }
    give_lock();
    state[me] == RUNNING; /* the switch, and the way back */
    if
    :: result[me] == TAKEN -> taken++
    :: else -> assert(me == 1 && result[me] == TIMED_OUT)
    fi
}

inline wait_slow(deadline)
{
    take_lock();
    do
    :: take();
       if
       :: got -> give_lock(); break
       :: else
       fi;
       seen = count;
       if
       :: seen == WAITERS -> block(deadline); break
       :: else ->
#if SEEDED_BUG == 1
           count = WAITERS;
           got = true;
#else
           atomic {
               if
               :: count == 0 -> count = WAITERS; got = true
               :: else -> got = false /* a post came between */
               fi
           }
#endif
           if
           :: got -> block(deadline); break
           :: else
           fi
       fi
    od
}

inline wait(deadline)
{
    take();
    if
    :: got
    :: else -> wait_slow(deadline)
    fi
}

proctype waiter(byte me)
{
    byte seen;
    bool got;

    if
    :: me == 2 -> take() /* try: whoever does not wait at the back */
    :: else -> wait(me == 1)
    fi;
    atomic {
        seen = 0;
        got = false;
        state[me] = ENDED;
        ended++
    }
}

proctype timer()
{
    byte position;

    do
    :: armed ->
        take_lock();
        if
        :: armed -> /* else a post was faster, and has disarmed it */
            armed = false;
            assert(state[1] == BLOCKED);
#if SEEDED_BUG != 2
            dequeue(1);
#endif
            wake(1, TIMED_OUT)
        :: else
        fi;
        give_lock()
    :: ended == THREADS -> break
    od
}

inline post_slow()
{
    take_lock();
    seen = count;
    ours = (seen == WAITERS);
    if
    :: ours && waiting == 0 -> count = 1
    :: ours && waiting > 0 ->
        first = queue[0];
        assert(state[first] == BLOCKED);
        dequeue(first);
        if
        :: first == 1 -> armed = false
        :: else
        fi;
        wake(first, TAKEN) /* the count stays WAITERS: the next post may find nobody waiting */
    :: else
    fi;
    give_lock()
}

inline post()
{
    do
    :: seen = count;
       if
       :: seen < LIMIT ->
           atomic {
               if
               :: count == seen -> count = seen + 1; ours = true
               :: else -> ours = false
               fi
           }
       :: seen != WAITERS && seen >= LIMIT ->
           ours = (ended == THREADS); /* full: tries again when somebody has taken one */
           if
           :: ours -> posted--
           :: else -> count != seen || ended == THREADS
           fi
       :: seen == WAITERS -> post_slow()
       fi;
       if
       :: ours -> break
       :: else
       fi
    od
}

proctype poster(byte posts)
{
    byte seen, first, position;
    bool ours;

    do
    :: posts > 0 -> posts--; posted++; post(); seen = 0; first = 0; ours = false
    :: else -> break
    od
}

/* At the end permits may be left, or threads may wait, never both. */
#define LEFT (count == WAITERS -> 0 : count)

init {
    atomic {
        queue[0] = EMPTY; queue[1] = EMPTY; queue[2] = EMPTY;
        run waiter(0); run waiter(1); run waiter(2);
        run poster(2); run poster(1); run timer()
    }
    _nr_pr <= 2 && ended == THREADS;
    _nr_pr == 1;
    assert(taken + LEFT == posted);
    assert(count <= LIMIT || count == WAITERS)
}

ltl ends { <> (ended == THREADS) }
