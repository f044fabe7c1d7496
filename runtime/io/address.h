/* Addresses as the kernel has them. */
#ifndef WEFT_IO_ADDRESS_H
#define WEFT_IO_ADDRESS_H

#include <sys/socket.h>

#include <weft/address.h>

static inline const struct sockaddr *weft__address_kernel(const weft_address *address)
{
    return (const struct sockaddr *)address->words;
}

/* The family of an address; -EINVAL when it has none, or is longer than it can be. */
int weft__address_family(const weft_address *address);

#endif
