/*
 * One direction of a simulated connection: bytes on their way, and bytes that have come and were
 * not read. They arrive in order, in pieces, each with a delay of its own; a wire holds so many
 * and no more, and what it does not hold the writer keeps.
 */
#ifndef WEFT_SIM_WIRE_H
#define WEFT_SIM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WEFT__WIRE_BYTES = 1 << 16, WEFT__WIRE_PIECES = 32 };

struct weft__wire {
    uint32_t room;  /* bytes that it holds, at most WEFT__WIRE_BYTES */
    uint32_t head;  /* of the oldest byte in bytes */
    uint32_t count; /* of bytes, on their way too */
    uint32_t first_piece;
    uint32_t piece_count;
    struct {
        uint32_t bytes;
        int64_t at_ns; /* when it arrives */
    } pieces[WEFT__WIRE_PIECES];
    int64_t last_ns; /* nothing arrives before this */
    int64_t end_ns;  /* when the end of the stream arrives; INT64_MAX: it was not ended */
    int64_t cut_ns;  /* when it is torn; INT64_MAX: not yet */
    bool deaf;       /* nobody reads it any more */
    char bytes[WEFT__WIRE_BYTES];
};

void weft__wire_init(struct weft__wire *wire, uint32_t room);

/* Takes what there is room for; how many bytes. They arrive @delay_ns later, or behind others. */
uint32_t weft__wire_put(struct weft__wire *wire, const char *bytes, size_t count, int64_t now_ns,
                        int64_t delay_ns);

/* Copies up to @most of the bytes that have arrived; @peek leaves them. */
uint32_t weft__wire_take(struct weft__wire *wire, char *out_bytes, size_t most, int64_t now_ns,
                         size_t skip, bool peek);

uint32_t weft__wire_arrived(const struct weft__wire *wire, int64_t now_ns);

/* What is in it is lost. */
void weft__wire_drop_all(struct weft__wire *wire);

/* The end of the stream arrives behind all bytes. */
void weft__wire_end(struct weft__wire *wire, int64_t now_ns, int64_t delay_ns);

/* When something arrives that has not yet; INT64_MAX: nothing is on its way. */
int64_t weft__wire_next(const struct weft__wire *wire, int64_t now_ns);

#endif
