/*
 * The loop that takes connections.
 *
 * BOUND tasks: at most options.most, for each has a permit of the semaphore, which it gives back
 * after its connection is closed; when there is none the loop takes no more connections, and the
 * kernel keeps up to the backlog.
 * BOUND retries: a failure that passes by itself is followed by a pause of pause_ns, which ends at
 * the deadline or by a cancel, so that a table of descriptors that is full does not make the loop
 * spin.
 */
#include <errno.h>

#include <weft/serve.h>

#include <weft/file.h>
#include <weft/scope.h>
#include <weft/semaphore.h>
#include <weft/socket.h>
#include <weft/task.h>

#include "runtime/base/atomic.h"
#include "runtime/base/check.h"
#include "runtime/io/acceptor.h"
#include "runtime/task/record.h"

enum {
    most_default = 4096,
    streak_least = 2 /* accepts before one that comes again and again: it costs as much to end it */
};

static const int64_t pause_ns = 10 * WEFT_MILLISECOND;

struct server {
    weft_serve_fn fn;
    void *context;
    weft_scope scope;
    weft_semaphore permits;
    weft_spawn_options spawn;
    uint32_t streak; /* connections taken since a permit was waited for */
};

struct served {
    struct server *server; /* lives until the scope is closed */
    weft_fd connection;
};

/* Also runs when it is born cancelled: so the connection is always closed. */
static int serve_one(void *argument)
{
    struct served *served = argument;

    (void)served->server->fn(served->connection, served->server->context);
    (void)weft_close(served->connection); /* -EBADF when fn has closed it */
    return weft_semaphore_release(&served->server->permits);
}

/* What accept(2) says of a connection that was lost on the way. */
static bool is_lost(int64_t error)
{
    return error == -ECONNABORTED || error == -EPROTO || error == -ENETDOWN ||
           error == -EHOSTDOWN || error == -ENONET || error == -EHOSTUNREACH ||
           error == -ENETUNREACH || error == -ENOPROTOOPT;
}

/* What passes when others give something back. */
static bool is_shortage(int64_t error)
{
    return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

/* Takes a connection and starts its task. The permit is handed over, or still held on error. */
static int64_t take_one(struct server *server, weft_fd listener, weft_deadline until)
{
    struct served served = { .server = server };

    served.connection = weft__acceptor_accept(listener, NULL, server->streak >= streak_least,
                                              until);
    if (served.connection < 0)
        return served.connection;
    server->streak++;
    weft_task task = weft_spawn(server->scope, serve_one, &served, &server->spawn);
    if (task < 0)
        (void)weft_close(served.connection);
    return task;
}

/* Waits for others to give something back. The kernel would answer an accept with the same error
 * after the deadline, too, so that is asked here. */
static int pause_until(weft_deadline until)
{
    weft_deadline over = weft_after(pause_ns);

    if (over.ns < until.ns)
        return weft_sleep(over);
    int rc = weft_sleep(until);
    return rc < 0 ? rc : -ETIMEDOUT;
}

/* One permit: a connection is served with it, or why there will be none. */
static int64_t use_permit(struct server *server, weft_fd listener, weft_deadline until)
{
    int64_t rc = take_one(server, listener, until);

    while (is_lost(rc) || is_shortage(rc)) {
        rc = is_shortage(rc) ? pause_until(until) : 0;
        if (rc == 0)
            rc = take_one(server, listener, until);
    }
    return rc;
}

/* Without a permit no connection is taken that the kernel could keep, or hand to others. */
static int get_permit(struct server *server, weft_fd listener, weft_deadline until)
{
    int rc = weft_semaphore_try_acquire(&server->permits);

    if (rc != -EAGAIN)
        return rc;
    if (server->streak >= streak_least)
        weft__acceptor_end(listener);
    server->streak = 0;
    return weft_semaphore_acquire(&server->permits, until);
}

static int serve(struct server *server, weft_fd listener, int64_t drain_ns, weft_deadline until)
{
    int64_t rc;

    do {
        rc = get_permit(server, listener, until);
        if (rc == 0)
            rc = use_permit(server, listener, until);
    } while (rc >= 0);
    weft__acceptor_end(listener);
    if (drain_ns != 0 && weft_scope_join(server->scope, weft_after(drain_ns)) == -ETIMEDOUT)
        (void)weft_scope_cancel(server->scope);
    return (int)rc;
}

int weft_serve(weft_fd listener, weft_serve_fn fn, void *context, const weft_serve_options *options,
               weft_deadline until)
{
    static const weft_serve_options defaults = WEFT_SERVE_OPTIONS_INIT;
    struct server server = { .fn = fn, .context = context };

    WEFT_NEED(fn);
    if (options == NULL)
        options = &defaults;
    if (options->size != sizeof(*options) || options->drain_ns < 0)
        return weft__load_relaxed(&weft__record_forked) ? -EOWNERDEAD : -EINVAL;
    server.scope = weft_scope_open(&WEFT_SCOPE_OPTIONS(.policy = WEFT_RUN_ALL, .forget = 1));
    if (server.scope < 0)
        return (int)server.scope;
    bool spread = options->place.kind == WEFT_PLACE_LOCAL;
    server.spawn = WEFT_SPAWN_OPTIONS(.name = options->name,
                                      .place = spread ? weft_place_spread() : options->place,
                                      .stack_bytes = options->stack_bytes,
                                      .copy_bytes = sizeof(struct served));
    uint32_t most = options->most != 0 ? options->most : most_default;
    int rc = weft_semaphore_init(&server.permits, most, most);
    if (rc == 0)
        rc = serve(&server, listener, options->drain_ns, until);
    (void)weft_scope_close(server.scope);
    weft_semaphore_fini(&server.permits);
    return rc;
}
