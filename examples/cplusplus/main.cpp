/* SPDX-License-Identifier: MIT */
/*
 * C++ without exceptions, RTTI and standard library: static objects, new, virtual functions,
 * thread-local variables, and threads that add numbers. Exits with 0 when the sum is right.
 */
#include <stdio.h>
#include <stdlib.h>
#include <weft/weft.h>

namespace {

class Counter {
public:
    explicit Counter(const char *name) : name_(name), value_(0)
    {
        printf("cplusplus: %s is constructed\n", name_);
    }
    ~Counter()
    {
        printf("cplusplus: %s is destroyed at %u\n", name_, value_);
    }
    void add(unsigned value)
    {
        weft_mutex_lock(&mutex_);
        value_ += value;
        weft_mutex_unlock(&mutex_);
    }
    unsigned value() const
    {
        return value_;
    }

private:
    const char *name_;
    unsigned value_;
    weft_mutex mutex_ = WEFT_MUTEX_INITIALIZER(mutex_);
};

class Job {
public:
    virtual ~Job()
    {
    }
    virtual void run() = 0;
};

Counter sum("sum");
thread_local unsigned done; /* each thread's own */

/* Constructed when a thread first uses it, destroyed when the thread ends. */
class Tally {
public:
    Tally() : value_(done)
    {
    }
    ~Tally()
    {
        ended.add(value_);
    }
    void add(unsigned value)
    {
        value_ += value;
    }
    static Counter ended;

private:
    unsigned value_;
};
Counter Tally::ended("ended");
thread_local Tally tally;

/* Constructed by the first thread that comes here, while the others wait. */
Counter &calls()
{
    static Counter counter("calls");
    return counter;
}

class Add : public Job {
public:
    explicit Add(unsigned from) : numbers_(new unsigned[100])
    {
        for (unsigned i = 0; i < 100; i++)
            numbers_[i] = from + i;
    }
    ~Add()
    {
        delete[] numbers_;
    }
    void run() override
    {
        for (unsigned i = 0; i < 100; i++, done++)
            sum.add(numbers_[i]);
        tally.add(5);
        calls().add(done);
    }

private:
    unsigned *numbers_;
};

void *entry(void *argument)
{
    Job *job = static_cast<Job *>(argument);

    job->run();
    delete job;
    return nullptr;
}

} // namespace

int main()
{
    weft_thread *threads[8];
    weft_thread_attr attr = WEFT_THREAD_ATTR_DEFAULT;

    attr.name = "adder";
    for (unsigned i = 0; i < 8; i++)
        if (weft_thread_spawn(&threads[i], &attr, entry, new Add(i * 100)) != 0)
            return 1;
    for (weft_thread *thread : threads)
        if (weft_thread_join(thread, nullptr) != 0)
            return 1;
    printf("cplusplus: sum %u, calls %u, ended %u, here %u\n", sum.value(), calls().value(),
           Tally::ended.value(), done);
    return sum.value() == 799 * 400 && calls().value() == 800 && Tally::ended.value() == 840 &&
                   done == 0
               ? 0
               : 1;
}
