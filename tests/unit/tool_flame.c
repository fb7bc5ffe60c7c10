/* SPDX-License-Identifier: MIT */
/* The flame graph: one file that needs nothing else, and, in a browser, zooms, searches and goes
 * back (tests/unit/tool_flame.js does that). */
#include "tests/unit/tool_program.h"
#include "tools/weft/flame.h"

static struct buffer svg;

/* main;a;inner 30, main;a 20, main;b;inner;inner 40, _Idle 10 */
static void draw(void)
{
    static const struct {
        const char *functions[4];
        size_t depth;
        uint64_t count;
    } drawn[] = {{{"main", "a", "inner"}, 3, 30},
                 {{"main", "a"}, 2, 20},
                 {{"main", "b", "inner", "inner"}, 4, 40},
                 {{"_Idle"}, 1, 10}};
    struct stacks stacks = {0};
    struct map names = {0};
    uint64_t counts[4];

    for (size_t i = 0; i < 4; i++) {
        const char *interned[4];

        for (size_t at = 0; at < drawn[i].depth; at++)
            interned[at] = map_intern(&names, drawn[i].functions[at]);
        map_number(&stacks.keys, interned, drawn[i].depth * sizeof interned[0], NULL);
        counts[i] = drawn[i].count;
        stacks.total += drawn[i].count;
    }
    stacks.counts = counts;
    buffer_clear(&svg);
    flame_print(&svg, &stacks, "a title", "100 ticks");
    map_free(&stacks.keys);
    map_free(&names);
}

static void prepare(void)
{
    scratch_make();
    draw();
    put_file("flame.svg", svg.data, svg.length);
}

TestSuite(tool_flame, .init = prepare, .fini = scratch_remove, .timeout = 100);

static unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;

    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

/* The only addresses in it are the names of XML's namespaces. */
Test(tool_flame, the_file_needs_no_other)
{
    static const char *const ways_out[] = {"href", "src=", "url(", "@import", "fetch", "Request"};

    cr_expect_eq(count_of(svg.data, "://"), count_of(svg.data, "xmlns=\"http://www.w3.org/"));
    for (size_t i = 0; i < sizeof ways_out / sizeof ways_out[0]; i++)
        cr_expect_null(strstr(svg.data, ways_out[i]), "%s", ways_out[i]);
    if (shell("command -v python3") != 0)
        cr_skip_test("python3 is not installed");
    cr_expect_eq(shell("python3 -c 'import xml.dom.minidom as m; m.parse(\"flame.svg\")'"), 0, "%s",
                 shell_err());
}

Test(tool_flame, a_browser_zooms_searches_and_goes_back)
{
    static const char expected[] =
        "\nstart all=100.0 _Idle=10.0 main=90.0 a=50.0 inner=30.0 b=40.0 inner=40.0 inner=40.0"
        "\nreset hidden"
        "\nclicked b"
        "\nzoomed all=100.0 _Idle=hidden main=100.0 a=hidden inner=hidden b=100.0 inner=100.0 "
        "inner=100.0"
        "\nabove all main"
        "\nreset visible"
        "\nsearch inner: matched: 70.00%; inner inner inner"
        "\nafter reset as at the start"
        "\nreset hidden"
        "\nsearch INNER|^a$: matched: 90.00%; a inner inner inner"
        "\nsearch (: not a regular expression; a inner inner inner"
        "\nsearch nothing like it: matched: 0.00%; "
        "\nsearch : ; "
        "\ndetails a: 50 ticks, 50.00% (itself 20)"
        "\nentered 100.0 hidden"
        "\nsearch a: matched: 90.00%; main a"
        "\nescaped as at the start [] []"
        "\nfocus search"
        "\nfetched 0"
        "\nend\n";
    static const char page[] =
        "<!DOCTYPE html><html><body><object id='flame' data='flame.svg' width='1200' height='400'>"
        "</object><pre id='out'></pre><script src='tool_flame.js'></script></body></html>\n";
    char tree[512], *shown, *out;

    if (shell("command -v chromium") != 0)
        cr_skip_test("chromium is not installed (CI=true or EXTRAS=1 installs it)");
    put_file("page.html", page, sizeof page - 1);
    cr_assert_not_null(getcwd(tree, sizeof tree));
    cr_assert_eq(shell("cp '%s'/tests/unit/tool_flame.js .", tree), 0, "%s", shell_err());
    cr_assert_eq(
        shell("HOME=\"$PWD\" timeout -k 5 80 chromium --headless --no-sandbox --disable-gpu "
              "--disable-dev-shm-usage --user-data-dir=\"$PWD\"/data --no-first-run "
              "--disable-background-networking --allow-file-access-from-files "
              "--window-size=1300,800 --dump-dom \"file://$PWD/page.html\""),
        0, "%s", shell_err());
    shown = strstr(shell_out(), "<pre id=\"out\">");
    cr_assert_not_null(shown, "%s", shell_out());
    shown += strlen("<pre id=\"out\">");
    out = strstr(shown, "</pre>");
    cr_assert_not_null(out);
    *out = '\0';
    cr_assert_str_eq(shown, expected);
}
