/*
 * A server that sends back what it gets, and a client that asks it.
 *   echo serve ADDRESS       until SIGTERM; whoever is being served may then go on for 5 seconds
 *   echo ask ADDRESS WORD... prints the words as they come back
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <weft.h>

static weft_notifier told_to_stop;

static void on_term(int signal)
{
    (void)signal;
    (void)weft_notifier_send(told_to_stop); /* a signal handler may do that */
}

/* A closed listener takes no more connections, and weft_serve returns when the last has ended. */
static int close_when_told(void *arg)
{
    (void)!weft_notifier_wait(told_to_stop, WEFT_NEVER);
    return weft_close(*(const weft_fd *)arg);
}

/* Runs as a task for each connection; what it returns harms no other. */
static int echo(weft_fd connection, void *context)
{
    char bytes[512];
    ssize_t count;

    (void)context;
    while ((count = weft_recv(connection, bytes, sizeof(bytes), weft_after(30 * WEFT_SECOND))) > 0)
        if ((count = weft_send_all(connection, bytes, (size_t)count, NULL,
                                   weft_after(30 * WEFT_SECOND))) < 0)
            break;
    return (int)count; /* weft_serve closes the connection */
}

static int serve(const weft_address *address)
{
    char text[WEFT_ADDRESS_TEXT];
    weft_address bound;
    weft_fd listener = weft_listen(address, NULL);
    if (listener < 0)
        return weft_fail((int)listener, NULL, "cannot listen there");
    told_to_stop = weft_notifier_create();
    weft_scope scope = weft_scope_open(NULL);
    weft_go_copy(scope, close_when_told, &listener, sizeof(listener));
    (void)signal(SIGTERM, on_term);
    int rc = weft_socket_local(listener, &bound); /* with the port that the kernel has chosen */
    if (rc == 0 && (rc = weft_address_text(&bound, text)) == 0) {
        weft_printf("listening on %s\n", text);
        rc = weft_serve(listener, echo, NULL, &WEFT_SERVE_OPTIONS(.drain_ns = 5 * WEFT_SECOND),
                        WEFT_NEVER);
    }
    weft_notifier_release(told_to_stop);  /* ends the wait of close_when_told in any case */
    int joined = weft_scope_close(scope); /* a failed create or spawn shows up here */
    return rc == -EBADF ? joined : rc;    /* -EBADF: the listener was closed, as it should be */
}

static int ask(const weft_address *address, char **words)
{
    char back[512];
    int rc = 0;
    weft_deadline until = weft_after(10 * WEFT_SECOND); /* for all of it */
    weft_fd fd = weft_connect(address, until);
    if (fd < 0)
        return weft_fail((int)fd, NULL, "cannot connect");
    for (; *words != NULL && rc == 0; words++) {
        size_t bytes = strnlen(*words, sizeof(back));
        rc = weft_send_all(fd, *words, bytes, NULL, until);
        if (rc == 0)
            rc = weft_recv_exactly(fd, back, bytes, NULL, until);
        if (rc == 0)
            weft_printf("%.*s\n", (int)bytes, back);
    }
    if (rc == 0)
        rc = weft_shutdown(fd, SHUT_WR); /* no more comes */
    if (rc == 0)
        rc = (int)weft_recv(fd, back, 1, until); /* 0: the server has ended its side too */
    weft_close(fd);
    return rc;
}

static int app(void *arg)
{
    const weft_arguments *arguments = arg;
    weft_address address;
    int rc = -EINVAL;
    if (arguments->count >= 3)
        rc = weft_address_parse(arguments->values[2], &address);
    if (rc == 0 && strcmp(arguments->values[1], "serve") == 0)
        return serve(&address);
    if (rc == 0 && strcmp(arguments->values[1], "ask") == 0)
        return ask(&address, arguments->values + 3);
    return weft_fail(-EINVAL, NULL, "usage: echo serve|ask ADDRESS [WORD...], such as 127.0.0.1:0");
}

int main(int argc, char **argv)
{
    return weft_main(argc, argv, app, NULL);
}
