/* SPDX-License-Identifier: MIT */
/*
 * Interrupt to thread: handlers write a queue that a thread reads.
 *
 * Mirrors sched/queue.c:weft_queue_try_send, send_locked, receive_until_cycles, receive_locked;
 * sched/wait.c:wait_locked; sched/sched.h:sched_enter, sched_exit (interrupts off, then the lock).
 * Here the lock is a real one and everything done under it is single steps: the question is what a
 * handler does to the very core that it interrupts.
 *
 * Two cores. The reader runs on core 0; a handler on core 0 (it runs only while core 0 has
 * interrupts on, and core 0 runs nothing else until it is done) and one on core 1 send two messages
 * each into a queue with room for two.
 *
 * Proved: each message that was accepted is read once, those of one handler in their order; what was
 * refused (the queue was full) is counted and not read; no message is left while the reader sleeps;
 * nobody spins for ever on a lock that the interrupted code of its own core holds.
 *
 * Seeded bug 1: the lock is taken with interrupts on: the handler of that core spins for ever.
 * Seeded bug 2: the reader looks whether the queue is empty before it takes the lock, and then sleeps.
 * Seeded bug 3: a handler wakes the reader for its first message only, "as it reads on until the queue
 * is empty".
 * expect bug 1: safety invalid end state
 * expect bug 2: safety invalid end state
 * expect bug 3: safety invalid end state
 */
#define CAPACITY 2
#define MESSAGES 2
#define NONE 0

byte lock; /* core + 1 */
bool irq_on = true; /* of core 0 */
bool in_handler;    /* core 0 is in its handler */

byte buffer[CAPACITY];
byte count;
bool waiting, woken; /* the reader sleeps in the queue; it has been made ready */
byte room;           /* where it wants its message */

byte accepted, refused, read, handlers_done;
byte last[2]; /* of each handler, as read */

inline take_lock(core) { atomic { lock == 0 -> lock = core + 1 } }
inline give_lock(core) { assert(lock == core + 1); lock = 0 }

inline put(message)
{
    buffer[count] = message;
    count++
}

/* weft_queue_try_send: message n of handler h is 4 * h + n. */
inline try_send(core, message)
{
    take_lock(core);
    if
#if SEEDED_BUG == 3
    :: waiting && message % 4 == 1 ->
#else
    :: waiting ->
#endif
        room = message;
        waiting = false;
        accepted++;
        woken = true
    :: else ->
        if
        :: count < CAPACITY -> put(message); accepted++
        :: else -> refused++
        fi
    fi;
    give_lock(core)
}

/* On core 0: between any two steps of the reader with interrupts on, or while it sleeps (the idle
 * thread waits with interrupts on). */
proctype handler_here()
{
    byte n = 1;

    do
    :: n <= MESSAGES ->
        atomic { irq_on -> irq_on = false; in_handler = true }
        try_send(0, n);
        atomic { in_handler = false; irq_on = true };
        n++
    :: else -> break
    od;
    handlers_done++
}

proctype handler_elsewhere()
{
    byte n = 1;

    do
    :: n <= MESSAGES -> try_send(1, 4 + n); n++
    :: else -> break
    od;
    handlers_done++
}

inline check_order(message)
{
    assert(message != NONE);
    assert(last[message / 4] < message % 4);
    last[message / 4] = message % 4;
    read++
}

/* weft_queue_receive. Every step of the reader waits for the handler of its core to be done. */
#define STEP !in_handler ->

proctype reader()
{
    byte message;
#if SEEDED_BUG == 2
    bool was_empty;
#endif

    do
    ::
#if SEEDED_BUG == 2
        was_empty = (count == 0);
#endif
#if SEEDED_BUG == 1
        atomic { STEP lock == 0; lock = 1 }
#else
        atomic { STEP irq_on -> irq_on = false }
        atomic { lock == 0 -> lock = 1 }
#endif
        if
#if SEEDED_BUG == 2
        :: atomic { STEP !was_empty }
#else
        :: atomic { !in_handler && count > 0 }
#endif
            atomic {
                STEP message = buffer[0];
                buffer[0] = buffer[1];
                buffer[1] = NONE;
                count--
            }
            atomic { STEP assert(lock == 1); lock = 0 }
            irq_on = true
        :: else ->
            atomic { STEP waiting = true; woken = false }
            /* the switch to the idle thread, which lets go of the lock and turns interrupts on */
            atomic { STEP assert(lock == 1); lock = 0 }
            irq_on = true;
end_asleep:
            atomic { woken && !in_handler -> woken = false; message = room; room = NONE }
        fi;
        check_order(message);
        message = NONE
    od
}

init {
    atomic { run reader(); run handler_here(); run handler_elsewhere() }
    handlers_done == 2 && read == accepted && waiting; /* asleep for ever: nobody sends any more */
    assert(accepted + refused == 2 * MESSAGES && count == 0)
}

ltl ends { <> (handlers_done == 2 && read == accepted) }
