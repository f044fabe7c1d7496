/* echo_64B_*: a server that sends back what comes; server.c, in another process, has it asked. */
#include <errno.h>
#include <stdio.h>
#include <weft.h>

#include "tools/bench/body.h"

struct hall {
    weft_fd listener;
    uint32_t left; /* connections that have not ended; one worker runs them all */
};

/* The frame of a task; what a message of 64 bytes needs, and room for eight. */
enum { piece_bytes = 512 };

static int echo(weft_fd connection, void *context)
{
    char piece[piece_bytes];
    struct hall *hall = context;
    ssize_t count;

    while ((count = weft_recv(connection, piece, sizeof(piece), WEFT_NEVER)) > 0)
        if (weft_send_all(connection, piece, (size_t)count, NULL, WEFT_NEVER) < 0)
            break;
    if (--hall->left == 0)
        (void)weft_close(hall->listener);
    return 0;
}

/* Where the client can find the server: the port alone, as every peer prints it. */
static int print_port(weft_fd listener)
{
    char text[WEFT_ADDRESS_TEXT];
    weft_address at;
    unsigned port = 0;
    int rc = weft_socket_local(listener, &at);

    if (rc == 0)
        rc = weft_address_text(&at, text);
    if (rc == 0 && sscanf(text, "127.0.0.1:%u", &port) == 1)
        rc = weft_printf("%u\n", port);
    return rc;
}

int weft__body_echo_run(void *argument)
{
    struct weft__body_run *run = argument;
    struct hall hall = { .left = run->connections };
    weft_address at;
    int rc = weft_address_parse("127.0.0.1:0", &at);

    hall.listener = rc == 0 ? weft_listen(&at, NULL) : rc;
    if (hall.listener < 0)
        return (int)hall.listener;
    rc = print_port(hall.listener);
    if (rc < 0)
        return rc;
    rc = weft_serve(hall.listener, echo, &hall, NULL, WEFT_NEVER);
    return rc == -EBADF && hall.left == 0 ? 0 : rc; /* it was closed when the last had ended */
}
