/* SPDX-License-Identifier: MIT */
#include "tools/weft/supervisor.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/weft/clock.h"

#define PIPE_BYTES (1 << 20) /* so that a burst does not stop the child while we ask QEMU */
#define DRAIN_MS 1000
#define NEVER INT64_MAX

struct supervisor {
    const struct supervisor_events *events;
    pid_t child;
    int output;  /* from the child; -1 after its end */
    int input;   /* to the child, copied from our terminal; -1: none */
    int signals; /* signalfd */
    sigset_t old_mask;
    int64_t limit_at_ms, settle_at_ms, last_output_ms;
    bool is_settling; /* the limit has passed */
    bool has_spoken;  /* some output came since */
    bool has_asked_again;
    bool is_quiet;   /* events->quiet was called since the last output */
    bool has_ended;  /* the child; it is reaped only after its group was killed */
    int stop_signal; /* that we got; 0: none */
};

static void supervisor_mask(sigset_t *mask)
{
    sigemptyset(mask);
    sigaddset(mask, SIGCHLD);
    sigaddset(mask, SIGINT);
    sigaddset(mask, SIGTERM);
    sigaddset(mask, SIGHUP);
}

/* In the child. Whatever fails is reported through `report`, which exec closes. */
static _Noreturn void child_start(const struct supervisor *supervisor, char *const *command,
                                  int input, int output, int report, pid_t parent)
{
    ssize_t written;
    int error;

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &supervisor->old_mask, NULL);
    if (dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0)
        execvp(command[0], command);
    error = errno;
    written = write(report, &error, sizeof error);
    _exit(written == sizeof error ? 126 : 127);
}

/* Starts the command. Returns 0 or the errno of what went wrong. */
static int supervisor_start(struct supervisor *supervisor, char *const *command)
{
    int output[2], input[2] = {-1, -1}, report[2], error = 0;
    pid_t parent = getpid();

    if (pipe2(output, O_CLOEXEC) != 0 || pipe2(report, O_CLOEXEC) != 0)
        return errno;
    if (isatty(STDIN_FILENO) ? pipe2(input, O_CLOEXEC) != 0
                             : (input[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0)
        return errno;
    fcntl(output[0], F_SETPIPE_SZ, PIPE_BYTES);
    supervisor->child = fork();
    if (supervisor->child < 0)
        return errno;
    if (supervisor->child == 0)
        child_start(supervisor, command, input[0], output[1], report[1], parent);
    setpgid(supervisor->child, supervisor->child); /* in both, so that neither can be too late */
    close(input[0]);
    close(output[1]);
    close(report[1]);
    supervisor->output = output[0];
    supervisor->input = input[1];
    if (input[1] >= 0)
        fcntl(input[1], F_SETFL, O_NONBLOCK); /* a child that does not read must not stop us */
    if (read(report[0], &error, sizeof error) != sizeof error)
        error = 0;
    close(report[0]);
    return error;
}

/* Leaves the child a zombie: as long as it is one, nobody else can get its group's number. */
static void supervisor_look(struct supervisor *supervisor)
{
    siginfo_t info = {0};

    if (waitid(P_PID, (id_t)supervisor->child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == supervisor->child)
        supervisor->has_ended = true;
}

static void supervisor_read(struct supervisor *supervisor)
{
    static uint8_t chunk[65536];
    ssize_t got = read(supervisor->output, chunk, sizeof chunk);

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0) {
        close(supervisor->output);
        supervisor->output = -1;
        return;
    }
    supervisor->last_output_ms = clock_now_ms();
    supervisor->is_quiet = false;
    supervisor->has_spoken = true;
    supervisor->events->output(supervisor->events->context, chunk, (size_t)got);
}

/* Only the terminal's foreground group may read from it; anyone else would be stopped. */
static bool supervisor_may_read_terminal(const struct supervisor *supervisor)
{
    return supervisor->input >= 0 && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static void supervisor_copy_input(struct supervisor *supervisor)
{
    char chunk[1024];
    ssize_t got = read(STDIN_FILENO, chunk, sizeof chunk);

    if (got < 0 && errno == EINTR)
        return;
    if (got > 0 && (write(supervisor->input, chunk, (size_t)got) >= 0 || errno == EAGAIN))
        return;
    close(supervisor->input);
    supervisor->input = -1;
}

static void supervisor_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo info;

    if (read(supervisor->signals, &info, sizeof info) != sizeof info)
        return;
    if (info.ssi_signo == SIGCHLD)
        supervisor_look(supervisor);
    else
        supervisor->stop_signal = (int)info.ssi_signo;
}

static int supervisor_timeout_ms(const struct supervisor *supervisor)
{
    int64_t next = supervisor->is_settling ? supervisor->settle_at_ms : supervisor->limit_at_ms;

    if (supervisor->is_settling && supervisor->has_spoken &&
        supervisor->last_output_ms + SUPERVISOR_SETTLE_QUIET_MS < next)
        next = supervisor->last_output_ms + SUPERVISOR_SETTLE_QUIET_MS;
    if (!supervisor->is_quiet && supervisor->last_output_ms + SUPERVISOR_QUIET_MS < next)
        next = supervisor->last_output_ms + SUPERVISOR_QUIET_MS;
    return next == NEVER ? -1 : clock_left_ms(next);
}

/* One turn: waits for whatever comes next and handles it. */
static void supervisor_turn(struct supervisor *supervisor)
{
    struct pollfd waiting[] = {
        {.fd = supervisor->signals, .events = POLLIN},
        {.fd = supervisor->output, .events = POLLIN},
        {.fd = supervisor_may_read_terminal(supervisor) ? STDIN_FILENO : -1, .events = POLLIN},
    };

    if (poll(waiting, 3, supervisor_timeout_ms(supervisor)) < 0)
        return;
    if (waiting[1].revents != 0)
        supervisor_read(supervisor);
    if (waiting[2].revents != 0)
        supervisor_copy_input(supervisor);
    if (waiting[0].revents != 0)
        supervisor_signals(supervisor);
    if (!supervisor->is_quiet &&
        clock_now_ms() >= supervisor->last_output_ms + SUPERVISOR_QUIET_MS) {
        supervisor->is_quiet = true;
        supervisor->events->quiet(supervisor->events->context);
    }
}

static bool supervisor_has_settled(const struct supervisor *supervisor)
{
    int64_t now = clock_now_ms();

    return now >= supervisor->settle_at_ms ||
           (supervisor->has_spoken &&
            now >= supervisor->last_output_ms + SUPERVISOR_SETTLE_QUIET_MS);
}

/* The limit's question had no answer: a second one, once. */
static bool supervisor_ask_again(struct supervisor *supervisor)
{
    const struct supervisor_events *events = supervisor->events;

    if (supervisor->has_spoken || supervisor->has_asked_again || events->silent == NULL)
        return false;
    supervisor->has_asked_again = true;
    supervisor->settle_at_ms = clock_now_ms();
    if (events->silent(events->context))
        supervisor->settle_at_ms = clock_now_ms() + SUPERVISOR_SETTLE_MS;
    return true;
}

/* Until the child has ended, the limit's last word has been said, or we are told to stop. */
static void supervisor_loop(struct supervisor *supervisor)
{
    const struct supervisor_events *events = supervisor->events;

    while (!supervisor->has_ended && supervisor->stop_signal == 0) {
        supervisor_turn(supervisor);
        if (supervisor->has_ended)
            break;
        if (!supervisor->is_settling && clock_now_ms() >= supervisor->limit_at_ms) {
            supervisor->is_settling = true;
            supervisor->has_spoken = false;
            supervisor->settle_at_ms = clock_now_ms();
            if (events->limit(events->context, supervisor->child))
                supervisor->settle_at_ms = clock_now_ms() + SUPERVISOR_SETTLE_MS;
        }
        if (supervisor->is_settling && supervisor_has_settled(supervisor) &&
            !supervisor_ask_again(supervisor))
            break;
    }
    if (supervisor->is_settling && supervisor->stop_signal == 0)
        events->settled(events->context, supervisor->child);
}

/* Ends the whole group, takes what is still in the pipe, and returns the child's wait status. */
static int supervisor_finish(struct supervisor *supervisor)
{
    int64_t until_ms = clock_now_ms() + DRAIN_MS;
    int status = 0;

    kill(-supervisor->child, SIGKILL);
    while (waitpid(supervisor->child, &status, 0) < 0 && errno == EINTR)
        ;
    while (supervisor->output >= 0) {
        struct pollfd waiting = {.fd = supervisor->output, .events = POLLIN};

        if (poll(&waiting, 1, clock_left_ms(until_ms)) <= 0)
            break; /* somebody left the group and holds the pipe open */
        supervisor_read(supervisor);
    }
    if (supervisor->output >= 0)
        close(supervisor->output);
    if (supervisor->input >= 0)
        close(supervisor->input);
    return status;
}

static struct supervisor_result supervisor_result(const struct supervisor *supervisor, int status)
{
    if (supervisor->stop_signal != 0)
        return (struct supervisor_result){SUPERVISOR_STOPPED, supervisor->stop_signal};
    if (supervisor->is_settling)
        return (struct supervisor_result){SUPERVISOR_LIMIT, 0};
    if (WIFSIGNALED(status))
        return (struct supervisor_result){SUPERVISOR_SIGNALLED, WTERMSIG(status)};
    return (struct supervisor_result){SUPERVISOR_EXITED, WEXITSTATUS(status)};
}

struct supervisor_result supervisor_run(char *const *command, int64_t limit_ms,
                                        const struct supervisor_events *events)
{
    struct supervisor supervisor = {.events = events, .output = -1, .input = -1, .is_quiet = true};
    struct supervisor_result result;
    sigset_t mask;
    int error, status = 0;

    assert(command[0] != NULL && limit_ms >= 0);
    supervisor_mask(&mask);
    sigprocmask(SIG_BLOCK, &mask, &supervisor.old_mask);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* an inherited SIG_IGN would throw the exit status away */
    supervisor.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    supervisor.limit_at_ms = limit_ms > 0 ? clock_now_ms() + limit_ms : NEVER;
    error = supervisor_start(&supervisor, command);
    if (error == 0)
        supervisor_loop(&supervisor);
    if (supervisor.child > 0)
        status = supervisor_finish(&supervisor);
    result = error == 0 ? supervisor_result(&supervisor, status)
                        : (struct supervisor_result){SUPERVISOR_NOT_STARTED, error};
    close(supervisor.signals);
    sigprocmask(SIG_SETMASK, &supervisor.old_mask, NULL);
    return result;
}
