/* SPDX-License-Identifier: MIT */
/*
 * The sample log: what the target writes and the host tool reads. Shared by both; no other header
 * says anything about these bytes.
 *
 * A log is a sequence of records. Every record is a multiple of 4 bytes, 4-aligned in the target's
 * memory, in the target's byte order, and stands for itself: it can be found and checked in a
 * serial stream or in a RAM dump without what came before it.
 *
 *      offset  size
 *      0       2     magic LOG_MAGIC; the reader learns the byte order from it
 *      2       1     type, enum log_type
 *      3       1     core
 *      4       2     length of the whole record in bytes, header and check included
 *      6       2     sequence number, per core, counting every record, modulo 65536: a gap is a
 *                    loss, but for the first record behind the header of a log that keeps the
 * newest 8       ...   payload, by type; a "word" is 4 or 8 bytes, as the header record says last 4
 * check: log_check() over everything before it
 *
 * On a serial line each record travels in a frame of its own between ordinary console bytes:
 *
 *      FRAME_BEGIN  escaped(record)  escaped(crc32 of the record, big-endian)  FRAME_END
 *
 * where a byte FRAME_ESCAPE..FRAME_END (0xfd..0xff) inside is sent as FRAME_ESCAPE, byte ^ 0x80.
 * None of the three occurs in UTF-8 text, so console text never looks like a frame, and after any
 * damage the next FRAME_BEGIN starts afresh. crc32 is the one of zlib and IEEE 802.3 (reflected
 * 0xedb88320, initial and final inversion). The frame's CRC guards the line; the record's own
 * cheaper check guards the memory it was written to, inside an interrupt handler with a budget.
 *
 * The records of a profile, in order: per core one LOG_HEADER, then samples, then LOG_END.
 * Everything numeric in a payload is a uint32_t unless said otherwise.
 */
#ifndef PROF_LOG_FORMAT_H
#define PROF_LOG_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define LOG_MAGIC 0x5746u /* "WF" when written big-endian */
#define LOG_VERSION 3u

#define FRAME_ESCAPE 0xfdu
#define FRAME_BEGIN 0xfeu
#define FRAME_END 0xffu
#define FRAME_FLIP 0x80u

enum log_type {
    LOG_HEADER = 1, /* struct log_header, then the build id */
    LOG_SAMPLE = 2, /* struct log_sample, then `depth` words: call stack, innermost first */
    LOG_LOST = 3,   /* struct log_lost: ticks counted but not walked */
    LOG_END = 4,    /* struct log_end: totals; the reader checks that they add up */
    LOG_THREAD = 5, /* struct log_thread, then its name: sent once per thread, before LOG_END */
    LOG_RATE = 6,   /* struct log_rate: what follows was sampled at another rate */
    LOG_LABEL = 7,  /* struct log_label, then key and value: before LOG_END, parents first */
    LOG_WAIT = 8,   /* struct log_wait, then its name: a reason for waiting, before LOG_END */

    /* Profiles by place (prof/sites.c): a stream of their own, of core LOG_SITES_CORE + number. */
    LOG_SITES = 9,      /* struct log_sites, then name, types and build id */
    LOG_SITE = 10,      /* struct log_site, then `depth` words, then the tag */
    LOG_SITES_END = 11, /* struct log_sites_end */

    LOG_REPLY = 12, /* struct log_reply: to a request of the host's (prof/remote.c), of core
                       LOG_REPLY_CORE */
};

struct log_record {
    uint16_t magic;
    uint8_t type;
    uint8_t core;
    uint16_t length;
    uint16_t sequence;
};

/* A 64-bit number in a payload. */
struct log_wide {
    uint32_t high, low;
};

enum log_flag {
    LOG_KEEPS_NEWEST = 1, /* the oldest samples gave way: they are in lost_full */
    LOG_STREAMED = 2,     /* sent while it ran */
    LOG_WALL = 4,         /* blocked threads are sampled too */
    LOG_REMOTE = 8,       /* one core samples all: `on` says which it was */
};

/* Where in the target's memory things are, for a reader of a RAM image: addresses there. */
struct log_directory {
    struct log_wide self;  /* the header's own record: tells where in memory the image begins */
    struct log_wide ring;  /* the records; the oldest may be anywhere in it */
    struct log_wide ended; /* the LOG_END record, all zero while the profile runs */
    struct log_wide live;  /* the first eight words of struct log_end, as of now */
    struct log_wide
        positions;          /* where the ring ends, any word, where it begins: in bytes written */
    struct log_wide names;  /* struct log_name, names_count of them */
    struct log_wide labels; /* struct log_label_entry, labels_count of them */
    uint32_t ring_bytes, names_count, labels_count;
};

/* The build id's bytes (the GNU note's descriptor) follow, padded with zeros to 4. */
struct log_header {
    uint32_t version;
    uint32_t word_bytes;           /* 4 or 8 */
    uint32_t rate_millihertz_high; /* exact ticks per second, in 1/1000 Hz, as two halves */
    uint32_t rate_millihertz_low;
    uint32_t text_start_high,
        text_start_low; /* bounds of the image's text; a pc outside is flagged */
    uint32_t text_end_high, text_end_low;
    uint32_t cores; /* cores in this profile: so many headers and ends are to come */
    uint32_t flags; /* enum log_flag */
    struct log_directory directory;
    uint32_t build_id_bytes;
};

/* Why a stack ends where it does. Also the index of names in dumps; keep in step with
 * unwind_reason_name(). */
enum log_reason {
    REASON_FULL = 0, /* walked to the thread's first frame */
    REASON_BOUNDS =
        1, /* the next frame's address lies outside the stack, is misaligned or not increasing */
    REASON_NO_INFO = 2,   /* a caller without unwind information */
    REASON_DEPTH = 3,     /* deeper than WEFT_CONFIG_UNWIND_DEPTH */
    REASON_NO_LOCK = 4,   /* the stack was being created, freed or painted, or walked by another */
    REASON_SWITCHING = 5, /* inside the context switch */
    REASON_ATOMIC64 = 6,  /* inside a 64-bit atomic's section */
    REASON_LEAF = 7, /* full, but the innermost frame had no unwind information: leaf rule used */
    REASON_NO_ANSWER = 8, /* a core that was to be sampled by another did not stop in time */
};

/* What the core was doing, for ticks whose stack is no thread's (requirements B3): then `depth` may
 * be 0 or a stack of runtime code, and the reader roots it at the pseudo function named after the
 * context. */
enum log_context {
    CONTEXT_THREAD = 0,    /* root: the thread's entry */
    CONTEXT_IDLE = 1,      /* _Idle */
    CONTEXT_SYSTEM = 2,    /* _System */
    CONTEXT_INTERRUPT = 3, /* _Interrupt */
    CONTEXT_COLLECTOR = 4, /* _Collector */
    CONTEXT_FOREIGN = 5,   /* _ForeignCode */
    CONTEXT_BLOCKED = 6,   /* not running: root as for a thread, `wait` says for what it waits */
};

/* pcs are those of the call sites, not return addresses: RA-8 on MIPS, RA-1 on amd64; the innermost
 * one is exact. */
struct log_sample {
    uint32_t thread; /* weft_thread_id, 0 when none */
    uint8_t context; /* enum log_context */
    uint8_t reason;  /* enum log_reason */
    uint16_t depth;  /* words that follow */
    uint32_t count;  /* ticks this record stands for, at least 1 */
    uint16_t labels; /* of the thread: the number of a LOG_LABEL; 0: none */
    uint8_t wait;    /* for CONTEXT_BLOCKED: the number of a LOG_WAIT */
    uint8_t on;      /* the core that was sampled: this log's, unless done from another */
};

/* `count` ticks for one reason: REASON_ATOMIC64 becomes the stack _LostSampleDuringAtomic64 <-
 * _System. */
struct log_lost {
    uint32_t reason; /* enum log_reason */
    uint32_t count;
};

/* Per core, since LOG_HEADER. ticks is the sum of the five behind it. recorded is the sum of
 * `count` over this core's LOG_SAMPLE records, but for those of CONTEXT_BLOCKED, whose sum is
 * `waited`; lost_atomic64 the sum over its LOG_LOST records of that reason. waited_lost: ticks of
 * blocked threads for which there was no room. */
struct log_end {
    uint32_t ticks, recorded, lost_atomic64, lost_full, lost_nolock, suppressed;
    uint32_t waited, waited_lost;
    uint32_t duration_ns_high, duration_ns_low;
};

struct log_rate {
    uint32_t millihertz_high, millihertz_low;
};

/* The name's bytes follow, padded with zeros to 4, cut at 32. */
struct log_thread {
    uint32_t thread;
    uint32_t name_bytes;
};

/* One key with its value; `parent` (0: none) is the label that the thread had besides. The key's
 * bytes follow, padded with zeros to 4, then the value's. */
struct log_label {
    uint32_t label, parent, key_bytes, value_bytes;
};

/* The name's bytes follow, padded with zeros to 4. */
struct log_wait {
    uint32_t wait, name_bytes;
};

#define LOG_SITES_CORE 0xf0u /* no real core has so high a number */

#define LOG_SITE_VALUES 4

/* Each text is padded with zeros to 4. Types: "contentions/count,delay/nanoseconds", up to four; a
 * place's values beyond them are 0. period: one of so many units of the last type was recorded. */
struct log_sites {
    uint32_t version, word_bytes;
    struct log_wide period;
    uint32_t name_bytes, types_bytes, build_id_bytes;
};

/* Numbers in the units of the types; the tag says what kind of event it was. */
struct log_site {
    struct log_wide value[LOG_SITE_VALUES];
    uint32_t depth, tag_bytes;
};

struct log_sites_end {
    uint32_t sites;
};

#define LOG_REPLY_CORE 0xffu

struct log_reply {
    uint32_t number; /* of the request */
    uint32_t status; /* 0, or a negative WEFT_E... in two's complement */
    uint32_t done;   /* 1: nothing more comes for this request; 0: it was accepted */
};

#define LOG_NAME_BYTES 32
#define LOG_LABEL_BYTES 32

/* In memory only (struct log_directory): a thread's name, and a label. */
struct log_name {
    uint32_t thread; /* 0: free */
    uint32_t bytes;
    char text[LOG_NAME_BYTES];
};
struct log_label_entry {
    struct log_label label; /* .label 0: free */
    char key[LOG_LABEL_BYTES], value[LOG_LABEL_BYTES];
};

/* Ends every record: a word-wise mix of everything before it, cheap enough for the tick.
 * Multiplier: the 32-bit FNV prime (FNV-1a by words). Never returns 0, so that cleared memory is no
 * record. */
static inline uint32_t log_check(const uint32_t *words, size_t count)
{
    uint32_t hash = 0x811c9dc5u;

    for (size_t i = 0; i < count; i++)
        hash = (hash ^ words[i]) * 0x01000193u;
    return hash != 0 ? hash : 1;
}

#endif
