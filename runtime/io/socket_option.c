/*
 * Options of sockets.
 *
 * REJECTED SO_LINGER with a time: close(2) then waits inside the kernel until all is sent, up to
 * that time, and the worker with all its tasks waits with it; io_uring's CLOSE does the same, for
 * it closes a socket inside the submission.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <weft/socket.h>

#include "runtime/base/check.h"
#include "runtime/base/sys.h"
#include "runtime/io/fd.h"

/* What the kernel calls each. */
static const struct {
    int level;
    int name;
} kernel_names[] = {
    [WEFT_SOCKET_NODELAY] = { IPPROTO_TCP, TCP_NODELAY },
    [WEFT_SOCKET_KEEPALIVE] = { 0, 0 }, /* three options of the kernel */
    [WEFT_SOCKET_SEND_BUFFER] = { SOL_SOCKET, SO_SNDBUF },
    [WEFT_SOCKET_RECEIVE_BUFFER] = { SOL_SOCKET, SO_RCVBUF },
    [WEFT_SOCKET_RESET] = { 0, 0 }, /* SO_LINGER, which is no number */
};

static int set_number(int number, int level, int name, int value)
{
    return weft__sys_set_option(number, level, name, &value, sizeof(value));
}

static int get_number(int number, int level, int name)
{
    int value = 0;
    int rc = weft__sys_get_option(number, level, name, &value, sizeof(value));
    return rc < 0 ? rc : value;
}

/* The times come first: a Unix socket, which has none, would take the switch and do nothing. */
static int set_keepalive(int number, int seconds)
{
    int rc = get_number(number, IPPROTO_TCP, TCP_KEEPIDLE);

    if (rc >= 0 && seconds > 0)
        rc = set_number(number, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
    if (rc >= 0 && seconds > 0)
        rc = set_number(number, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
    if (rc >= 0)
        rc = set_number(number, SOL_SOCKET, SO_KEEPALIVE, seconds > 0);
    return rc;
}

static int get_keepalive(int number)
{
    int idle = get_number(number, IPPROTO_TCP, TCP_KEEPIDLE);
    int on = idle < 0 ? idle : get_number(number, SOL_SOCKET, SO_KEEPALIVE);

    return on > 0 ? idle : on;
}

static int set_reset(int number, int reset)
{
    const struct linger linger = { .l_onoff = reset };

    if (reset > 1)
        return -EINVAL;
    return weft__sys_set_option(number, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static int get_reset(int number)
{
    struct linger linger = { 0 };
    int rc = weft__sys_get_option(number, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    return rc < 0 ? rc : linger.l_onoff != 0 && linger.l_linger == 0;
}

static int set_option(int number, weft_socket_option option, int value)
{
    if (value < 0)
        return -EINVAL;
    if (option == WEFT_SOCKET_KEEPALIVE)
        return set_keepalive(number, value);
    if (option == WEFT_SOCKET_RESET)
        return set_reset(number, value);
    return set_number(number, kernel_names[option].level, kernel_names[option].name, value);
}

static int get_option(int number, weft_socket_option option)
{
    if (option == WEFT_SOCKET_KEEPALIVE)
        return get_keepalive(number);
    if (option == WEFT_SOCKET_RESET)
        return get_reset(number);
    return get_number(number, kernel_names[option].level, kernel_names[option].name);
}

int weft_socket_set(weft_fd fd, weft_socket_option option, int value)
{
    int rc = 0;
    struct weft__fd *held = weft__fd_hold(fd, &rc);

    if (held == NULL)
        return rc;
    rc = (size_t)option < WEFT__COUNT(kernel_names) ? set_option(held->number, option, value)
                                                    : -EINVAL;
    weft__fd_let_go(held);
    return rc;
}

int weft_socket_get(weft_fd fd, weft_socket_option option)
{
    int rc = 0;
    struct weft__fd *held = weft__fd_hold(fd, &rc);

    if (held == NULL)
        return rc;
    rc = (size_t)option < WEFT__COUNT(kernel_names) ? get_option(held->number, option) : -EINVAL;
    weft__fd_let_go(held);
    return rc;
}
