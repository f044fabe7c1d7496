#include "tests/support/sockets.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/atomic.h"
#include "tests/support/expect.h"

#define UNIX_PREFIX "unix:"

weft_address sockets_place(int kind)
{
    static const char *const texts[] = { "127.0.0.1:0", "[::1]:0" };
    static _Atomic uint32_t count;
    char path[WEFT_ADDRESS_TEXT];
    weft_address address = { 0 };

    (void)snprintf(path, sizeof(path), UNIX_PREFIX "/tmp/weft-socket-%d-%u", (int)getpid(),
                   weft__add_relaxed(&count, 1));
    EXPECT_EQ(weft_address_parse(kind < 2 ? texts[kind] : path, &address), 0);
    return address;
}

void sockets_forget(const weft_address *address)
{
    char text[WEFT_ADDRESS_TEXT] = "";

    (void)!weft_address_text(address, text);
    if (strncmp(text, UNIX_PREFIX, sizeof(UNIX_PREFIX) - 1) == 0)
        (void)unlink(text + sizeof(UNIX_PREFIX) - 1);
}

weft_fd sockets_listen(int kind, weft_address *out_address)
{
    weft_address address = sockets_place(kind);
    weft_fd listener = weft_listen(&address, NULL);

    EXPECT(listener > 0);
    EXPECT_EQ(weft_socket_local(listener, out_address), 0);
    return listener;
}

/* A connection to the backlog is made before anybody accepts. */
void sockets_pair(int kind, weft_fd out_ends[2])
{
    weft_address address = { 0 };
    weft_fd listener = sockets_listen(kind, &address);

    out_ends[0] = weft_connect(&address, WEFT_NEVER);
    EXPECT(out_ends[0] > 0);
    out_ends[1] = weft_accept(listener, NULL, WEFT_NEVER);
    EXPECT(out_ends[1] > 0);
    EXPECT_EQ(weft_close(listener), 0);
    sockets_forget(&address);
}
