/* SPDX-License-Identifier: MIT */
/* weft profile and weft dump ask a program that runs: over a pseudo terminal, a socket, by a break
 * and by a signal; and what they say when nobody answers. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/board/harness.h"

#define IMAGE "host-tool-asks"

/* A running image, and the path of its console. */
static struct {
    pid_t pid;
    int terminal; /* kept open, so that the image never sees its line closed */
    char elf[300], folder[300], console[400];
} target;

static void stop_target(void)
{
    if (target.pid > 0) {
        kill(-target.pid, SIGKILL);
        waitpid(target.pid, NULL, 0);
    }
    target.pid = 0;
}

TestSuite(host_tool_asks, .fini = stop_target, .timeout = 100);

static bool is_linux(void)
{
    return strcmp(board_name(), "linux") == 0;
}

/* The image's stdin and stdout are the terminal's other end. */
static void start_process(const char *mode)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    struct termios raw;

    cr_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    cr_assert_eq(ptsname_r(master, target.console, sizeof target.console), 0);
    target.terminal = open(target.console, O_RDWR | O_NOCTTY | O_CLOEXEC);
    cr_assert(target.terminal >= 0 && tcgetattr(target.terminal, &raw) == 0);
    cfmakeraw(&raw);
    cr_assert_eq(tcsetattr(target.terminal, TCSANOW, &raw), 0);
    target.pid = fork();
    if (target.pid == 0) {
        setpgid(0, 0);
        dup2(master, STDIN_FILENO);
        dup2(master, STDOUT_FILENO);
        execl(target.elf, target.elf, mode, (char *)NULL);
        _exit(127);
    }
    close(master);
}

/* QEMU as the board's own script starts it, but for the console. */
static void start_emulator(const char *mode, const char *chardev)
{
    char command[1600], *output;

    snprintf(command, sizeof command,
             "fail() { exit 2; }; out=%s board=%s arch=%s cores=1 elf=%s INPUT= ICOUNT= EXTRA= "
             "here=. folder=boards/%s; . $folder/emulator.sh; emulator_command %s; "
             "exec \"${command[@]/stdio,id=console,signal=off/%s}\" >%s/qemu.log 2>&1 </dev/null",
             target.folder, board_name(), board_arch(), target.elf, board_name(), mode, chardev,
             target.folder);
    target.pid = fork();
    if (target.pid == 0) {
        setpgid(0, 0);
        execl("/bin/bash", "bash", "-c", command, (char *)NULL);
        _exit(127);
    }
    if (strncmp(chardev, "pty", 3) != 0) {
        snprintf(target.console, sizeof target.console, "%s/console.sock", target.folder);
        cr_assert_eq(host_run(&output,
                              "for i in $(seq 300); do test -S %s && exit 0; sleep 0.1; "
                              "done; cat %s/qemu.log; exit 1",
                              target.console, target.folder),
                     0, "%s", output);
        return;
    }
    cr_assert_eq(host_run(&output,
                          "for i in $(seq 300); do sed -n 's/.*redirected to \\([^ ]*\\) .*/\\1/p' "
                          "%s/qemu.log | grep . && exit 0; sleep 0.1; done; exit 1",
                          target.folder),
                 0, "%s", output);
    output[strcspn(output, "\n")] = '\0';
    snprintf(target.console, sizeof target.console, "%s", output);
}

/* `chardev`: QEMU's, for the console. On linux it is a pseudo terminal in any case. */
static void start(const char *name, const char *mode, const char *chardev)
{
    char *output;

    board_needs_weft_malloc(); /* for the profile of allocations */
    board_image_path(target.elf, sizeof target.elf, IMAGE, NULL);
    snprintf(target.folder, sizeof target.folder, "build/tests/run/%s-%s/asks-%s", board_name(),
             board_arch(), name);
    cr_assert_eq(host_run(&output, "rm -rf %s; mkdir -p %s", target.folder, target.folder), 0);
    if (is_linux())
        start_process(mode);
    else
        start_emulator(mode, chardev);
}

static const char *break_option(void)
{
    static char option[400];

    if (is_linux())
        snprintf(option, sizeof option, "--break pid:%d", (int)target.pid);
    else
        snprintf(option, sizeof option, "--break qmp:%s/qmp.sock", target.folder);
    return option;
}

static char *tool(int status, const char *arguments)
{
    char *output;
    int got = host_run(&output, "build/bin/weft %s --elf %s %s 2>&1", arguments, target.elf,
                       target.console);

    cr_assert_eq(got, status, "weft %s: status %d\n%s", arguments, got, output);
    return output;
}

static void check_profile(const char *extra, const char *stack)
{
    char arguments[400], *output;

    snprintf(arguments, sizeof arguments, "profile --seconds 0.5 --rate 500 --out %s/out %s",
             target.folder, extra);
    output = tool(0, arguments);
    assert_contains(output, "spins_here");
    assert_contains(output, "profile: ticks=");
    cr_assert_eq(
        host_run(&output,
                 "cd %s/out && grep -q '%s' folded.txt && grep -q spins_here flame.svg && "
                 "zcat cpu.pb.gz | grep -qa spins_here && grep -q 'still here' console.log "
                 "&& test -s summary.txt && test -s serial.raw",
                 target.folder, stack),
        0, "%s", output);
}

Test(host_tool_asks, a_profile_of_a_running_target_over_a_pseudo_terminal)
{
    char arguments[400], *output;

    start("pty", "", "pty,id=console");
    check_profile("", "spins;spins_here");
    check_profile("--what wall", "waits_here.*_Blocked: semaphore");
    snprintf(arguments, sizeof arguments, "profile --what heap --out %s/heap", target.folder);
    output = tool(0, arguments);
    assert_contains(output, "allocations: places=");
    cr_assert_eq(
        host_run(&output, "zcat %s/heap/allocations.pb.gz | grep -qa keeps_here", target.folder),
        0);
    snprintf(arguments, sizeof arguments, "profile --what threads --out %s/threads --json",
             target.folder);
    (void)tool(0, arguments);
    cr_assert_eq(
        host_run(&output, "zcat %s/threads/threads.pb.gz | grep -qa waits_here", target.folder), 0);
}

static void check_dump(const char *output)
{
    assert_contains(output, "\"spinner\" [");
    assert_contains(output, "\"waiter \"quoted\"\" [semaphore");
    assert_contains(output, "waits_here\n\ttests/board/host-tool-asks/image.c:");
    assert_contains(output, "created by threads\n");
}

Test(host_tool_asks, a_dump_of_a_running_target_by_request_and_by_break)
{
    char chardev[400], arguments[500];

    snprintf(chardev, sizeof chardev,
             "socket,id=console,path=build/tests/run/%s-%s/asks-socket/console.sock,"
             "server=on,wait=off",
             board_name(), board_arch());
    start("socket", "", chardev);
    check_dump(tool(0, "dump"));
    snprintf(arguments, sizeof arguments, "dump %s", break_option());
    check_dump(tool(0, arguments));
    strcat(arguments, " --json");
    assert_contains(tool(0, arguments),
                    "\"name\": \"waiter \\\"quoted\\\"\", \"state\": \"semaphore");
    assert_contains(tool(0, arguments), "\"function\": \"waits_here\", \"file\": "
                                        "\"tests/board/host-tool-asks/image.c\", \"line\": ");
}

Test(host_tool_asks, a_target_that_does_not_answer_is_said_to_be_so)
{
    char arguments[500];

    start("mute", "mute", "pty,id=console");
    snprintf(arguments, sizeof arguments, "profile --out %s/out", target.folder);
    assert_contains(tool(69, arguments), ": no answer in 3 s: has the program called "
                                         "weft_remote_start, ");
    assert_contains(tool(69, "dump --timeout 1"), ": no stacks came before the timeout");
    snprintf(arguments, sizeof arguments, "dump %s", break_option());
    check_dump(tool(0, arguments));
}
