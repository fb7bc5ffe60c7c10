/* SPDX-License-Identifier: MIT */
/*
 * Channels, unbuffered and buffered, and select over two of them with close, deadline and default.
 *
 * Mirrors sched/channel.c:channel_send_locked, channel_receive_locked, send_directly,
 * receive_directly (the same in one step less, for one case), finish_locked, close_locked;
 * sched/select.c:select_ready_locked, select_until_cycles, weft_select_try;
 * sched/select.h:select_enter_locked, select_leave_locked; the deadline is
 * sched/sleep.c:upcall_sched_wake. Each section under the
 * scheduler's lock is one step (see park.pml); priorities are equal. Of the cases that are ready any
 * is taken.
 *
 * Channel 0 has no buffer, channel 1 has room for one. Thread 0 sends one value into 0, thread 1 two
 * into 1; thread 2 selects between receiving from both, with a deadline, as a try, or for ever;
 * thread 3 receives from 0 once; thread 4 selects once between sending into 0 and receiving from 1; thread
 * 5 closes both whenever it likes.
 *
 * Proved: a value that was sent is received once or is still in the buffer, a value whose send was
 * refused is never received; a select does exactly one of its cases; who is woken was asleep; closing
 * wakes everybody: all threads end.
 *
 * Seeded bug 1: the waker takes the thread's case out of the queue it looked at and leaves the other
 * one in its queue.
 * Seeded bug 2: a deadline that passes leaves the cases in their queues.
 * Seeded bug 3: close wakes the first receiver only.
 * The formula needs fairness: a try may find nothing again and again.
 * expect bug 1: safety assertion violated (state[partner]==
 * expect bug 2: safety assertion violated (state[partner]==
 * expect bug 3: safety invalid end state
 */
#define THREADS 6
#define VALUES 5
#define NONE 7

/* Queues: of channel c's senders 2 * c, of its receivers 2 * c + 1. */
#define SENDERS(c) (2 * c)
#define RECEIVERS(c) (2 * c + 1)
#define CAPACITY(c) c

mtype = { RUNS, BLOCKED };
mtype = { OK, AGAIN, CLOSED, TIMED_OUT };

typedef list {
    byte who[3];
    byte length;
};
list queue[4];
mtype state[THREADS];
mtype result[THREADS];
byte value[THREADS];  /* to send, or received */
byte chosen[THREADS]; /* the queue of the case that was done */
bool timed[THREADS];
byte buffer;          /* of channel 1; 0: empty */
bool closed[2];
byte sent[VALUES], received[VALUES];
byte ended;

hidden byte k, q, partner;

inline unlink(n, gone)
{
    k = 0;
    do
    :: k < queue[n].length && queue[n].who[k] != gone -> k++
    :: else -> break
    od;
    if
    :: k < queue[n].length ->
        do
        :: k + 1 < queue[n].length -> queue[n].who[k] = queue[n].who[k + 1]; k++
        :: else -> break
        od;
        queue[n].length--;
        queue[n].who[queue[n].length] = 0
    :: else
    fi
}

inline link(n)
{
    queue[n].who[queue[n].length] = me;
    queue[n].length++
}

inline select_leave(gone)
{
    q = 0;
    do
    :: q < 4 -> unlink(q, gone); q++
    :: else -> break
    od;
    q = 0
}

/* finish_locked for the first case of queue n */
inline finish(n, why)
{
    partner = queue[n].who[0];
    assert(state[partner] == BLOCKED);
#if SEEDED_BUG == 1
    unlink(n, partner);
#else
    select_leave(partner);
#endif
    chosen[partner] = n;
    result[partner] = why;
    timed[partner] = false;
    state[partner] = RUNS
}

#define READY_TO_SEND(c) (closed[c] || queue[RECEIVERS(c)].length > 0 || (c == 1 && buffer == 0))
#define READY_TO_RECEIVE(c) (closed[c] || queue[SENDERS(c)].length > 0 || (c == 1 && buffer != 0))

inline send_locked(c)
{
    chosen[me] = SENDERS(c);
    if
    :: closed[c] -> result[me] = CLOSED
    :: !closed[c] && queue[RECEIVERS(c)].length > 0 ->
        value[queue[RECEIVERS(c)].who[0]] = value[me];
        finish(RECEIVERS(c), OK);
        result[me] = OK
    :: !closed[c] && queue[RECEIVERS(c)].length == 0 && CAPACITY(c) == 1 && buffer == 0 ->
        buffer = value[me];
        result[me] = OK
    :: else -> result[me] = AGAIN
    fi
}

inline receive_locked(c)
{
    chosen[me] = RECEIVERS(c);
    result[me] = OK;
    if
    :: CAPACITY(c) == 1 && buffer != 0 ->
        value[me] = buffer;
        buffer = 0;
        if
        :: queue[SENDERS(c)].length > 0 ->
            buffer = value[queue[SENDERS(c)].who[0]];
            finish(SENDERS(c), OK)
        :: else
        fi
    :: !(CAPACITY(c) == 1 && buffer != 0) && queue[SENDERS(c)].length > 0 ->
        value[me] = value[queue[SENDERS(c)].who[0]];
        finish(SENDERS(c), OK)
    :: else -> result[me] = (closed[c] -> CLOSED : AGAIN)
    fi
}

inline block(deadline)
{
    state[me] = BLOCKED;
    timed[me] = deadline
}

/* Awake again, or not asleep at all: the value counts now. The deadline may pass, if there is one. */
inline wait_until_woken()
{
    atomic {
        if
        :: state[me] == RUNS
        :: timed[me] && state[me] == BLOCKED ->
#if SEEDED_BUG != 2
            select_leave(me);
#endif
            timed[me] = false;
            result[me] = TIMED_OUT;
            state[me] = RUNS
        fi;
        if
        :: result[me] == OK && chosen[me] % 2 == 0 -> sent[value[me]]++
        :: result[me] == OK && chosen[me] % 2 == 1 ->
            received[value[me]]++;
            assert(received[value[me]] == 1)
        :: else
        fi;
        value[me] = 0;
        outcome = result[me];
        done = chosen[me];
        result[me] = 0;
        chosen[me] = 0
    }
}

inline send(c, v)
{
    atomic {
        value[me] = v;
        send_locked(c);
        if
        :: result[me] == AGAIN -> link(SENDERS(c)); block(false)
        :: else
        fi
    }
    wait_until_woken()
}

inline receive(c)
{
    atomic {
        receive_locked(c);
        if
        :: result[me] == AGAIN -> link(RECEIVERS(c)); block(false)
        :: else
        fi
    }
    wait_until_woken()
}

proctype sender(byte me; byte channel; byte count)
{
    mtype outcome;
    byte done;

    do
    :: count > 0 && channel == 0 -> send(0, 1); count--
    :: count > 0 && channel == 1 -> send(1, 1 + count); count--
    :: count == 0 -> break
    od;
    ended++
}

proctype selector(byte me)
{
    bool open0 = true, open1 = true; /* a channel found closed is left out: its pointer is NULL */
    mtype outcome;
    byte done;

    do
    :: open0 || open1 ->
        atomic {
            if
            :: open0 && READY_TO_RECEIVE(0) -> receive_locked(0)
            :: open1 && READY_TO_RECEIVE(1) -> receive_locked(1)
            :: !(open0 && READY_TO_RECEIVE(0)) && !(open1 && READY_TO_RECEIVE(1)) ->
                if
                :: result[me] = AGAIN /* weft_select_try */
                :: block(true)
                :: block(false)
                fi;
                if
                :: state[me] == BLOCKED && open0 -> link(RECEIVERS(0))
                :: else
                fi;
                if
                :: state[me] == BLOCKED && open1 -> link(RECEIVERS(1))
                :: else
                fi
            fi
        }
        wait_until_woken();
        if
        :: outcome == CLOSED && done == RECEIVERS(0) -> assert(open0); open0 = false
        :: outcome == CLOSED && done == RECEIVERS(1) -> assert(open1); open1 = false
        :: outcome == AGAIN -> skip
        :: outcome == TIMED_OUT -> skip
        :: outcome == OK -> skip
        fi;
        outcome = 0;
        done = 0
    :: else -> break
    od;
    ended++
}

proctype receiver(byte me)
{
    mtype outcome;
    byte done;

    receive(0);
    ended++
}

proctype mixed(byte me)
{
    mtype outcome;
    byte done;

    atomic {
        value[me] = 4;
        if
        :: READY_TO_SEND(0) -> send_locked(0)
        :: READY_TO_RECEIVE(1) -> receive_locked(1)
        :: !READY_TO_SEND(0) && !READY_TO_RECEIVE(1) ->
            link(SENDERS(0));
            link(RECEIVERS(1));
            block(false)
        fi
    }
    wait_until_woken();
    ended++
}

inline close(c)
{
    atomic {
        closed[c] = true;
        do
        :: queue[SENDERS(c)].length > 0 -> finish(SENDERS(c), CLOSED)
        :: else -> break
        od;
        do
        :: queue[RECEIVERS(c)].length > 0 ->
            finish(RECEIVERS(c), CLOSED);
#if SEEDED_BUG == 3
            break
#endif
        :: else -> break
        od
    }
}

proctype closer()
{
    close(0);
    close(1);
    ended++
}

init {
    byte v;

    atomic {
        v = 0;
        do
        :: v < THREADS -> state[v] = RUNS; v++
        :: else -> break
        od;
        run sender(0, 0, 1); run sender(1, 1, 2); run selector(2); run receiver(3); run mixed(4);
        run closer()
    }
    ended == THREADS;
    v = 1;
    do
    :: v < VALUES -> assert(sent[v] == received[v] + (buffer == v)); v++
    :: else -> break
    od;
    assert(queue[0].length + queue[1].length + queue[2].length + queue[3].length == 0)
}

ltl ends { <> (ended == THREADS) }
