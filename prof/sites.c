/* SPDX-License-Identifier: MIT */
/*
 * Profiles by place: a static table per profile, found by a hash of the stack, filled once. An
 * event adds to its place's numbers; one that finds no room adds to the place `other`, so the sums
 * are right whatever the table's size. Numbers are 64 bits, under the table's lock, which is a leaf
 * and held for a search at most.
 */
#include "prof/sites.h"

#include "arch/irq.h"
#include "kernel/assert.h"
#include "kernel/print.h"

#define PROBES 8

uint32_t sites_hash(unsigned tag, const unwind_pc *pcs, unsigned depth)
{
    uint32_t hash = 0x811c9dc5u ^ tag; /* FNV-1a by words */

    for (unsigned i = 0; i < depth; i++)
        hash = (hash ^ (uint32_t)pcs[i]) * 0x01000193u;
    hash = (hash ^ hash >> 15) * 0x85ebca6bu; /* pcs differ little below, and places are few */
    hash ^= hash >> 13;
    return hash != 0 ? hash : 1;
}

static bool site_is(const struct site *site, uint32_t hash, unsigned tag, const unwind_pc *pcs,
                    unsigned depth)
{
    if (site->hash != hash || site->tag != tag || site->depth != depth)
        return false;
    for (unsigned i = 0; i < depth; i++)
        if (site->pcs[i] != pcs[i])
            return false;
    return true;
}

static void site_fill(struct site *site, uint32_t hash, unsigned tag, const unwind_pc *pcs,
                      unsigned depth)
{
    site->hash = hash;
    site->tag = (uint8_t)tag;
    site->depth = (uint8_t)depth;
    for (unsigned i = 0; i < SITES_VALUES; i++)
        site->value[i] = 0;
    for (unsigned i = 0; i < depth; i++)
        site->pcs[i] = pcs[i];
}

static struct site *site_of_locked(struct site_table *table, unsigned tag, const unwind_pc *pcs,
                                   unsigned depth)
{
    uint32_t hash = sites_hash(tag, pcs, depth);

    for (unsigned probe = 0; probe < PROBES; probe++) {
        struct site *site = &table->site[(hash + probe) % WEFT_CONFIG_PROFILE_SITES];

        if (site->hash == 0)
            site_fill(site, hash, tag, pcs, depth);
        if (site_is(site, hash, tag, pcs, depth))
            return site;
    }
    return &table->other;
}

void sites_clear(struct site_table *table)
{
    arch_irq_state state = spinlock_lock(&table->lock);

    for (unsigned i = 0; i < WEFT_CONFIG_PROFILE_SITES; i++)
        table->site[i].hash = 0;
    site_fill(&table->other, 1, 0, NULL, 0);
    for (unsigned i = 0; i < WEFT_CONFIG_CORES; i++)
        table->skipped[i] = 0;
    spinlock_unlock(&table->lock, state);
}

bool sites_wants_irqoff(struct site_table *table)
{
    uint32_t *skipped = &table->skipped[core_self()->id];

    if (__atomic_load_n(&table->running, __ATOMIC_RELAXED) == 0 || ++*skipped < table->period)
        return false;
    *skipped = 0;
    return true;
}

void sites_add_irqoff(struct site_table *table, unsigned tag, const unwind_pc *pcs, unsigned depth,
                      const uint64_t value[SITES_VALUES])
{
    struct site *site;

    spinlock_lock_irqoff(&table->lock);
    site = site_of_locked(table, tag, pcs, depth < SITES_DEPTH ? depth : SITES_DEPTH);
    for (unsigned i = 0; i < SITES_VALUES; i++)
        site->value[i] += value[i];
    spinlock_unlock_irqoff(&table->lock);
}

/* ---- reading: one site at a time, so that events go on meanwhile ---- */

/* A copy of site `index`, `other` being the last; false: there is nothing in it. */
static bool site_copy(struct site_table *table, unsigned index, struct site *copy)
{
    arch_irq_state state = spinlock_lock(&table->lock);

    *copy = index < WEFT_CONFIG_PROFILE_SITES ? table->site[index] : table->other;
    spinlock_unlock(&table->lock, state);
    return copy->hash != 0 && (copy->value[0] | copy->value[1]) != 0;
}

/* The heaviest site that is lighter than `below`, by the last value; of equals, the next in the
 * table after `index`. */
static bool heaviest_below(struct site_table *table, uint64_t below, unsigned index,
                           struct site *found, unsigned *found_index)
{
    struct site site;
    bool any = false;

    for (unsigned i = 0; i <= WEFT_CONFIG_PROFILE_SITES; i++) {
        uint64_t weight;

        if (!site_copy(table, i, &site))
            continue;
        weight = site.value[1] != 0 ? site.value[1] : site.value[0];
        if (weight > below || (weight == below && i <= index))
            continue;
        if (any && weight <= (found->value[1] != 0 ? found->value[1] : found->value[0]))
            continue;
        *found = site;
        *found_index = i;
        any = true;
    }
    return any;
}

void sites_print_stack(const uintptr_t *pcs, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        print_console(sizeof pcs[i] == 4 ? "pc=0x%08lx\n" : "pc=0x%016lx\n", (unsigned long)pcs[i]);
    print_console("\n");
}

static void print_site(const struct site_table *table, const struct site *site, bool is_other)
{
    print_console("%llu", (unsigned long long)site->value[0]);
    if (table->tag_name != NULL)
        print_console(" %llu", (unsigned long long)site->value[1]);
    print_console("%s%s\n", is_other || table->tag_name != NULL ? " " : "",
                  is_other                  ? "[other]"
                  : table->tag_name != NULL ? table->tag_name(site->tag)
                                            : "");
    sites_print_stack(site->pcs, site->depth);
}

void sites_print(struct site_table *table)
{
    uint64_t weight = UINT64_MAX;
    unsigned index = 0;
    struct site site = {0};

    print_console("%s: %s\n\n", table->name, table->types);
    while (heaviest_below(table, weight, index, &site, &index)) {
        print_site(table, &site, index == WEFT_CONFIG_PROFILE_SITES);
        weight = site.value[1] != 0 ? site.value[1] : site.value[0];
    }
}

void sites_send(struct site_table *table, unsigned number)
{
    struct sites_message message;
    uint64_t value[LOG_SITE_VALUES] = {0};
    struct site site;

    sites_message_begin(&message, table->name, table->types, number, 1);
    for (unsigned i = 0; i <= WEFT_CONFIG_PROFILE_SITES; i++) {
        if (!site_copy(table, i, &site))
            continue;
        for (unsigned v = 0; v < SITES_VALUES; v++)
            value[v] = site.value[v];
        sites_message_place(&message, value, site.pcs, site.depth,
                            i == WEFT_CONFIG_PROFILE_SITES ? "[other]"
                            : table->tag_name != NULL      ? table->tag_name(site.tag)
                                                           : "");
    }
    sites_message_end(&message);
}
