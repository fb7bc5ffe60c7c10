/* SPDX-License-Identifier: MIT */
/*
 * Exit, join and detach: who gives a thread's memory back, and when.
 *
 * Mirrors sched/thread.c:finish, give_to_joiner_locked, weft_thread_join; sched/spawn.c:thread_free,
 * thread_reap; sched/switch.c:switch_to_locked (the exiting thread's registers are still saved on its stack).
 * weft_thread_detach does not exist yet (a thread is made detached or stays joinable): it is here as
 * the protocol that it has to follow.
 *
 * A thread exits on core 0; two threads join it, one detaches it, in any order and overlapping; core
 * 0's idle thread reaps; the thread may have been made detached. The lock is a real one. A woken
 * joiner runs as soon as its core got the lock to switch to it.
 *
 * Proved: the memory is given back exactly once, by a joiner, a detacher, the reaper or the next
 * thread's maker; it is not given back while the thread still runs on its stack; nobody
 * writes to it later; exactly one of all callers is accepted, the others get WEFT_EINVAL.
 *
 * Seeded bug 1: exit lets go of the lock before the switch: the joiner frees the stack that the
 * exiting thread is still on.
 * Seeded bug 2: join looks at `detached` before it takes the lock (weft's first version, harmless
 * without detach): a detach in between is accepted too, and both give it back.
 * Seeded bug 3: join does not look whether somebody joins already.
 * Seeded bug 4: the joiner that waited gives the memory back though it was kept for the next thread.
 * expect bug 1: safety assertion violated (exited&& !(on_stack))
 * expect bug 2: safety assertion violated (((accepted+refused)
 * expect bug 3: safety assertion violated (((accepted+refused)
 * expect bug 4: safety assertion violated (freed==1)
 */
#define NONE 7

byte lock; /* core + 1 */

/* The thread. */
bool exited, on_stack = true, detached, being_joined;
byte joiner = NONE;
bool woken[2];
bool magic = true; /* its control block is valid; what follows after is somebody else's memory */

bool handed; /* the memory, to the joiner that waited */
bool made_detached, dead; /* dead: in core 0's list of ended detached threads, or in the cache */
byte freed, accepted, refused, calls_done;

inline take_lock(core) { atomic { lock == 0 -> lock = core + 1 } }
inline give_lock(core) { assert(lock == core + 1); lock = 0 }

inline touch() { assert(magic) }

inline give_back()
{
    assert(exited && !on_stack);
    magic = false;
    freed++;
    assert(freed == 1)
}

proctype exiting()
{
    take_lock(0);
    touch();
    exited = true;
    if
    :: joiner != NONE -> /* the result goes straight to it */
        if
        :: dead = true /* kept for the next thread, whose maker takes the lock */
        :: handed = true /* no room for it: the joiner's to give back */
        fi;
        woken[joiner] = true
    :: else
    fi;
    if
    :: detached -> dead = true
    :: else
    fi;
#if SEEDED_BUG == 1
    give_lock(0);
#endif
    touch(); /* arch_switch saves the registers on the stack, the pointer in the control block */
    on_stack = false;
#if SEEDED_BUG != 1
    give_lock(0) /* by the next thread of core 0, on its own stack */
#endif
}

/* Refused: it is not joinable any more. A stale handle is told from its magic, under the lock. */
#if SEEDED_BUG == 3
#define REFUSES (!magic || detached)
#else
#define REFUSES (!magic || detached || being_joined)
#endif

proctype join(byte me)
{
#if SEEDED_BUG == 2
    if
    :: !magic || detached -> refused++; goto done
    :: else
    fi;
#endif
    take_lock(1);
    if
#if SEEDED_BUG == 2
    :: being_joined ->
#else
    :: REFUSES ->
#endif
        give_lock(1);
        refused++
    :: else ->
        touch();
        being_joined = true;
        accepted++;
        if
        :: !exited ->
            joiner = me;
            give_lock(1); /* the switch away */
            woken[me];
            take_lock(1); /* the switch back */
            give_lock(1);
            if
#if SEEDED_BUG == 4
            :: true -> give_back()
#else
            :: handed -> give_back()
            :: else
#endif
            fi
        :: else ->
            touch(); /* the result */
            give_lock(1);
            give_back()
        fi
    fi;
#if SEEDED_BUG == 2
done:
#endif
    calls_done++
}

proctype detach()
{
    take_lock(1);
    if
    :: REFUSES -> give_lock(1); refused++
    :: else ->
        touch();
        detached = true;
        accepted++;
        if
        :: exited -> give_lock(1); give_back()
        :: else -> give_lock(1)
        fi
    fi;
    calls_done++
}

/* The idle thread of core 0, or whoever spawns there. */
proctype reaper()
{
    bool found;

    do
    :: dead ->
        take_lock(0);
        found = dead;
        dead = false;
        give_lock(0);
        if
        :: found -> give_back()
        :: else /* never: only this reaper empties the list */
        fi;
        break
    :: calls_done == 3 && freed == 1 -> break
    od
}

init {
    atomic {
        if
        :: made_detached = true; detached = true
        :: skip
        fi;
        run exiting(); run join(0); run join(1); run detach(); run reaper()
    }
    _nr_pr == 1;
    assert(freed == 1 && !magic);
    assert(accepted + refused == 3 && accepted == (made_detached -> 0 : 1))
}

ltl ends { <> (freed == 1) }
