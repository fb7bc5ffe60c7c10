/* SPDX-License-Identifier: MIT */
/* Tables of places: sums are right whatever fits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/sites.h>

#include "kernel/upcall.h"
#include "prof/sites.h"
#include "prof_check.h"
#include "prof_fake.h"

static const char *tag_name(unsigned tag)
{
    return tag == 1 ? "one" : "two";
}

static struct site_table table = {.name = "creation",
                                  .types = "events/count,time/nanoseconds",
                                  .tag_name = tag_name,
                                  .lock = SPINLOCK_INITIALIZER(RANK_LOG, "table")};

static void setup(void)
{
    fake_reset();
    fake_irq_on = false;
    sites_clear(&table);
    fake_irq_on = true;
}

TestSuite(prof_sites, .init = setup);

static void add(unsigned tag, uintptr_t first, unsigned depth, uint64_t count, uint64_t time)
{
    unwind_pc pcs[2 * SITES_DEPTH];

    for (unsigned i = 0; i < depth; i++)
        pcs[i] = first + i * 16;
    fake_irq_on = false;
    sites_add_irqoff(&table, tag, pcs, depth, (const uint64_t[SITES_VALUES]){count, time});
    fake_irq_on = true;
}

static unsigned places(uint64_t sum[SITES_VALUES])
{
    unsigned count = 0;

    sum[0] = table.other.value[0];
    sum[1] = table.other.value[1];
    for (unsigned i = 0; i < WEFT_CONFIG_PROFILE_SITES; i++) {
        if (table.site[i].hash == 0)
            continue;
        count++;
        sum[0] += table.site[i].value[0];
        sum[1] += table.site[i].value[1];
    }
    return count;
}

Test(prof_sites, equal_stacks_of_a_kind_are_one_place)
{
    uint64_t sum[SITES_VALUES];

    for (int i = 0; i < 10; i++) {
        add(1, 0x1000, 3, 1, 5);
        add(2, 0x1000, 3, 1, 7);
        add(1, 0x1000, 2, 1, 9);
    }
    cr_assert(places(sum) == 3, "%u", places(sum));
    cr_assert(sum[0] == 30 && sum[1] == 210 && table.other.value[0] == 0);
}

Test(prof_sites, deep_stacks_are_cut_and_still_one_place)
{
    uint64_t sum[SITES_VALUES];

    add(1, 0x1000, SITES_DEPTH, 1, 1);
    add(1, 0x1000, SITES_DEPTH + 9, 1, 1);
    cr_assert(places(sum) == 1 && sum[0] == 2);
}

Test(prof_sites, what_finds_no_room_is_counted_as_other)
{
    uint64_t sum[SITES_VALUES];

    for (unsigned i = 0; i < 10 * WEFT_CONFIG_PROFILE_SITES; i++)
        add(1, 0x1000 + i * 64, 1 + i % 5, 2, UINT32_MAX);
    cr_assert(places(sum) <= WEFT_CONFIG_PROFILE_SITES);
    cr_assert(places(sum) > WEFT_CONFIG_PROFILE_SITES / 2);
    cr_assert(sum[0] == 20ull * WEFT_CONFIG_PROFILE_SITES);
    cr_assert(sum[1] == 10ull * WEFT_CONFIG_PROFILE_SITES * UINT32_MAX, "64 bits");
    cr_assert(table.other.value[0] > 0);
}

/* Every place once, by falling weight, equal ones too. */
Test(prof_sites, printing_shows_each_place_once_the_heaviest_first)
{
    unsigned long long last = ~0ull;
    unsigned shown = 0;
    char *line;

    for (unsigned i = 0; i < 30; i++)
        add(1 + i % 2, 0x1000 + i * 64, 1, 1, i % 7);
    sites_print(&table);
    fake_console[fake_console_bytes] = 0;
    for (line = strtok((char *)fake_console, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        unsigned long long count, time;

        if (sscanf(line, "%llu %llu", &count, &time) != 2)
            continue;
        cr_assert(count == 1 && (time != 0 ? time : 1) <= last);
        last = time != 0 ? time : 1;
        shown++;
    }
    cr_assert(shown == 30, "%u", shown);
}

Test(prof_sites, a_period_records_every_nth_event)
{
    unsigned recorded = 0;

    table.running = 1;
    table.period = 10;
    for (int i = 0; i < 95; i++)
        recorded += sites_wants_irqoff(&table);
    table.running = 0;
    cr_assert(recorded == 9);
    cr_assert(!sites_wants_irqoff(&table));
}

Test(prof_sites, starting_and_stopping_that_does_not_fit_is_refused)
{
    cr_assert(weft_sites_start((enum weft_sites)7, 1) == WEFT_EINVAL);
    cr_assert(weft_sites_start(WEFT_SITES_CONTENTION, 0) == WEFT_EINVAL);
    cr_assert(weft_sites_stop(WEFT_SITES_CONTENTION) == WEFT_ESTATE);
    cr_assert(weft_sites_start(WEFT_SITES_CONTENTION, 1) == 0 && wait_watchers == 1);
    cr_assert(weft_sites_start(WEFT_SITES_CONTENTION, 1) == WEFT_ESTATE && wait_watchers == 1);
    cr_assert(weft_sites_stop(WEFT_SITES_CONTENTION) == 0 && wait_watchers == 0);
    cr_assert(weft_sites_start(WEFT_SITES_INTERRUPTS, 1) == 0 && cores[0].handlers_watched == 1);
    upcall_sites->handler_took(&cores[0], 0, 500);
    upcall_sites->handler_took(&cores[0], 0x401, 7); /* MIPS: IM2 */
    upcall_sites->handler_took(&cores[0], 5, 9);
    cr_assert(weft_sites_stop(WEFT_SITES_INTERRUPTS) == 0 && cores[0].handlers_watched == 0);
    upcall_sites->handler_took(&cores[0], 0, 500);
    weft_sites_print(WEFT_SITES_INTERRUPTS);
    fake_console[fake_console_bytes] = 0;
    cr_assert(strstr((char *)fake_console, "1 500 timer\n") != NULL);
    cr_assert(strstr((char *)fake_console, "1 7 interrupt 2\n") != NULL);
    cr_assert(strstr((char *)fake_console, "1 9 interrupt 4\n") != NULL);
}
