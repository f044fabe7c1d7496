/*
 * Stream sockets: TCP over IPv4 and IPv6, and Unix. A socket is a weft_fd: weft_close ends it, and
 * with it every call that waits on it (-EBADF). Each call parks only its task. A peer that is gone
 * is -EPIPE or -ECONNRESET from a call, never a signal.
 *
 * One task may receive while another sends on the same socket, on any workers. Two that send at the
 * same time should hold a mutex: the parts of their messages may mix.
 */
#ifndef WEFT_SOCKET_H
#define WEFT_SOCKET_H

#include <weft/address.h>
#include <weft/base.h>
#include <weft/error.h>
#include <weft/time.h>

/*
 * @backlog:    how many connections the kernel keeps until weft_accept takes them; 0: what it
 *              allows at most (net.core.somaxconn)
 * @reuse_port: 1: several sockets may listen on the port, and the kernel spreads over them
 * @v6_only:    1: a socket on [::] takes no IPv4 connections
 */
typedef struct weft_listen_options {
    size_t size; /* sizeof(weft_listen_options) */
    int backlog;
    int reuse_port;
    int v6_only;
} weft_listen_options;

#define WEFT_LISTEN_OPTIONS_INIT { sizeof(weft_listen_options), 0, 0, 0 }
#ifndef __cplusplus
#define WEFT_LISTEN_OPTIONS(...) \
    ((weft_listen_options){ .size = sizeof(weft_listen_options), __VA_ARGS__ })
#endif

typedef enum weft_socket_option {
    WEFT_SOCKET_NODELAY,        /* TCP: 1 (weft's default): a send goes out at once */
    WEFT_SOCKET_KEEPALIVE,      /* TCP: seconds of silence between probes of the peer; 0: none */
    WEFT_SOCKET_SEND_BUFFER,    /* bytes; the kernel takes twice as much, and says so */
    WEFT_SOCKET_RECEIVE_BUFFER, /* the same */
    WEFT_SOCKET_RESET           /* 1: weft_close drops what is unsent and resets the connection */
} weft_socket_option;

struct iovec; /* of <sys/uio.h> */

WEFT_BEGIN

/*
 * weft_listen - makes a socket that takes connections
 * An address of TCP that was in use until just now can be had at once. The path of a Unix socket
 * stays when the socket is closed: unlink it, or the next weft_listen gets -EADDRINUSE. A socket on
 * [::] takes IPv4 too, unless told otherwise.
 * @address:   where; with port 0 ask weft_socket_local for the one that the kernel has chosen
 * @options:   NULL for the defaults
 * Returns:    the socket; end it with weft_close
 * Errors:     -EADDRINUSE, -EADDRNOTAVAIL, -EACCES and others of bind(2) and socket(2), -EINVAL for
 *             options of a wrong size or what is no address, -EMFILE, -ENFILE, -ENOMEM
 * Ownership:  the caller owns the socket
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       a few system calls    Node: none
 * Since:      0.1    Source: listen(2)
 */
WEFT_API WEFT_MUST_USE weft_fd weft_listen(const weft_address *address,
                                           const weft_listen_options *options);

/*
 * weft_accept - takes the next connection of a listening socket
 * Any number of tasks may wait for one; each connection goes to one of them. With the compat engine
 * the listening socket is O_NONBLOCK from the first call on, for all who share it: no flag says it
 * for one call, and between a look and a call another process may take the connection.
 * @listener:  made by weft_listen, or adopted
 * @out_peer:  NULL, or room for the address of the other end; untouched on error
 * @until:     how long to wait
 * Returns:    the connection; end it with weft_close
 * Errors:     -EMFILE, -ENFILE, -ECONNABORTED and others of accept(2), -ENOTSOCK, -EBADF,
 *             -ETIMEDOUT, -ECANCELED, -EPERM outside a task, -ENOMEM
 * Ownership:  the caller owns the connection
 * Context:    any task    Suspends: until a connection is there
 * Cancel:     asks the kernel; a connection that has come all the same is returned, not lost
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring ACCEPT
 */
WEFT_API WEFT_MUST_USE weft_fd weft_accept(weft_fd listener, weft_address *out_peer,
                                           weft_deadline until);

/*
 * weft_connect - makes a connection
 * @address:   where to
 * @until:     how long to wait for the other end
 * Returns:    the connection; end it with weft_close
 * Errors:     -ECONNREFUSED, -ENETUNREACH, -EHOSTUNREACH, -ENOENT (no such path) and others of
 *             connect(2) and socket(2), -EINVAL when it is no address, -EMFILE, -ENFILE,
 *             -ETIMEDOUT (also the kernel's own, after minutes), -ECANCELED, -EPERM outside a
 *             task, -ENOMEM
 * Ownership:  the caller owns the connection; after an error there is none
 * Context:    any task    Suspends: until the other end has taken or refused it
 * Cancel:     asks the kernel; the other end may have seen a connection that is closed again
 * Ordering:   none
 * Cost:       one submission, two system calls    Node: none
 * Since:      0.1    Source: io_uring CONNECT
 */
WEFT_API WEFT_MUST_USE weft_fd weft_connect(const weft_address *address, weft_deadline until);

/*
 * weft_recv - receives what is there, or waits for something
 * @fd:        a connection
 * @buffer:    room for bytes
 * @bytes:     at most so many; up to 2 GiB - 4 KiB; of 0 the answer is 0 at once
 * @until:     how long to wait
 * Returns:    the count; 0 when the other end has ended its sending
 * Errors:     -ECONNRESET and others of recv(2), -ENOTSOCK, -ENOTCONN, -EBADF, -ETIMEDOUT,
 *             -ECANCELED, -EPERM outside a task
 * Ownership:  buffer is the kernel's until the return
 * Context:    any task    Suspends: until something has come
 * Cancel:     asks the kernel; what has come is returned, not lost
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring RECV
 */
WEFT_API WEFT_MUST_USE ssize_t weft_recv(weft_fd fd, void *buffer, size_t bytes,
                                         weft_deadline until);

/*
 * weft_recv_exactly - receives so many bytes, however they come
 * @fd:        a connection
 * @buffer:    room for bytes
 * @bytes:     how many
 * @done:      NULL, or how many of them are in buffer already, 0 at first. The call counts there
 *             what comes, also when it fails: called again with the same it goes on, and after
 *             -EPIPE a 0 says that the other end has stopped between messages, not within one
 * @until:     how long to wait for all
 * Returns:    0 when all are there
 * Errors:     -EPIPE when the other end has ended before, -EINVAL when done is more than bytes, or
 *             as weft_recv
 * Ownership:  as weft_recv
 * Context:    any task    Suspends: until all have come
 * Cancel:     as weft_recv; what has come is counted in done
 * Ordering:   none
 * Cost:       one submission for each part that comes    Node: none
 * Since:      0.1    Source: MSG_WAITALL of recv(2), which does not say how far it came
 */
WEFT_API WEFT_MUST_USE int weft_recv_exactly(weft_fd fd, void *buffer, size_t bytes, size_t *done,
                                             weft_deadline until);

/*
 * weft_recv_vector - receives into several buffers, each filled before the next
 * @fd:        a connection
 * @parts:     where the buffers are, and how large
 * @part_count: how many; up to 1,024
 * @until:     how long to wait
 * Returns:    the count of all together, as weft_recv
 * Errors:     -EMSGSIZE for too many parts, or as weft_recv
 * Ownership:  parts and buffers are the kernel's until the return
 * Context:    any task    Suspends: until something has come
 * Cancel:     as weft_recv
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring RECVMSG
 */
WEFT_API WEFT_MUST_USE ssize_t weft_recv_vector(weft_fd fd, const struct iovec *parts,
                                                size_t part_count, weft_deadline until);

/*
 * weft_send - sends as much as the kernel takes at once
 * @fd:        a connection
 * @buffer:    bytes to send
 * @bytes:     as weft_recv
 * @until:     how long to wait for room
 * Returns:    the count, which may be less than bytes
 * Errors:     -EPIPE (never with a signal), -ECONNRESET and others of send(2), -ENOTSOCK,
 *             -ENOTCONN, -EBADF, -ETIMEDOUT, -ECANCELED, -EPERM outside a task
 * Ownership:  buffer is the kernel's until the return, and the caller's again from then on
 * Context:    any task    Suspends: until the kernel has room
 * Cancel:     asks the kernel; what it has taken is returned as count
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring SEND
 */
WEFT_API WEFT_MUST_USE ssize_t weft_send(weft_fd fd, const void *buffer, size_t bytes,
                                         weft_deadline until);

/*
 * weft_send_all - sends all bytes
 * @fd:        a connection
 * @buffer:    bytes to send
 * @bytes:     how many
 * @done:      NULL, or how many of them have been sent already, 0 at first; counted on as
 *             weft_recv_exactly does, so that the same call goes on where it stopped
 * @until:     how long to wait until the kernel has taken all
 * Returns:    0 when the kernel has all; that the other end has them nothing but its answer tells
 * Errors:     -EINVAL when done is more than bytes, or as weft_send
 * Ownership:  as weft_send
 * Context:    any task    Suspends: until the kernel has taken all
 * Cancel:     as weft_send; what was sent is counted in done, and can't be called back
 * Ordering:   none
 * Cost:       one submission for each part that the kernel takes    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_send_all(weft_fd fd, const void *buffer, size_t bytes, size_t *done,
                                         weft_deadline until);

/*
 * weft_send_vector - sends several buffers, one after the other, as weft_send does
 * @fd:        a connection
 * @parts:     where the buffers are, and how large
 * @part_count: how many; up to 1,024
 * @until:     how long to wait for room
 * Returns:    the count of all together, which may be less than they have
 * Errors:     -EMSGSIZE for too many parts, or as weft_send
 * Ownership:  parts and buffers are the kernel's until the return
 * Context:    any task    Suspends: until the kernel has room
 * Cancel:     as weft_send
 * Ordering:   none
 * Cost:       one submission    Node: none
 * Since:      0.1    Source: io_uring SENDMSG
 */
WEFT_API WEFT_MUST_USE ssize_t weft_send_vector(weft_fd fd, const struct iovec *parts,
                                                size_t part_count, weft_deadline until);

/*
 * weft_send_vector_all - sends several buffers to their end, one after the other
 * @fd:        a connection
 * @parts:     where the buffers are, and how large; unchanged
 * @part_count: how many; no bound
 * @done:      NULL, or how many bytes of all together have been sent already, 0 at first; counted
 *             on as weft_send_all does, so that the same call goes on where it stopped
 * @until:     how long to wait until the kernel has taken all
 * Returns:    0 when the kernel has all
 * Errors:     -EINVAL when done is more than all parts together, or those are more than a size_t
 *             holds; or as weft_send
 * Ownership:  parts and buffers are the kernel's until the return
 * Context:    any task    Suspends: until the kernel has taken all
 * Cancel:     as weft_send; what was sent is counted in done, and can't be called back
 * Ordering:   none
 * Cost:       one submission for 16 parts, more when the kernel takes less    Node: none
 * Since:      0.1    Source: original
 */
WEFT_API WEFT_MUST_USE int weft_send_vector_all(weft_fd fd, const struct iovec *parts,
                                                size_t part_count, size_t *done,
                                                weft_deadline until);

/*
 * weft_shutdown - ends one direction of a connection, or both; the handle stays open
 * Whoever receives at the other end gets what was sent, then 0. Who waits in weft_recv at this end
 * gets 0 when receiving is shut down, who waits in weft_send gets -EPIPE when sending is.
 * @fd:        a connection; on a listening socket SHUT_RD ends the waits for connections
 * @how:       SHUT_RD, SHUT_WR or SHUT_RDWR of <sys/socket.h>
 * Returns:    0
 * Errors:     -ENOTCONN, -EINVAL for another how, -ENOTSOCK, -EBADF
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one system call    Node: none
 * Since:      0.1    Source: shutdown(2)
 */
WEFT_API WEFT_MUST_USE int weft_shutdown(weft_fd fd, int how);

/*
 * weft_socket_set - changes an option of a socket
 * Connections inherit what their listening socket has. That a close waits until all is sent
 * (SO_LINGER with a time) is not among them: it would hold up all tasks of the worker. Shut down
 * sending, and receive until 0, to know that the other end has all.
 * @fd:        a socket
 * @option:    of enum weft_socket_option
 * @value:     >= 0, as the option says
 * Returns:    0
 * Errors:     -EINVAL for another option or a value that it can't have, -EOPNOTSUPP for an option
 *             of TCP on a Unix socket, -ENOTSOCK, -EBADF
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one system call, or three    Node: none
 * Since:      0.1    Source: setsockopt(2), tcp(7)
 */
WEFT_API WEFT_MUST_USE int weft_socket_set(weft_fd fd, weft_socket_option option, int value);

/*
 * weft_socket_get - what an option of a socket is
 * @fd:        a socket
 * @option:    of enum weft_socket_option
 * Returns:    its value, as weft_socket_set takes it; of a buffer the size that the kernel has made
 *             of it
 * Errors:     -EINVAL for another option, -EOPNOTSUPP for an option of TCP on a Unix socket,
 *             -ENOTSOCK, -EBADF
 * Ownership:  unchanged
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one system call, or two    Node: none
 * Since:      0.1    Source: getsockopt(2)
 */
WEFT_API WEFT_MUST_USE int weft_socket_get(weft_fd fd, weft_socket_option option);

/*
 * weft_socket_local - the address of this end of a socket
 * @fd:        a socket
 * @out_address: room for it; untouched on error
 * Returns:    0
 * Errors:     -ENOTSOCK, -EBADF
 * Ownership:  copied out
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one system call    Node: none
 * Since:      0.1    Source: getsockname(2)
 */
WEFT_API WEFT_MUST_USE int weft_socket_local(weft_fd fd, weft_address *out_address);

/*
 * weft_socket_peer - the address of the other end of a connection
 * @fd:        a connection
 * @out_address: room for it; untouched on error
 * Returns:    0
 * Errors:     -ENOTCONN, -ENOTSOCK, -EBADF
 * Ownership:  copied out
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       one system call    Node: none
 * Since:      0.1    Source: getpeername(2)
 */
WEFT_API WEFT_MUST_USE int weft_socket_peer(weft_fd fd, weft_address *out_address);

WEFT_END

#endif
