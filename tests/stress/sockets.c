/*
 * Connections in their thousands (the S8 of the old runtimes, whose sockets belonged to one event
 * loop). Each is served by a task of weft_serve, and written and read at the client's end by two
 * tasks on different workers at once, in pieces of random size. Some are ended in the middle by one
 * side or the other, gracefully or with a reset, and some clients are cancelled. What was read is
 * always a true beginning of what was written, and of a stream that nobody has ended all of it; no
 * descriptor is left over.
 */
#include <errno.h>
#include <sys/socket.h>

#include "tests/support/sockets.h"
#include "tests/support/stress.h"

enum {
    piece_most = 600,
    stream_most = 8 * 1024,
    tasks_each = 4, /* the one that serves, the client, its reader and its writer */
    buffer_small = 4608
};

/* How a conversation ends. */
enum manner {
    WHOLE,
    CLIENT_CLOSES,
    CLIENT_RESETS,
    SERVER_CLOSES,
    SERVER_RESETS,
    CANCELED,
    MANNERS
};

/* What a client sends first: all that follows can be computed from it. */
struct opening {
    uint32_t manner;
    uint32_t bytes;   /* of the stream, this aside */
    uint32_t quit_at; /* the side that ends it does so after so many */
    uint32_t seed;
};

struct line {
    struct opening opening;
    weft_fd fd;
    weft_scope scope; /* of its reader and its writer */
    size_t received;
};

static struct {
    weft_address at;
    weft_fd listener;
    uint32_t lines;
} hall;

static char byte_at(const struct opening *opening, size_t place)
{
    uint64_t x = (opening->seed + place / 8) * 0x9E3779B97F4A7C15u;

    return (char)(x >> (8 * (place % 8)) >> 3);
}

static bool is_ended(ssize_t rc)
{
    return rc == -EPIPE || rc == -ECONNRESET || rc == -EBADF || rc == -ECANCELED;
}

/* ---- the server's end
 * ---------------------------------------------------------------------------- */

static WEFT__NOINLINE ssize_t echo_piece(weft_fd fd)
{
    char piece[piece_most];
    size_t bytes = 1 + stress_below(sizeof(piece));
    ssize_t count = weft_recv(fd, piece, bytes, WEFT_NEVER);

    if (count <= 0)
        return count;
    stress_maybe_yield();
    int rc = weft_send_all(fd, piece, (size_t)count, NULL, WEFT_NEVER);
    return rc < 0 ? rc : count;
}

static int serve_line(weft_fd fd, void *context)
{
    struct opening opening = { .manner = MANNERS };
    size_t echoed = 0;
    ssize_t count = weft_recv_exactly(fd, &opening, sizeof(opening), NULL, WEFT_NEVER);

    (void)context;
    if (count < 0)
        return (int)count;
    STRESS_CHECK(opening.manner < MANNERS);
    bool quits = opening.manner == SERVER_CLOSES || opening.manner == SERVER_RESETS;
    while ((count = echo_piece(fd)) > 0) {
        echoed += (size_t)count;
        if (quits && echoed >= opening.quit_at)
            break;
    }
    STRESS_CHECK(count >= 0 || is_ended(count));
    STRESS_CHECK(opening.manner != WHOLE || (count == 0 && echoed == opening.bytes));
    if (opening.manner == SERVER_RESETS)
        (void)!weft_socket_set(fd, WEFT_SOCKET_RESET, 1);
    return 0;
}

static int run_server(void *argument)
{
    weft_serve_options options = WEFT_SERVE_OPTIONS(.most = 4 * hall.lines, .name = "line");

    (void)argument;
    STRESS_EQUAL(weft_serve(hall.listener, serve_line, NULL, &options, WEFT_NEVER), -EBADF);
    return 0;
}

/* ---- the client's end
 * ---------------------------------------------------------------------------- */

static void end_from_here(const struct line *line)
{
    if (line->opening.manner == CLIENT_RESETS)
        (void)!weft_socket_set(line->fd, WEFT_SOCKET_RESET, 1);
    if (line->opening.manner == CANCELED)
        STRESS_EQUAL(weft_scope_cancel(line->scope), 0);
    else
        STRESS_EQUAL(weft_close(line->fd), 0);
}

static WEFT__NOINLINE ssize_t send_piece(const struct line *line, size_t place)
{
    char piece[piece_most];
    size_t left = line->opening.bytes - place;
    size_t bytes = 1 + stress_below(sizeof(piece));

    bytes = bytes < left ? bytes : left;
    for (size_t i = 0; i < bytes; i++)
        piece[i] = byte_at(&line->opening, place + i);
    int rc = weft_send_all(line->fd, piece, bytes, NULL, WEFT_NEVER);
    return rc < 0 ? rc : (ssize_t)bytes;
}

static int write_line(void *argument)
{
    struct line *line = argument;
    const struct opening *opening = &line->opening;
    bool quits = opening->manner == CLIENT_CLOSES || opening->manner == CLIENT_RESETS ||
                 opening->manner == CANCELED;
    ssize_t count = weft_send_all(line->fd, opening, sizeof(*opening), NULL, WEFT_NEVER);

    for (size_t place = 0; count >= 0 && place < opening->bytes; place += (size_t)count) {
        if (quits && place >= opening->quit_at) {
            end_from_here(line);
            return 0;
        }
        count = send_piece(line, place);
        stress_maybe_yield();
        if (count < 0)
            break;
    }
    STRESS_CHECK(count >= 0 || (is_ended(count) && opening->manner != WHOLE));
    int rc = weft_shutdown(line->fd, SHUT_WR);
    STRESS_CHECK(rc == 0 || opening->manner != WHOLE);
    return 0;
}

static WEFT__NOINLINE ssize_t receive_piece(const struct line *line, size_t place)
{
    char piece[piece_most];
    ssize_t count = weft_recv(line->fd, piece, 1 + stress_below(sizeof(piece)), WEFT_NEVER);
    bool true_copy = true;

    for (ssize_t i = 0; i < count; i++)
        true_copy = true_copy && piece[i] == byte_at(&line->opening, place + (size_t)i);
    STRESS_CHECK(true_copy);
    return count;
}

static int read_line(void *argument)
{
    struct line *line = argument;
    ssize_t count;

    while ((count = receive_piece(line, line->received)) > 0) {
        line->received += (size_t)count;
        stress_maybe_yield();
    }
    STRESS_CHECK(count == 0 || (is_ended(count) && line->opening.manner != WHOLE));
    return 0;
}

static void plan(struct line *line)
{
    struct opening *opening = &line->opening;

    opening->manner = stress_below(2) == 0 ? WHOLE : stress_below(MANNERS);
    opening->bytes = 1 + stress_below(stream_most);
    opening->quit_at = stress_below(opening->bytes);
    opening->seed = (uint32_t)stress_random();
}

static int hold_line(void *argument)
{
    struct line line = { .received = 0 };
    uint32_t workers = *(const uint32_t *)argument;
    uint32_t first = stress_below(workers);
    weft_spawn_options there = WEFT_SPAWN_OPTIONS(.place = weft_place_worker(first));

    plan(&line);
    line.fd = weft_connect(&hall.at, WEFT_NEVER);
    STRESS_CHECK(line.fd > 0);
    if (line.fd < 0)
        return (int)line.fd;
    if (stress_below(2) == 0) /* full buffers: both ends wait for the other in the middle */
        STRESS_EQUAL(weft_socket_set(line.fd, WEFT_SOCKET_SEND_BUFFER, buffer_small), 0);
    line.scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));
    STRESS_CHECK(weft_spawn(line.scope, write_line, &line, &there) > 0);
    there.place = weft_place_worker((first + 1) % workers);
    STRESS_CHECK(weft_spawn(line.scope, read_line, &line, &there) > 0);
    (void)weft_scope_close(line.scope);
    if (line.opening.manner == WHOLE)
        STRESS_EQUAL(line.received, line.opening.bytes);
    int rc = weft_close(line.fd);
    STRESS_CHECK(rc == 0 || rc == -EBADF);
    return 0;
}

/* ---- rounds
 * -------------------------------------------------------------------------------------- */

static int hold_lines(void *argument)
{
    uint32_t before = stress_open_files();
    weft_scope server = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));
    weft_scope clients = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL));
    weft_spawn_options spread = WEFT_SPAWN_OPTIONS(.place = weft_place_spread());
    int kind = (int)stress_below(SOCKETS_KINDS);

    hall.listener = sockets_listen(kind, &hall.at);
    STRESS_CHECK(weft_go(server, run_server, NULL) > 0);
    for (uint32_t i = 0; i < hall.lines; i++)
        STRESS_CHECK(weft_spawn(clients, hold_line, argument, &spread) > 0);
    STRESS_EQUAL(weft_scope_close(clients), 0);
    STRESS_EQUAL(weft_close(hall.listener), 0);
    STRESS_EQUAL(weft_scope_close(server), 0);
    sockets_forget(&hall.at);
    STRESS_EQUAL(stress_open_files(), before);
    return 0;
}

static void hold_rounds(uint32_t workers, uint32_t lines, uint32_t rounds)
{
    hall.lines = stress_descriptors(lines, 2);
    STRESS_CHECK(hall.lines > 0);
    weft_runtime runtime = stress_start(workers, NULL);
    for (uint32_t round = 0; round < rounds; round++) {
        stress_round(round);
        STRESS_EQUAL(weft_call(runtime, hold_lines, &workers), 0);
    }
    stress_stop(runtime);
}

static void two_thousand(uint32_t workers)
{
    hold_rounds(workers, stress_live(stress_size(2000, 100) * tasks_each) / tasks_each, 2);
}

static void a_few(uint32_t workers)
{
    hold_rounds(workers, 12, stress_size(400, 20));
}

static const struct stress_case cases[] = {
    STRESS_CASE(two_thousand),
    STRESS_CASE(a_few),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
