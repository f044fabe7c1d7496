#include "tools/bench/echo_client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/bench/statistics.h"

enum { message_bytes = 64, ready_most = 256, warm_up = UINT8_MAX };

/* A message: its number, and bytes that follow from it. */
struct message {
    uint64_t number;
    unsigned char rest[message_bytes - sizeof(uint64_t)];
};

struct line {
    int fd;
    size_t received; /* of the message under way */
    int64_t sent_ns;
    struct message message; /* as it comes back */
};

struct client {
    uint32_t line_count;
    struct line *lines;
    double *waits_us; /* of each message */
    uint64_t count;   /* of messages, the one that warms up each line aside */
    uint64_t sent;
    uint64_t back;
    uint64_t sum;
    int epoll;
};

struct server {
    pid_t pid;
    FILE *output;
};

static _Noreturn void fail(const char *what)
{
    (void)fprintf(stderr, "weft bench: echo client: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

/* ---- the server
 * ---------------------------------------------------------------------------------- */

/* Keeps the @index-th of the CPUs that this process was given. */
static void keep_cpu(int index)
{
    cpu_set_t given, one;
    size_t cpu = 0;

    if (sched_getaffinity(0, sizeof(given), &given) < 0 || index >= CPU_COUNT(&given))
        fail("CPUs");
    for (; !CPU_ISSET(cpu, &given) || index > 0; cpu++)
        index -= CPU_ISSET(cpu, &given) ? 1 : 0;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof(one), &one) < 0)
        fail("pinning");
}

static _Noreturn void become_server(const struct weft__metric *metric, uint64_t count,
                                    const char *program, int output)
{
    char count_text[24];

    (void)snprintf(count_text, sizeof(count_text), "%" PRIu64, count);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setenv("GOMAXPROCS", "1", 1);
    keep_cpu(0);
    if (dup2(output, STDOUT_FILENO) < 0)
        fail("dup2");
    if (program == NULL)
        (void)execl("/proc/self/exe", "weft", "bench", "--body", metric->name, count_text,
                    (char *)NULL);
    else
        (void)execl(program, program, metric->name, count_text, (char *)NULL);
    fail(program != NULL ? program : "weft");
}

/* Returns the port. */
static unsigned start_server(struct server *server, const struct weft__metric *metric,
                             uint64_t count, const char *program)
{
    int ends[2];
    char line[16] = "";
    unsigned port = 0;

    if (pipe2(ends, O_CLOEXEC) != 0 || (server->pid = fork()) < 0)
        fail("starting the server");
    if (server->pid == 0)
        become_server(metric, count, program, ends[1]);
    (void)close(ends[1]);
    server->output = fdopen(ends[0], "r");
    if (server->output == NULL || fgets(line, sizeof(line), server->output) == NULL ||
        sscanf(line, "%u", &port) != 1)
        fail("the server named no port");
    return port;
}

/* Nanoseconds of CPU that all threads of the server have had. */
static uint64_t cpu_of(const struct server *server)
{
    char path[64];
    uint64_t sum = 0;
    struct dirent *entry;

    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)server->pid);
    DIR *tasks = opendir(path);
    while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
        uint64_t ns = 0;
        (void)snprintf(path, sizeof(path), "/proc/%d/task/%.16s/schedstat", (int)server->pid,
                       entry->d_name);
        FILE *file = entry->d_name[0] != '.' ? fopen(path, "re") : NULL;
        if (file != NULL && fscanf(file, "%" SCNu64, &ns) == 1)
            sum += ns;
        if (file != NULL)
            (void)fclose(file);
    }
    if (tasks != NULL)
        (void)closedir(tasks);
    return sum;
}

/* Its connections have ended, and so must it. */
static int join_server(struct server *server)
{
    char rest[256];
    int status = 0;

    while (fgets(rest, sizeof(rest), server->output) != NULL)
        ; /* a figure that says nothing */
    (void)fclose(server->output);
    (void)waitpid(server->pid, &status, 0);
    if (status != 0)
        (void)fprintf(stderr, "weft bench: the server ended with status %d\n", status);
    return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- the lines
 * ----------------------------------------------------------------------------------- */

static struct message made(uint64_t number)
{
    struct message message = { .number = number };

    memset(message.rest, (int)(number % 251), sizeof(message.rest));
    return message;
}

static void dial(struct client *client, unsigned port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    for (uint32_t i = 0; i < client->line_count; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)) != 0 ||
            epoll_ctl(client->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
            fail("connecting");
        client->lines[i] = (struct line){ .fd = fd };
    }
}

static void say(struct line *line, uint64_t number)
{
    struct message message = made(number);

    line->received = 0;
    line->sent_ns = weft_clock();
    if (send(line->fd, &message, sizeof(message), MSG_NOSIGNAL) != sizeof(message))
        fail("send");
}

/* Whether a whole message has come back on @line. */
static bool listen_to(struct line *line)
{
    ssize_t count = recv(line->fd, (char *)&line->message + line->received,
                         sizeof(line->message) - line->received, MSG_DONTWAIT);

    if (count == 0 || (count < 0 && errno != EAGAIN))
        fail("recv");
    line->received += count > 0 ? (size_t)count : 0;
    if (line->received < sizeof(line->message))
        return false;
    struct message wanted = made(line->message.number);
    if (memcmp(&wanted, &line->message, sizeof(wanted)) != 0)
        fail("what came back is not what was sent");
    return true;
}

/* Counts a message that is back, and sends the next. */
static void take(struct client *client, struct line *line)
{
    int64_t wait_ns = weft_clock() - line->sent_ns;

    client->sum += line->message.number;
    client->waits_us[client->back++] = (double)wait_ns / 1e3;
    if (client->sent < client->count)
        say(line, client->sent++);
}

/* One exchange on each line, so that all are accepted; then as many as asked for. */
static void exchange(struct client *client, bool warms)
{
    uint64_t until = warms ? client->line_count : client->count;
    uint64_t done = 0;
    static struct epoll_event ready[ready_most]; /* too large for a frame */

    for (uint32_t i = 0; i < client->line_count; i++)
        if (warms || client->sent < client->count)
            say(&client->lines[i], warms ? warm_up : client->sent++);
    while (done < until) {
        int found = epoll_wait(client->epoll, ready, ready_most, 0);
        for (int i = 0; i < found; i++) {
            struct line *line = &client->lines[ready[i].data.u32];
            if (!listen_to(line))
                continue;
            done++;
            if (!warms)
                take(client, line);
        }
    }
}

static void hang_up(const struct client *client)
{
    for (uint32_t i = 0; i < client->line_count; i++)
        (void)close(client->lines[i].fd);
    (void)close(client->epoll);
    free(client->lines);
}

int weft__echo_client_main(const struct weft__metric *metric, uint64_t count, const char *program)
{
    struct server server = { .pid = -1 };
    struct client client = { .line_count = metric->connections,
                             .count = count,
                             .epoll = epoll_create1(EPOLL_CLOEXEC),
                             .lines = calloc(metric->connections, sizeof(struct line)),
                             .waits_us = calloc(count, sizeof(double)) };

    if (client.epoll < 0 || client.lines == NULL || client.waits_us == NULL)
        fail("set-up");
    unsigned port = start_server(&server, metric, count, program);
    keep_cpu(1);
    dial(&client, port);
    exchange(&client, true);
    uint64_t cpu_ns = cpu_of(&server);
    exchange(&client, false);
    cpu_ns = cpu_of(&server) - cpu_ns;
    hang_up(&client);

    weft__statistics_sort(client.waits_us, count);
    double value = metric->server_cpu ? (double)cpu_ns / 1e3 / (double)count
                                      : weft__statistics_quantile(client.waits_us, count, 0.5);
    printf("%s %.9g %" PRIu64 " workers=1\n", metric->name, value, client.sum);
    free(client.waits_us);
    return join_server(&server);
}
