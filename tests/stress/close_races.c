/*
 * Closes against all that uses a file, on all workers at once: reads, writes, polls, accepts,
 * receives, sends. Whoever has closed one opens the next at once, which gets the numbers of the old
 * one while the tasks of the old one are still about. Each file has a stamp of its own in all that
 * goes through it: nobody ever reads another's, and whatever a call says is what a closed file says
 * (raw io_uring leaves a receive waiting on a closed number, and lets it reach what came there).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/stress.h"

enum { chains = 6, ends_each = 2, longest_ms = 2, lives_each_round = 200 };

enum kind { KIND_PIPE, KIND_PAIR, KIND_FILE, KIND_LISTENER, KINDS };

/* One file, or both ends of something: from its opening until all who use it have left. */
struct life {
    enum kind kind;
    uint64_t stamp;        /* in all that goes through it */
    weft_fd ends[2];       /* to read from, to write to; of a file twice the same */
    weft_address address;  /* of a listener */
    _Atomic uint32_t wins; /* closes that have returned 0 */
};

static struct {
    char path[64]; /* of the files' folder */
    _Atomic uint64_t stamps;
    _Atomic int32_t left; /* lives that are still to come */
} races;

/* Whether the call may go on. What a closed file says ends it; all else is wrong. */
static bool goes_on(int64_t rc, const struct life *life)
{
    if (rc > 0 || rc == -ETIMEDOUT)
        return true;
    bool right = rc == -EBADF || rc == 0 || rc == -EPIPE || rc == -ECONNRESET;
    if (life->kind == KIND_LISTENER)
        right |= rc == -ECONNREFUSED || rc == -ECONNABORTED || rc == -EADDRNOTAVAIL;
    if (!right)
        stress_fail(__FILE__, __LINE__, "what a closed file says", rc);
    return false;
}

static weft_deadline soon(void)
{
    return weft_after((int64_t)(1 + stress_below(longest_ms)) * WEFT_MILLISECOND);
}

/* ---- those who use it ---- */

static int read_stamps(void *argument)
{
    const struct life *life = *(struct life *const *)argument;
    uint64_t got = life->stamp;
    ssize_t rc = 1;

    while (goes_on(rc, life)) {
        stress_maybe_yield();
        rc = life->kind == KIND_FILE   ? weft_pread(life->ends[0], &got, sizeof(got), 0, WEFT_NEVER)
             : life->kind == KIND_PAIR ? weft_recv(life->ends[0], &got, sizeof(got), WEFT_NEVER)
                                       : weft_read(life->ends[0], &got, sizeof(got), WEFT_NEVER);
        STRESS_CHECK(rc <= 0 || (rc == sizeof(got) && got == life->stamp));
    }
    return 0;
}

static int write_stamps(void *argument)
{
    const struct life *life = *(struct life *const *)argument;
    ssize_t rc = 1;

    while (goes_on(rc, life)) {
        stress_maybe_yield();
        rc = life->kind == KIND_PAIR
                 ? weft_send(life->ends[1], &life->stamp, sizeof(life->stamp), WEFT_NEVER)
                 : weft_write(life->ends[1], &life->stamp, sizeof(life->stamp), WEFT_NEVER);
        STRESS_CHECK(rc <= 0 || rc == sizeof(life->stamp));
    }
    return 0;
}

static int poll_it(void *argument)
{
    const struct life *life = *(struct life *const *)argument;
    int rc = 1;

    while (goes_on(rc, life)) {
        stress_maybe_yield();
        rc = stress_below(2) == 0 ? weft_fd_poll(life->ends[0], POLLIN, WEFT_NEVER)
                                  : weft_fd_poll(life->ends[1], POLLPRI, soon());
        if (rc > 0 && (rc & (POLLHUP | POLLERR)) != 0)
            break;
    }
    return 0;
}

/* Gives each connection the stamp of the listener. */
static int accept_some(void *argument)
{
    const struct life *life = *(struct life *const *)argument;
    weft_fd connection = 1;

    while (goes_on(connection, life)) {
        connection = weft_accept(life->ends[0], NULL, WEFT_NEVER);
        if (connection <= 0)
            continue;
        (void)goes_on(weft_send(connection, &life->stamp, sizeof(life->stamp), soon()), life);
        STRESS_EQUAL(weft_close(connection), 0);
    }
    return 0;
}

/* The port is another listener's when its own is gone: then the stamp is another, and it ends. */
static int connect_some(void *argument)
{
    const struct life *life = *(struct life *const *)argument;
    uint64_t got = 0;

    while (weft__load_relaxed(&life->wins) == 0) {
        weft_fd connection = weft_connect(&life->address, soon());
        if (connection <= 0 && !goes_on(connection, life))
            break;
        if (connection <= 0)
            continue;
        (void)goes_on(weft_recv(connection, &got, sizeof(got), soon()), life);
        STRESS_EQUAL(weft_close(connection), 0);
    }
    return 0;
}

/* ---- those who open and close it ---- */

static bool open_pair(struct life *life)
{
    int numbers[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, numbers) != 0)
        return false;
    for (int i = 0; i < ends_each; i++)
        life->ends[i] = weft_fd_adopt(numbers[i]);
    return life->ends[0] > 0 && life->ends[1] > 0;
}

static bool open_file(struct life *life)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%llu", races.path, (unsigned long long)life->stamp);
    weft_fd fd = weft_open(path, O_RDWR | O_CREAT | O_EXCL, 0600, WEFT_NEVER);
    life->ends[0] = life->ends[1] = fd;
    return fd > 0 && unlink(path) == 0 &&
           weft_write(fd, &life->stamp, sizeof(life->stamp), WEFT_NEVER) == sizeof(life->stamp);
}

static bool open_listener(struct life *life)
{
    weft_address address;

    if (weft_address_parse("127.0.0.1:0", &address) != 0)
        return false;
    life->ends[0] = life->ends[1] = weft_listen(&address, NULL);
    return life->ends[0] > 0 && weft_socket_local(life->ends[0], &life->address) == 0;
}

static bool open_it(struct life *life)
{
    switch (life->kind) {
    case KIND_PIPE: return weft_pipe(life->ends) == 0;
    case KIND_PAIR: return open_pair(life);
    case KIND_FILE: return open_file(life);
    case KIND_LISTENER: return open_listener(life);
    case KINDS: break;
    }
    return false;
}

/* Both ends, in any order, each closed by one of several. */
static void close_it(struct life *life)
{
    uint32_t first = stress_below(2);

    for (uint32_t i = 0; i < ends_each; i++) {
        int rc = weft_close(life->ends[(first + i) % ends_each]);
        STRESS_CHECK(rc == 0 || rc == -EBADF);
        if (rc == 0)
            weft__add_relaxed(&life->wins, 1);
    }
}

static int close_too(void *argument)
{
    struct life *life = *(struct life *const *)argument;

    stress_maybe_yield();
    close_it(life);
    return 0;
}

static int64_t close_in_a_thread(void *argument)
{
    close_it(argument);
    return 0;
}

static void start_users(weft_scope scope, struct life *life)
{
    static const weft_task_fn streams[] = { read_stamps, write_stamps, read_stamps, write_stamps,
                                            poll_it };
    static const weft_task_fn files[] = { read_stamps, read_stamps, read_stamps };
    static const weft_task_fn listeners[] = { accept_some, connect_some, accept_some, poll_it };
    static const struct {
        const weft_task_fn *fns;
        uint32_t count;
    } users[KINDS] = { { streams, 5 }, { streams, 5 }, { files, 3 }, { listeners, 4 } };
    weft_spawn_options options = WEFT_SPAWN_OPTIONS(.copy_bytes = sizeof(struct life *),
                                                    .place = weft_place_spread());

    for (uint32_t i = 0; i < users[life->kind].count; i++)
        STRESS_CHECK(weft_spawn(scope, users[life->kind].fns[i], &life, &options) > 0);
    if (stress_below(2) == 0)
        STRESS_CHECK(weft_spawn(scope, close_too, &life, &options) > 0);
}

/* One life: its users may still be leaving when the next begins. */
static void live(struct life *life, weft_scope *out_scope)
{
    *life = (struct life){ .kind = (enum kind)stress_below(KINDS),
                           .stamp = weft__add_relaxed(&races.stamps, 1) };
    STRESS_CHECK(open_it(life));
    *out_scope = weft_scope_open(NULL);
    start_users(*out_scope, life);
    for (uint32_t i = stress_below(8); i > 0; i--)
        stress_maybe_yield();
    if (stress_below(16) == 0) /* on a thread that is no worker */
        STRESS_EQUAL(weft_blocking_call(close_in_a_thread, life, NULL, WEFT_NEVER), 0);
    close_it(life);
}

/* So many lives, the last of which overlap. */
static int run_chain(void *argument)
{
    struct life lives[2];
    weft_scope scopes[2] = { 0, 0 };

    (void)argument;
    for (uint32_t i = 0; weft__sub_relaxed(&races.left, (int32_t)1) > 0; i++) {
        struct life *life = &lives[i % 2];
        if (scopes[i % 2] > 0) {
            STRESS_EQUAL(weft_scope_close(scopes[i % 2]), 0);
            STRESS_EQUAL(life->wins, life->ends[0] == life->ends[1] ? 1 : 2);
        }
        live(life, &scopes[i % 2]);
    }
    for (int i = 0; i < 2; i++)
        if (scopes[i] > 0)
            STRESS_EQUAL(weft_scope_close(scopes[i]), 0);
    return 0;
}

static int run_chains(void *argument)
{
    weft_scope scope = weft_scope_open(NULL);

    (void)argument;
    for (int i = 0; i < chains; i++)
        STRESS_CHECK(weft_spawn(scope, run_chain, NULL,
                                &WEFT_SPAWN_OPTIONS(.place = weft_place_spread())) > 0);
    return weft_scope_close(scope);
}

static void a_closed_file_is_never_the_next_one(uint32_t workers)
{
    uint32_t before = stress_open_files();
    uint32_t rounds = stress_size(20, 2);

    (void)snprintf(races.path, sizeof(races.path), "/tmp/weft-close-races-XXXXXX");
    STRESS_CHECK(mkdtemp(races.path) != NULL);
    for (uint32_t round = 0; round < rounds; round++) {
        stress_round(round);
        weft__store_relaxed(&races.left, lives_each_round);
        stress_run(workers, NULL, run_chains, NULL);
    }
    STRESS_EQUAL(rmdir(races.path), 0);
    STRESS_EQUAL(stress_open_files(), before);
}

static const struct stress_case cases[] = {
    STRESS_CASE(a_closed_file_is_never_the_next_one),
};

int main(int argc, char **argv)
{
    return stress_main(argc, argv, cases, WEFT__COUNT(cases));
}
