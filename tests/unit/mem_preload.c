/* SPDX-License-Identifier: MIT */
/*
 * Real programs on weft's heap (LD_PRELOAD): what they compute, how many allocations that took, and
 * that the heap is whole at their end. A program that is not installed is skipped by name; CI=true
 * or EXTRAS=1 installs them.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "build/host/libweft-malloc.so"

static char output[65536];

static void shell(const char *command)
{
    FILE *pipe = popen(command, "r");
    size_t used;

    cr_assert_not_null(pipe);
    used = fread(output, 1, sizeof output - 1, pipe);
    output[used] = 0;
    cr_assert_eq(pclose(pipe), 0, "%s\n%s", command, output);
}

static void need(const char *program)
{
    char command[128];

    snprintf(command, sizeof command, "command -v %s >/dev/null || echo absent", program);
    shell(command);
    if (strstr(output, "absent"))
        cr_skip_test("%s is not installed (CI=true or EXTRAS=1 installs it)", program);
}

/* Runs it; its output must contain `result`, after at least `allocations` calls of malloc. */
static void runs(const char *program, const char *arguments, const char *result,
                 unsigned long allocations)
{
    char command[4096];
    const char *report = output, *next;

    need(program);
    snprintf(command, sizeof command, "WEFT_MALLOC_REPORT=1 LD_PRELOAD=$PWD/" LIBRARY " %s %s 2>&1",
             program, arguments);
    shell(command);
    cr_assert(strstr(output, result), "%s", output);
    /* The program may be started by a shell script, whose commands report before it. */
    while ((next = strstr(report + 1, "weft: ")) && strstr(next, " allocations"))
        report = next;
    cr_assert(strtoul(report + 6, NULL, 10) >= allocations, "%s", output);
    cr_assert(!strstr(output, "heap check -"), "%s", output);
    cr_assert(strstr(output, "weft: heap check 0\n"), "%s", output);
}

/* The shell does not start, and says why. */
Test(mem_preload, wrong_settings_are_refused)
{
    static const struct {
        const char *setting, *says;
    } cases[] = {
        {"WEFT_HEAP_MIB=abc", "WEFT_HEAP_MIB=abc: not a number of MiB from 1 to 1048576"},
        {"WEFT_HEAP_MIB=0", "WEFT_HEAP_MIB=0: not a number"},
        {"WEFT_HEAP_MIB=", "WEFT_HEAP_MIB=: not a number"},
        {"WEFT_HEAP_MIB=99999999999", "WEFT_HEAP_MIB=99999999999: not a number"},
        {"WEFT_MALLOC_TRACE=/no/such", "WEFT_MALLOC_TRACE=/no/such can't be written"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char command[200];

        snprintf(command, sizeof command, "! env %s LD_PRELOAD=$PWD/" LIBRARY " sh -c : 2>&1",
                 cases[i].setting);
        shell(command);
        cr_expect(strstr(output, cases[i].says), "%s: %s", cases[i].setting, output);
    }
}

Test(mem_preload, python3_does_real_work)
{
    runs("python3",
         "-c '\n"
         "import json, re, threading, hashlib\n"
         "def work(seed):\n"
         "    words = [hashlib.md5(str(seed * 1000 + i).encode()).hexdigest() for i in "
         "range(1500)]\n"
         "    tree = json.loads(json.dumps({w: [w[:k] for k in range(8)] for w in words}))\n"
         "    found[seed] = sum(len(re.findall(\"[0-9]+\", w)) for w in sorted(tree))\n"
         "found = {}\n"
         "threads = [threading.Thread(target=work, args=(s,)) for s in range(4)]\n"
         "[t.start() for t in threads]; [t.join() for t in threads]\n"
         "print(\"total\", sum(found.values()))\n"
         "buffer = bytearray()\n"
         "for i in range(20000): buffer += b\"x\" * (i % 97)\n"
         "print(\"bytes\", len(buffer))'",
         "bytes 959289\n", 10000);
}

Test(mem_preload, sqlite3_does_real_work)
{
    runs("sqlite3",
         ":memory: 'create table t(a integer, b text);"
         "with recursive n(i) as (select 1 union all select i + 1 from n where i < 30000)"
         " insert into t select i, printf(\"row %d\", i * 7919 % 30011) from n;"
         "create index tb on t(b);"
         "delete from t where a % 3 = 0;"
         "select count(*), sum(a), max(b) from t where b >= \"row 1\";'",
         "20000|300000000|row 9999", 1000);
}

Test(mem_preload, lua_does_real_work)
{
    runs("lua5.4",
         "-e 'local t = {} for i = 1, 60000 do t[i] = tostring(i) .. string.rep(\"y\", i % 31) end "
         "table.sort(t) local n = 0 for _, s in ipairs(t) do n = n + #s end print(\"length\", n)'",
         "length\t", 50000);
}

/* Its whole output is the same as with the system's malloc. */
Test(mem_preload, a_compiler_gives_the_same_answer)
{
    char first[65536];

    shell("gcc -O2 -w -S -Iinclude -I. -Itests/unit mem/page.c -o - | md5sum");
    strcpy(first, output);
    shell("LD_PRELOAD=$PWD/" LIBRARY
          " gcc -O2 -w -S -Iinclude -I. -Itests/unit mem/page.c -o - | md5sum");
    cr_assert_str_eq(output, first);
}

/* The compiler is several processes, which all append to the record. Debian's own one: ccache's
 * ends by becoming another program, and so reports nothing of what it called. */
Test(mem_preload, a_recorded_trace_has_every_call)
{
    unsigned long allocations, frees, resizes, calls = 0, lines;

    remove("build/tests/preload-trace");
    shell(
        "WEFT_MALLOC_REPORT=1 WEFT_MALLOC_TRACE=build/tests/preload-trace LD_PRELOAD=$PWD/" LIBRARY
        " /usr/bin/gcc -w -S -Iinclude -I. -Itests/unit mem/large.c -o /dev/null 2>&1");
    for (const char *at = output; (at = strstr(at, "weft: ")); at++)
        if (sscanf(at, "weft: %lu allocations, %lu frees, %lu resizes", &allocations, &frees,
                   &resizes) == 3)
            calls += allocations + frees + resizes;
    shell("grep -c '^[-+~] ' build/tests/preload-trace");
    lines = strtoul(output, NULL, 10);
    cr_assert(lines == calls && calls > 10000, "%lu lines of %lu calls", lines, calls);
}
