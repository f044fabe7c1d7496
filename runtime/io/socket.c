/* Stream sockets: listen, accept, connect, shutdown, and the names of both ends. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <weft/socket.h>

#include "runtime/base/check.h"
#include "runtime/base/sys.h"
#include "runtime/io/acceptor.h"
#include "runtime/io/address.h"
#include "runtime/io/fd.h"

static int set_one(int number, int level, int name)
{
    return weft__sys_set_option(number, level, name, &(int){ 1 }, sizeof(int));
}

/* Accepted connections inherit NODELAY. A small message that waits for the answer to the one before
 * costs 40 ms where the peer delays it, which is never what the sender meant. */
static int send_at_once(int number, int family)
{
    return family == AF_UNIX ? 0 : set_one(number, IPPROTO_TCP, TCP_NODELAY);
}

static int prepare_v6(int number, int v6_only)
{
    return weft__sys_set_option(number, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only));
}

static int prepare_listener(int number, int family, const weft_listen_options *options)
{
    int rc = send_at_once(number, family);

    if (rc == 0 && family != AF_UNIX)
        rc = set_one(number, SOL_SOCKET, SO_REUSEADDR);
    if (rc == 0 && options->reuse_port != 0)
        rc = set_one(number, SOL_SOCKET, SO_REUSEPORT);
    if (rc == 0 && family == AF_INET6)
        rc = prepare_v6(number, options->v6_only != 0);
    return rc;
}

/* A new descriptor for @address, or a negative errno. */
static int make(const weft_address *address, int *out_family)
{
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    int family = weft__address_family(address);
    if (family < 0)
        return family;
    *out_family = family;
    return weft__sys_socket(family, SOCK_STREAM | SOCK_CLOEXEC);
}

/* The handle of @number when @rc is good; else closes it. */
static weft_fd finish(int number, int rc)
{
    if (rc == 0)
        return weft__fd_take(number);
    (void)weft__sys_close(number);
    return rc;
}

weft_fd weft_listen(const weft_address *address, const weft_listen_options *options)
{
    static const weft_listen_options defaults = WEFT_LISTEN_OPTIONS_INIT;
    int family = AF_UNSPEC;

    WEFT_NEED(address);
    if (options == NULL)
        options = &defaults;
    if (options->size != sizeof(*options))
        return weft__load_relaxed(&weft__record_forked) ? -EOWNERDEAD : -EINVAL;
    int number = make(address, &family);
    if (number < 0)
        return number;
    int rc = prepare_listener(number, family, options);
    if (rc == 0)
        rc = weft__sys_bind(number, address->words, address->bytes);
    if (rc == 0)
        rc = weft__sys_listen(number, options->backlog > 0 ? options->backlog : INT32_MAX);
    return finish(number, rc);
}

weft_fd weft_accept(weft_fd listener, weft_address *out_peer, weft_deadline until)
{
    return weft__acceptor_accept(listener, out_peer, false, until);
}

weft_fd weft_connect(const weft_address *address, weft_deadline until)
{
    int family = AF_UNSPEC;

    WEFT_NEED(address);
    int number = make(address, &family);
    if (number < 0)
        return number;
    const struct weft__request request = {
        .opcode = WEFT__OP_CONNECT,
        .fd = number,
        .address = address->words,
        .bytes = address->bytes,
    };
    int rc = send_at_once(number, family);
    if (rc == 0)
        rc = weft__operation_run(&request, until, 0, NULL);
    return finish(number, rc);
}

int weft_shutdown(weft_fd fd, int how)
{
    int rc = 0;
    struct weft__fd *held = weft__fd_hold(fd, &rc);

    if (held == NULL)
        return rc;
    rc = weft__sys_shutdown(held->number, how);
    weft__fd_let_go(held);
    return rc;
}

static int name_of(weft_fd fd, bool peer, weft_address *out_address)
{
    int rc = 0;
    weft_address name = { .bytes = sizeof(name.words) };
    struct weft__fd *held = weft__fd_hold(fd, &rc);

    if (held == NULL)
        return rc;
    rc = weft__sys_socket_name(held->number, peer, name.words, &name.bytes);
    weft__fd_let_go(held);
    if (rc == 0)
        *out_address = name;
    return rc;
}

int weft_socket_local(weft_fd fd, weft_address *out_address)
{
    WEFT_NEED(out_address);
    return name_of(fd, false, out_address);
}

int weft_socket_peer(weft_fd fd, weft_address *out_address)
{
    WEFT_NEED(out_address);
    return name_of(fd, true, out_address);
}
