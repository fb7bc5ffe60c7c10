/* SPDX-License-Identifier: MIT */
/*
 * Several cores mark.
 *
 * Mirrors mem/gc_share.c:gc_share_give, gc_share_take, helper_come_in, helper_take, helper_ran_empty,
 * gc_share_open, gc_share_close; mem/gc_mark.c:take_white, overflow, rescan_take, span_rescan,
 * gc_mark_finish; sched/help.c:help_begin_irqoff, help_end_irqoff, upcall_world_help_begin,
 * upcall_world_help_end. A section under a lock is one step; what is done outside of one is a step
 * for each load and each store: the white bits, the notes of a full stack.
 *
 * The owner and two helpers, which come at any time or too late; twelve blocks, of which one is not
 * reachable and leads to others; mark stacks of two entries, which are too small. Deep first, the left
 * pointer on top.
 *
 * Proved: when the owner finds that it is over, all reachable blocks are marked, and no other; no block
 * is counted twice; when the world starts nobody is inside the helpers' function any more; it ends.
 *
 * Seeded bug 1: the white bit is taken away by a load and a store.
 * Seeded bug 2: a helper that has taken a chunk becomes busy a step later.
 * Seeded bug 3: the end does not wait for helpers that have not left.
 * Seeded bug 4: the note of a full stack is taken back after the look through the span.
 * expect bug 1: safety assertion violated  !(counted[at])
 * expect bug 2: safety assertion violated (((white==
 * expect bug 3: safety assertion violated (helping==0)
 * expect bug 4: safety assertion violated (((white==
 */
#define CORES 3
#define OWNER 0
#define BLOCKS 12
#define ROOT 9
#define WITH_POINTERS 10 /* the lower ones */
#define LOST 11          /* the unreachable one */
#define ENTRIES 2
#define CHUNKS 2 /* of one piece each: of two, one is given */
#define NONE 12
#define ALL 4095
#define BIT(b) (1 << b)
/* A chain by the left pointers, 9 7 5 4 2 0 10; the right ones lead to its sides, some from two. */
#define LEFT(b) (b == 9 -> 7 : (b == 7 -> 5 : (b == 5 -> 4 : (b == 4 -> 2 : (b == 2 -> 0 : (b == 0 -> 10 : (b == LOST -> ROOT : NONE)))))))
#define RIGHT(b) (b == 9 -> 8 : (b == 7 -> 6 : (b == 4 -> 3 : (b == 2 -> 1 : (b == 8 -> 6 : NONE)))))

short white = ALL; /* a bit for each block */
bool note;         /* of the one span: rescan */
bool counted[BLOCKS];

/* struct gc_marker of each core */
typedef marker { byte stack[ENTRIES]; byte depth; bool rescan };
marker m[CORES];

/* share */
byte chunk[CHUNKS];
byte filled, waiting, busy;
bool open;

/* struct world */
bool stopped = true, help;
byte helping;
bool interrupt[CORES];
bool over;

/* mark_in_span: the block `at`. */
inline mark(me)
{
    if
    :: at == NONE || (white & BIT(at)) == 0 -> skip
    :: at != NONE && (white & BIT(at)) != 0 ->
#if SEEDED_BUG == 1
        seen = white; /* the load that looks is the load that changes */
        atomic { taken = true; white = seen & ~BIT(at); seen = 0 };
#else
        atomic { taken = ((white & BIT(at)) != 0); white = white & ~BIT(at) };
#endif
        if
        :: taken ->
            atomic { assert(!counted[at]); counted[at] = true };
            if
            :: m[me].depth < ENTRIES -> atomic { m[me].stack[m[me].depth] = at; m[me].depth++ }
            :: else -> note = true; m[me].rescan = true
            fi
        :: else
        fi;
        taken = false
    fi;
    at = NONE
}

/* Pieces on the own stack; when somebody waits, the lowest of two is given. */
inline drain(me)
{
    do
    :: m[me].depth == 0 -> break
    :: atomic { m[me].depth == 2 && waiting > filled && filled < CHUNKS ->
                assert(stopped);
                chunk[filled] = m[me].stack[0];
                filled++;
                m[me].stack[0] = m[me].stack[1];
                m[me].stack[1] = 0;
                m[me].depth = 1 }
    :: atomic { m[me].depth != 0 ->
                assert(stopped);
                m[me].depth--;
                top = m[me].stack[m[me].depth];
                m[me].stack[m[me].depth] = 0 }
       atomic { at = RIGHT(top) };
       mark(me);
       atomic { at = LEFT(top); top = NONE };
       mark(me)
    od
}

inline chunk_take(me)
{
    assert(m[me].depth == 0);
    filled--;
    m[me].stack[0] = chunk[filled];
    chunk[filled] = 0;
    m[me].depth = 1;
    waiting--
}

/* finish_round: drain, gc_share_take, until there is nothing. */
inline finish_round()
{
    do
    :: drain(OWNER);
       waiting++;
       if
       :: atomic { filled != 0 -> chunk_take(OWNER) }
       :: atomic { filled == 0 && busy == 0 -> waiting--; break }
       fi
    od
}

/* span_rescan of the one span, as far as its blocks have pointers. */
inline look_through()
{
#if SEEDED_BUG != 4
    note = false;
#endif
    block = 0;
    do
    :: block < WITH_POINTERS && (white & BIT(block)) == 0 ->
        at = RIGHT(block);
        mark(OWNER);
        drain(OWNER);
        at = LEFT(block);
        mark(OWNER);
        drain(OWNER);
        block++
    :: block < WITH_POINTERS && (white & BIT(block)) != 0 -> block++
    :: block == WITH_POINTERS -> block = 0; break
    od;
#if SEEDED_BUG == 4
    note = false
#endif
}

proctype owner()
{
    byte at = NONE, top = NONE, block;
    bool taken, wanted;
#if SEEDED_BUG == 1
    short seen;
#endif

    atomic { open = true; waiting = 0 };
    atomic { help = true; interrupt[1] = true; interrupt[2] = true };
    at = ROOT;
    mark(OWNER);
    finish_round();
    do
    :: atomic {
           wanted = (m[0].rescan || m[1].rescan || m[2].rescan);
           m[0].rescan = false; m[1].rescan = false; m[2].rescan = false
       }
       if
       :: wanted && note -> look_through(); finish_round()
       :: wanted && !note -> skip /* never: a note goes with each mark of a core */
       :: else -> break
       fi
    od;
    assert(white == BIT(LOST) && filled == 0 && busy == 0);
    open = false;
    help = false;
#if SEEDED_BUG != 3
    helping == 0;
#endif
    atomic { assert(helping == 0); stopped = false };
    over = true
}

proctype helper(byte me)
{
    byte at = NONE, top = NONE;
    bool taken, in;
#if SEEDED_BUG == 1
    short seen;
#endif

    do
    :: atomic { interrupt[me] -> /* the idle thread's loop looks */
           interrupt[me] = false;
           if
           :: help && stopped -> helping = helping | BIT(me); in = true
           :: else
           fi
       }
       if
       :: atomic { in && open -> waiting++ }
          do
          :: atomic { open && filled != 0 ->
                      chunk_take(me);
#if SEEDED_BUG != 2
                      busy++
#endif
             }
#if SEEDED_BUG == 2
             busy++;
#endif
             drain(me);
             atomic { busy--; waiting++ }
          :: !open -> break
          od;
          atomic { helping = helping & ~BIT(me); in = false }
       :: atomic { in && !open -> helping = helping & ~BIT(me); in = false }
       :: !in
       fi
    :: over && !interrupt[me] -> break
    od
}

init { atomic { run owner(); run helper(1); run helper(2) } }

ltl ends { <> over }
