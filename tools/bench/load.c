#include "tools/bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <weft.h>

#include "tools/bench/client.h"
#include "tools/bench/machine.h"
#include "tools/command.h"

enum { keeping_up_percent = 99 };

struct server {
    weft_fd listener;
    int port;
};

/* Sends back what comes, as a user would write it. */
static int echo(weft_fd connection, void *context)
{
    char buffer[512];
    ssize_t count;

    (void)context;
    while ((count = weft_recv(connection, buffer, sizeof(buffer), WEFT_NEVER)) > 0) {
        int rc = weft_send_all(connection, buffer, (size_t)count, NULL, WEFT_NEVER);
        if (rc < 0)
            return rc;
    }
    return (int)count;
}

static int serve(void *argument)
{
    weft_fd listener = *(const weft_fd *)argument;
    int rc = weft_serve(listener, echo, NULL, NULL, WEFT_NEVER);

    weft_close(listener);
    return rc;
}

static int find_port(weft_fd listener)
{
    struct sockaddr_in address;
    socklen_t bytes = sizeof(address);

    if (getsockname(weft_fd_number(listener), (struct sockaddr *)&address, &bytes) < 0)
        return -errno;
    return ntohs(address.sin_port);
}

/* The server lives in the root scope until the runtime stops. */
static int start_server(void *argument)
{
    struct server *server = argument;
    weft_address any;
    int rc = weft_address_parse("127.0.0.1:0", &any);

    server->listener = rc < 0 ? rc : weft_listen(&any, NULL);
    if (server->listener < 0)
        return (int)server->listener;
    server->port = find_port(server->listener);
    if (server->port < 0)
        return server->port;
    weft_task task = weft_go_copy(WEFT_DETACHED, serve, &server->listener,
                                  sizeof(server->listener));
    return task < 0 ? (int)task : 0;
}

static int ask(const struct sockaddr *address, socklen_t bytes, const struct weft__load_plan *plan,
               struct weft__client_result *out)
{
    const struct weft__client_plan requests = {
        .rate = plan->rate, .duration_ns = (int64_t)plan->seconds * WEFT_SECOND
    };
    int rc = 0;
    struct weft__client *client = weft__client_open(address, bytes, (uint32_t)plan->clients, &rc);

    if (client == NULL)
        return rc;
    rc = weft__client_exchange(client, &requests, out);
    weft__client_close(client);
    return rc;
}

static double to_us(uint64_t ns)
{
    return (double)ns / 1e3;
}

static double rate_of(const struct weft__client_result *result)
{
    return result->elapsed_ns == 0 ? 0
                                   : (double)result->answered / ((double)result->elapsed_ns / 1e9);
}

/* The ladder of HdrHistogram: each step halves what is left above it, until one is. */
static void print_ladder(const struct weft__histogram *histogram)
{
    double above = 1;

    printf("\n%12s %12s %12s %14s\n", "reply us", "percentile", "count", "1/(1-p)");
    printf("%12.1f %12.6f %12d %14s\n", to_us(histogram->least), 0.0, 1, "1.00");
    while (above * (double)histogram->count > 1) {
        above /= 2;
        double share = 1 - above;
        uint64_t count = (uint64_t)(share * (double)histogram->count + 0.5);
        printf("%12.1f %12.6f %12" PRIu64 " %14.2f\n", to_us(weft__histogram_at(histogram, share)),
               100 * share, count, 1 / above);
    }
    printf("%12.1f %12.6f %12" PRIu64 " %14s\n", to_us(histogram->largest), 100.0, histogram->count,
           "inf");
}

static void print_text(const struct weft__load_plan *plan, const struct weft__client_result *result)
{
    const struct weft__histogram *late = &result->late;

    weft__machine_print_text(stdout, weft__machine_look());
    printf("\necho, %" PRIu64 " connections, %d bytes, ", plan->clients,
           weft__client_message_bytes);
    if (plan->rate == 0)
        printf("closed loop\n");
    else
        printf("open loop, %" PRIu64 " requests a second asked\n", plan->rate);
    printf("%" PRIu64 " requests answered in %.3f s: %.0f a second, %" PRIu64 " wrong\n",
           result->answered, (double)result->elapsed_ns / 1e9, rate_of(result), result->wrong);
    if (plan->rate != 0)
        printf("sent behind the schedule by 50 %%: %.1f us, 99 %%: %.1f us, at most %.1f us\n",
               to_us(weft__histogram_at(late, 0.5)), to_us(weft__histogram_at(late, 0.99)),
               to_us(late->largest));
    if (plan->rate != 0 && rate_of(result) * 100 < (double)plan->rate * keeping_up_percent)
        printf("It does not keep up: times grow for as long as the load lasts.\n");
    if (result->reply.count > 0)
        print_ladder(&result->reply);
    printf("\nTimes count from %s. None is too small; at most 0.8 %% too large.\n",
           plan->rate == 0 ? "the sending" : "the place in the schedule");
}

static void write_times(const char *name, const struct weft__histogram *histogram)
{
    static const struct {
        const char *name;
        double share;
    } shares[] = {
        { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p99.9", 0.999 }, { "p99.99", 0.9999 },
    };

    printf(", \"%s\": {\"count\": %" PRIu64 ", \"min\": %.3f", name, histogram->count,
           to_us(histogram->least));
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
        printf(", \"%s\": %.3f", shares[i].name,
               to_us(weft__histogram_at(histogram, shares[i].share)));
    printf(", \"max\": %.3f}", to_us(histogram->largest));
}

static void print_json(const struct weft__load_plan *plan, const struct weft__client_result *result)
{
    printf("{\"load\": \"echo\", \"loop\": \"%s\", \"connections\": %" PRIu64
           ", \"bytes\": %d, \"seconds\": %.6f",
           plan->rate == 0 ? "closed" : "open", plan->clients, weft__client_message_bytes,
           (double)result->elapsed_ns / 1e9);
    if (plan->rate != 0)
        printf(", \"rate_asked\": %" PRIu64, plan->rate);
    printf(", \"sent\": %" PRIu64 ", \"answered\": %" PRIu64 ", \"wrong\": %" PRIu64
           ", \"rate\": %.1f, \"error_of_times\": %.6f",
           result->sent, result->answered, result->wrong, rate_of(result),
           1.0 / (1 << WEFT__HISTOGRAM_BITS));
    write_times("reply_us", &result->reply);
    if (plan->rate != 0)
        write_times("late_us", &result->late);
    printf(", \"machine\": ");
    weft__machine_print_json(stdout, weft__machine_look());
    printf("}\n");
}

static int report(const struct weft__load_plan *plan, const struct weft__client_result *result,
                  int rc)
{
    if (rc < 0) {
        (void)fprintf(stderr, "weft bench: load: %s\n", weft_error_name(rc));
        return WEFT_EXIT_WRONG;
    }
    if (plan->json)
        print_json(plan, result);
    else
        print_text(plan, result);
    return result->wrong == 0 && result->answered == result->sent ? WEFT_EXIT_OK : WEFT_EXIT_WRONG;
}

/* The server's workers are the runtime's; the client is this thread. */
int weft__load_run(const struct weft__load_plan *plan)
{
    static struct weft__client_result result; /* too large for a frame */
    struct server server = { .port = 0 };
    weft_error error = WEFT_ERROR_INIT;
    weft_runtime runtime = weft_start(NULL, &error);

    if (runtime < 0) {
        (void)fprintf(stderr, "weft bench: the runtime did not start: %s\n", error.text);
        return WEFT_EXIT_WRONG;
    }
    int rc = weft_call(runtime, start_server, &server);
    if (rc == 0) {
        const struct sockaddr_in address = {
            .sin_family = AF_INET,
            .sin_port = htons((uint16_t)server.port),
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        rc = ask((const struct sockaddr *)&address, sizeof(address), plan, &result);
    }
    int left = weft_stop(runtime, weft_after(10 * WEFT_SECOND));
    if (rc == 0 && left > 0)
        (void)fprintf(stderr, "weft bench: %d tasks did not end\n", left);
    int code = report(plan, &result, rc);
    return left > 0 ? WEFT_EXIT_WRONG : code;
}
