/* SPDX-License-Identifier: MIT */
/* Boost.Fiber: round-robin scheduler, one thread of the system. */
#include <boost/fiber/all.hpp>
#include <vector>

#include "row.h"

namespace fibers = boost::fibers;

static bool finished;

/* The same function SITES times, each with its own call of yield. */
template <int site> static void yielding()
{
    while (!finished) {
        boost::this_fiber::yield();
        __asm__ volatile("" ::"i"(site)); /* not one function for all */
    }
}

static void (*const sites[SITES])() = {yielding<0>, yielding<1>, yielding<2>, yielding<3>,
                                       yielding<4>, yielding<5>, yielding<6>, yielding<7>};

static void yield(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++)
        boost::this_fiber::yield();
}

static void yield_among(const char *name, unsigned others)
{
    std::vector<fibers::fiber> threads;

    finished = false;
    for (unsigned i = 0; i < others; i++)
        threads.emplace_back(sites[i % SITES]);
    row(name, yield, others + 1);
    finished = true;
    for (auto &thread : threads)
        thread.join();
}

static void spawn_join(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++)
        fibers::fiber([] {}).join();
}

static fibers::unbuffered_channel<uint32_t> there, back;
static fibers::buffered_channel<uint32_t> buffered(16);

static void answering()
{
    uint32_t value;

    while (there.pop(value) == fibers::channel_op_status::success)
        back.push(value);
}

static void round_trip(unsigned rounds)
{
    uint32_t value = 1;

    for (unsigned i = 0; i < rounds; i++) {
        there.push(value);
        back.pop(value);
    }
}

static void message(unsigned rounds)
{
    uint32_t value = 1;

    for (unsigned i = 0; i < rounds; i++) {
        buffered.push(value);
        buffered.pop(value);
    }
}

static void mutex_pair(unsigned rounds)
{
    static fibers::mutex mutex;

    for (unsigned i = 0; i < rounds; i++) {
        mutex.lock();
        mutex.unlock();
    }
}

int main()
{
    yield_among("yield_between_two", 1);
    yield_among("yield_among_64", MANY - 1);
    row("spawn_join", spawn_join, 1);
    fibers::fiber answerer(answering);
    row("channel_round_trip", round_trip, 1);
    there.close();
    answerer.join();
    row("channel_buffered_message", message, 1);
    row("mutex_pair", mutex_pair, 1);
    return 0;
}
