#include "runtime/io/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "runtime/base/check.h"
#include "runtime/task/record.h"

#define UNIX_PREFIX "unix:"

enum { port_max = 65535, path_offset = offsetof(struct sockaddr_un, sun_path) };

_Static_assert(sizeof(((weft_address *)NULL)->words) >= sizeof(struct sockaddr_storage),
               "what the kernel hands out fits");

int weft__address_family(const weft_address *address)
{
    sa_family_t family = AF_UNSPEC;

    if (address->bytes < sizeof(family) || address->bytes > sizeof(address->words))
        return -EINVAL;
    memcpy(&family, address->words, sizeof(family));
    return family;
}

/* All of @text as a decimal number. */
static int parse_number(const char *text, uint32_t most, uint32_t *out_number)
{
    uint64_t number = 0;
    const char *digit = text;

    for (; *digit >= '0' && *digit <= '9' && number <= most; digit++)
        number = number * 10 + (uint64_t)(*digit - '0');
    if (digit == text || *digit != '\0' || number > most)
        return -EINVAL;
    *out_number = (uint32_t)number;
    return 0;
}

/* The bytes from @text up to @end as a string of its own. */
static int cut(const char *text, const char *end, char *out_part, size_t part_bytes)
{
    size_t length = (size_t)(end - text);

    if (length >= part_bytes)
        return -EINVAL;
    memcpy(out_part, text, length);
    out_part[length] = '\0';
    return 0;
}

static void fill(weft_address *out_address, const void *kernel, uint32_t bytes)
{
    *out_address = (weft_address){ .bytes = bytes };
    memcpy(out_address->words, kernel, bytes);
}

static int parse_unix(const char *path, weft_address *out_address)
{
    struct sockaddr_un made = { .sun_family = AF_UNIX };
    size_t length = strlen(path);

    if (length == 0)
        return -EINVAL;
    if (length >= sizeof(made.sun_path))
        return -ENAMETOOLONG;
    memcpy(made.sun_path, path, length);
    fill(out_address, &made, (uint32_t)(path_offset + length + 1));
    return 0;
}

static int parse_v4(const char *text, const char *colon, weft_address *out_address)
{
    struct sockaddr_in made = { .sin_family = AF_INET };
    char host[INET_ADDRSTRLEN];
    uint32_t port = 0;

    if (cut(text, colon, host, sizeof(host)) < 0 || inet_pton(AF_INET, host, &made.sin_addr) != 1 ||
        parse_number(colon + 1, port_max, &port) < 0)
        return -EINVAL;
    made.sin_port = htons((uint16_t)port);
    fill(out_address, &made, sizeof(made));
    return 0;
}

/* @text is behind the opening bracket. */
static int parse_v6(const char *text, weft_address *out_address)
{
    struct sockaddr_in6 made = { .sin6_family = AF_INET6 };
    char host[INET6_ADDRSTRLEN + sizeof("%4294967295")];
    uint32_t port = 0;
    const char *bracket = strchr(text, ']');

    if (bracket == NULL || bracket[1] != ':' || cut(text, bracket, host, sizeof(host)) < 0)
        return -EINVAL;
    char *zone = strchr(host, '%');
    if (zone != NULL) {
        *zone = '\0';
        if (parse_number(zone + 1, UINT32_MAX, &made.sin6_scope_id) < 0)
            return -EINVAL;
    }
    if (inet_pton(AF_INET6, host, &made.sin6_addr) != 1 ||
        parse_number(bracket + 2, port_max, &port) < 0)
        return -EINVAL;
    made.sin6_port = htons((uint16_t)port);
    fill(out_address, &made, sizeof(made));
    return 0;
}

int weft_address_parse(const char *text, weft_address *out_address)
{
    WEFT_NEED(text);
    WEFT_NEED(out_address);
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    if (strncmp(text, UNIX_PREFIX, sizeof(UNIX_PREFIX) - 1) == 0)
        return parse_unix(text + sizeof(UNIX_PREFIX) - 1, out_address);
    if (text[0] == '[')
        return parse_v6(text + 1, out_address);
    const char *colon = strchr(text, ':');
    return colon == NULL ? -EINVAL : parse_v4(text, colon, out_address);
}

static int text_of_v4(const weft_address *address, char *out_text)
{
    char host[INET_ADDRSTRLEN];
    struct sockaddr_in from;

    if (address->bytes < sizeof(from))
        return -EINVAL;
    memcpy(&from, address->words, sizeof(from));
    (void)inet_ntop(AF_INET, &from.sin_addr, host, sizeof(host));
    (void)snprintf(out_text, WEFT_ADDRESS_TEXT, "%s:%u", host, ntohs(from.sin_port));
    return 0;
}

static int text_of_v6(const weft_address *address, char *out_text)
{
    char host[INET6_ADDRSTRLEN];
    char zone[16] = "";
    struct sockaddr_in6 from;

    if (address->bytes < sizeof(from))
        return -EINVAL;
    memcpy(&from, address->words, sizeof(from));
    (void)inet_ntop(AF_INET6, &from.sin6_addr, host, sizeof(host));
    if (from.sin6_scope_id != 0)
        (void)snprintf(zone, sizeof(zone), "%%%u", from.sin6_scope_id);
    (void)snprintf(out_text, WEFT_ADDRESS_TEXT, "[%s%s]:%u", host, zone, ntohs(from.sin6_port));
    return 0;
}

static int text_of_unix(const weft_address *address, char *out_text)
{
    struct sockaddr_un from = { .sun_family = AF_UNIX };

    if (address->bytes > sizeof(from))
        return -EINVAL;
    memcpy(&from, address->words, address->bytes);
    (void)snprintf(out_text, WEFT_ADDRESS_TEXT, UNIX_PREFIX "%.*s", (int)sizeof(from.sun_path),
                   from.sun_path);
    return 0;
}

int weft_address_text(const weft_address *address, char out_text[WEFT_ADDRESS_TEXT])
{
    WEFT_NEED(address);
    WEFT_NEED(out_text);
    if (weft__load_relaxed(&weft__record_forked))
        return -EOWNERDEAD;
    switch (weft__address_family(address)) {
    case -EINVAL: return -EINVAL;
    case AF_INET: return text_of_v4(address, out_text);
    case AF_INET6: return text_of_v6(address, out_text);
    case AF_UNIX: return text_of_unix(address, out_text);
    default: return -EAFNOSUPPORT;
    }
}
