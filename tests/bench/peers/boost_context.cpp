/* SPDX-License-Identifier: MIT */
/* Boost.Context: its switch alone, as its own schedulers call it. */
#include <boost/context/detail/fcontext.hpp>

#include "row.h"

using boost::context::detail::fcontext_t;
using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

static void switch_back(transfer_t from)
{
    for (;;)
        from = jump_fcontext(from.fctx, nullptr);
}

static void switch_bare(unsigned rounds)
{
    static char stack[65536] __attribute__((aligned(16)));
    transfer_t other = {make_fcontext(stack + sizeof stack, sizeof stack, switch_back), nullptr};

    for (unsigned i = 0; i < rounds; i++)
        other = jump_fcontext(other.fctx, nullptr);
}

int main()
{
    row("switch_bare", switch_bare, 2);
    return 0;
}
