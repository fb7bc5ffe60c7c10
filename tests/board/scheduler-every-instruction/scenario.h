/* SPDX-License-Identifier: MIT */
/* What is run again and again, and what the tick wakes in between (image-mips.c). */
#ifndef SCENARIO_H
#define SCENARIO_H

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

/* image-mips-collector.c */
#define COLLECTOR_SCENARIOS 2
extern const struct scenario collector_scenarios[COLLECTOR_SCENARIOS];

#endif
