/*
 * Addresses of sockets, from text and back. Names of hosts are not looked up: an address is
 * numeric, or the path of a Unix socket.
 */
#ifndef WEFT_ADDRESS_H
#define WEFT_ADDRESS_H

#include <weft/base.h>

enum { WEFT_ADDRESS_TEXT = 128 /* room for any address as text, its NUL included */ };

/* Copied like a number. Zeroed it is no address. */
typedef struct weft_address {
    uint32_t bytes;     /* length of the socket address in words; 0: none */
    uint64_t words[16]; /* a struct sockaddr_in, _in6 or _un, for calls that weft does not have */
} weft_address;

WEFT_BEGIN

/*
 * weft_address_parse - makes an address of a text
 * "127.0.0.1:80", "[::1]:80", "[fe80::1%2]:80" (the zone is a number), "unix:/path". Port 0 lets
 * the kernel choose one. A path may be relative; its name ends the text, whatever bytes it has.
 * @text:      the text
 * @out_address: room for it; untouched on error
 * Returns:    0
 * Errors:     -EINVAL for any other text, -ENAMETOOLONG for a path of more than 107 bytes
 * Ownership:  copied out
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       no allocation, no system call    Node: none
 * Since:      0.1    Source: RFC 3986 for the brackets, RFC 4007 for the zone
 */
WEFT_API WEFT_MUST_USE int weft_address_parse(const char *text, weft_address *out_address);

/*
 * weft_address_text - an address as weft_address_parse takes it
 * A Unix socket that has no path, as most ends that connect, is "unix:".
 * @address:   the address
 * @out_text:  room for it; untouched on error
 * Returns:    0
 * Errors:     -EINVAL when it is no address, -EAFNOSUPPORT when it is of another family
 * Ownership:  copied out
 * Context:    any task, any thread    Suspends: never
 * Cancel:     no effect
 * Ordering:   none
 * Cost:       no allocation, no system call    Node: none
 * Since:      0.1    Source: RFC 5952, as inet_ntop(3) has it
 */
WEFT_API WEFT_MUST_USE int weft_address_text(const weft_address *address,
                                             char out_text[WEFT_ADDRESS_TEXT]);

WEFT_END

#endif
