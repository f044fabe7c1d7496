/*
 * Ten thousand connections on which nothing happens, and a thousand on which much does: those that
 * are idle take nothing from the others but descriptors and memory. At the end each idle one still
 * echoes. The idle clients are another process, so that one limit on descriptors does for both.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/sockets.h"
#include "tests/support/stress.h"

enum { round_trips = 20, message_bytes = 64, serving_stack = 32 * 1024 };

static struct {
    weft_address at;
    weft_fd listener;
    uint32_t idle;
    uint32_t active;
    weft_fd order;  /* "now", to the idle clients */
    weft_fd answer; /* "done", from them */
    _Atomic uint32_t arrived;
} hall;

/* ---- the idle clients: a child without a runtime
 * -------------------------------------------------- */

static int dial(const weft_address *at)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)at->words, at->bytes) == 0)
        return fd;
    return -1;
}

static bool echoes(int fd, char byte)
{
    char back = 0;

    return send(fd, &byte, 1, 0) == 1 && recv(fd, &back, 1, 0) == 1 && back == byte;
}

/* A reset, so that the ports are free again at once. */
static void hang_up(int fd)
{
    const struct linger now = { .l_onoff = 1 };

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    (void)close(fd);
}

static int be_idle(int order, int answer)
{
    char byte = 0;
    uint32_t good = 0;
    int *fds = calloc(hall.idle, sizeof(*fds));

    for (uint32_t i = 0; fds != NULL && i < hall.idle; i++)
        fds[i] = dial(&hall.at);
    if (fds == NULL || read(order, &byte, 1) != 1)
        return 1;
    for (uint32_t i = 0; i < hall.idle; i++)
        good += echoes(fds[i], (char)i);
    for (uint32_t i = 0; i < hall.idle; i++)
        hang_up(fds[i]);
    free(fds);
    return write(answer, &byte, 1) == 1 && good == hall.idle ? 0 : 1;
}

static pid_t start_idle(void)
{
    int order[2], answer[2];

    if (pipe(order) != 0 || pipe(answer) != 0)
        exit(99);
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(order[1]);
        _exit(be_idle(order[0], answer[1]));
    }
    (void)close(order[0]);
    (void)close(answer[1]);
    hall.order = weft_fd_adopt(order[1]);
    hall.answer = weft_fd_adopt(answer[0]);
    STRESS_CHECK(child > 0 && hall.order > 0 && hall.answer > 0);
    return child;
}

/* ---- the server and the active clients
 * ------------------------------------------------------------ */

static int serve_line(weft_fd fd, void *context)
{
    char message[message_bytes];
    ssize_t count;

    (void)context;
    weft__add_relaxed(&hall.arrived, 1);
    while ((count = weft_recv(fd, message, sizeof(message), WEFT_NEVER)) > 0)
        if (weft_send_all(fd, message, (size_t)count, NULL, WEFT_NEVER) < 0)
            break;
    return 0;
}

static int run_server(void *argument)
{
    weft_serve_options options = WEFT_SERVE_OPTIONS(.most = hall.idle + hall.active,
                                                    .stack_bytes = serving_stack);

    (void)argument;
    STRESS_EQUAL(weft_serve(hall.listener, serve_line, NULL, &options, WEFT_NEVER), -EBADF);
    return 0;
}

static int talk(void *argument)
{
    char sent[message_bytes], back[message_bytes];
    weft_fd fd = weft_connect(&hall.at, WEFT_NEVER);

    (void)argument;
    STRESS_CHECK(fd > 0);
    for (int i = 0; i < round_trips; i++) {
        memset(sent, (int)stress_below(256), sizeof(sent));
        STRESS_EQUAL(weft_send_all(fd, sent, sizeof(sent), NULL, WEFT_NEVER), 0);
        STRESS_EQUAL(weft_recv_exactly(fd, back, sizeof(back), NULL, WEFT_NEVER), 0);
        STRESS_EQUAL(memcmp(sent, back, sizeof(sent)), 0);
    }
    (void)!weft_socket_set(fd, WEFT_SOCKET_RESET, 1);
    return weft_close(fd);
}

/* The order and the answer go over pipes, like all that is waited for here. */
static void wake_idle(void)
{
    char byte = 'n';

    STRESS_EQUAL(weft_write(hall.order, &byte, 1, WEFT_NEVER), 1);
    STRESS_EQUAL(weft_read(hall.answer, &byte, 1, WEFT_NEVER), 1);
}

static int hold(void *argument)
{
    weft_scope server = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));
    weft_scope clients = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));

    (void)argument;
    STRESS_CHECK(weft_go(server, run_server, NULL) > 0);
    while (weft__load_relaxed(&hall.arrived) < hall.idle)
        STRESS_EQUAL(weft_sleep(weft_after(WEFT_MILLISECOND)), 0);
    for (uint32_t i = 0; i < hall.active; i++)
        STRESS_CHECK(weft_go(clients, talk, NULL) > 0);
    STRESS_EQUAL(weft_scope_close(clients), 0);
    wake_idle();
    STRESS_EQUAL(weft_close(hall.listener), 0);
    STRESS_EQUAL(weft_scope_close(server), 0);
    return 0;
}

static void idle_and_active(uint32_t workers)
{
    int status = -1;
    uint32_t before = stress_open_files();
    /* twelve parts: ten idle with one descriptor here, one active with two */
    uint32_t part = stress_descriptors(stress_live(stress_size(12000, 240)), 1) / 12;

    hall.idle = 10 * part;
    hall.active = part;
    weft__store_relaxed(&hall.arrived, 0);
    STRESS_CHECK(part > 0);
    hall.listener = sockets_listen(0, &hall.at);
    pid_t child = start_idle();
    stress_run(workers, NULL, hold, NULL);
    STRESS_EQUAL(waitpid(child, &status, 0), child);
    STRESS_EQUAL(status, 0); /* every idle connection has echoed */
    STRESS_EQUAL(weft_close(hall.order), 0);
    STRESS_EQUAL(weft_close(hall.answer), 0);
    STRESS_EQUAL(stress_open_files(), before);
}

static const struct stress_case cases[] = { STRESS_CASE(idle_and_active) };

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
