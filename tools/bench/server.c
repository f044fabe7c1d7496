#include "tools/bench/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/bench/client.h"

struct server {
    pid_t pid;
    FILE *output;
};

static _Noreturn void fail(const char *what)
{
    (void)fprintf(stderr, "weft bench: server: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

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
    (void)setenv("OMP_NUM_THREADS", "1", 1);
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

/* Its connections have ended, and so must it. *out_figure is what it says then, or 0. */
static int join_server(struct server *server, double *out_figure)
{
    char rest[256];
    int status = 0;

    *out_figure = 0;
    while (fgets(rest, sizeof(rest), server->output) != NULL)
        (void)sscanf(rest, "%*s %lf", out_figure);
    (void)fclose(server->output);
    (void)waitpid(server->pid, &status, 0);
    if (status != 0)
        (void)fprintf(stderr, "weft bench: the server ended with status %d\n", status);
    return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static struct weft__client *dial(const struct weft__metric *metric, unsigned port)
{
    const struct sockaddr_in at = { .sin_family = AF_INET,
                                    .sin_port = htons((uint16_t)port),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int rc = 0;
    struct weft__client *client = weft__client_open((const struct sockaddr *)&at, sizeof(at),
                                                    metric->connections, &rc);

    errno = -rc;
    if (client == NULL)
        fail("connecting");
    return client;
}

static void ask(struct weft__client *client, const struct weft__client_plan *plan,
                struct weft__client_result *out)
{
    int rc = weft__client_exchange(client, plan, out);

    errno = rc < 0 ? -rc : EBADMSG;
    if (rc < 0 || out->wrong > 0)
        fail("asking");
}

static double percentile(const struct weft__metric *metric,
                         const struct weft__client_result *result)
{
    return (double)weft__histogram_at(&result->reply, metric->share > 0 ? metric->share : 0.5) /
           1e3;
}

/* Each connection asks again when it has its reply. The first request on each sees to it that all
 * are accepted, and is not counted. */
static double ask_in_turns(const struct weft__metric *metric, uint64_t count,
                           const struct server *server, struct weft__client *client,
                           struct weft__client_result *out)
{
    const struct weft__client_plan first = { .requests = metric->connections, .spins = true };
    const struct weft__client_plan counted = { .requests = count, .spins = true };

    ask(client, &first, out);
    uint64_t cpu_ns = cpu_of(server);
    ask(client, &counted, out);
    cpu_ns = cpu_of(server) - cpu_ns;
    return metric->server_cpu ? (double)cpu_ns / 1e3 / (double)count : percentile(metric, out);
}

/* Requests go out when they are due, so that a stall of the server is seen by all that were. */
static double ask_by_schedule(const struct weft__metric *metric, uint64_t count,
                              struct weft__client *client, struct weft__client_result *out)
{
    const struct weft__client_plan plan = {
        .rate = metric->rate,
        .duration_ns = (int64_t)((double)count / (double)metric->rate * 1e9),
    };

    ask(client, &plan, out);
    return percentile(metric, out);
}

int weft__server_main(const struct weft__metric *metric, uint64_t count, const char *program)
{
    static struct weft__client_result result; /* too large for a frame */
    struct server server = { .pid = -1 };
    double said = 0;
    unsigned port = start_server(&server, metric, count, program);

    keep_cpu(1);
    struct weft__client *client = dial(metric, port);
    double value = metric->rate != 0 ? ask_by_schedule(metric, count, client, &result)
                                     : ask_in_turns(metric, count, &server, client, &result);
    uint64_t sum = metric->rate != 0 ? result.answered : result.sum;
    weft__client_close(client);
    int status = join_server(&server, &said);
    printf("%s %.9g %" PRIu64 " workers=1\n", metric->name, metric->server_says ? said : value,
           sum);
    return status;
}
