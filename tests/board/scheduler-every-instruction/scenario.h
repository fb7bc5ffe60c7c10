/* SPDX-License-Identifier: MIT */
/* What is run again and again, and what the tick wakes in between (image-mips.c). */
#ifndef SCENARIO_H
#define SCENARIO_H

#include <weft/weft.h>

struct scenario {
    const char *name;
    unsigned cores; /* at least */
    void (*begin)(void);
    void *(*partner)(void *argument); /* NULL: none */
    int priority;
    void (*run)(void);
    void (*disturb)(void);
    void (*check)(void);
    void (*end)(void);
};

/* image-mips.c. A partner answers what comes in through `ping`, until `stop` is set. */
extern struct weft_semaphore ping, pong;
extern volatile uint32_t pinged, answered, extra, taken; /* 0 when a scenario begins */
extern volatile uint32_t disturbances;
extern volatile bool stop;
struct weft_thread *spawn(int priority, uint32_t on_cores, void *(*entry)(void *), void *argument);
void join(struct weft_thread *thread);
void nothing(void);
void let_partner_wait(void);
void let_partner_end(void);

/* image-mips-waits.c, image-mips-threads.c, image-mips-collector.c */
#define WAIT_SCENARIOS 4
extern const struct scenario wait_scenarios[WAIT_SCENARIOS];
#define THREAD_SCENARIOS 3
extern const struct scenario thread_scenarios[THREAD_SCENARIOS];
#define COLLECTOR_SCENARIOS 2
extern const struct scenario collector_scenarios[COLLECTOR_SCENARIOS];

#endif
