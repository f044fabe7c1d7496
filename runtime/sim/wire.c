#include "runtime/sim/wire.h"

#include <string.h>

static uint32_t smaller(size_t left, size_t right)
{
    return (uint32_t)(left < right ? left : right);
}

void weft__wire_init(struct weft__wire *wire, uint32_t room)
{
    wire->room = room;
    wire->end_ns = INT64_MAX;
    wire->cut_ns = INT64_MAX;
}

static int64_t arrival(struct weft__wire *wire, int64_t now_ns, int64_t delay_ns)
{
    int64_t at_ns = now_ns + delay_ns;

    if (at_ns > wire->last_ns)
        wire->last_ns = at_ns;
    return wire->last_ns;
}

/* A piece more; with too many of them the last one grows, and comes when its last byte does. */
static void add_piece(struct weft__wire *wire, uint32_t bytes, int64_t at_ns)
{
    if (wire->piece_count < WEFT__WIRE_PIECES)
        wire->piece_count++;
    uint32_t last = (wire->first_piece + wire->piece_count - 1) % WEFT__WIRE_PIECES;
    wire->pieces[last].bytes += bytes;
    wire->pieces[last].at_ns = at_ns;
}

uint32_t weft__wire_put(struct weft__wire *wire, const char *bytes, size_t count, int64_t now_ns,
                        int64_t delay_ns)
{
    uint32_t taken = smaller(count, wire->room - wire->count);

    if (taken == 0)
        return 0;
    for (uint32_t done = 0; done < taken;) {
        uint32_t at = (wire->head + wire->count) % WEFT__WIRE_BYTES;
        uint32_t run = smaller(taken - done, WEFT__WIRE_BYTES - at);
        memcpy(wire->bytes + at, bytes + done, run);
        wire->count += run;
        done += run;
    }
    add_piece(wire, taken, arrival(wire, now_ns, delay_ns));
    return taken;
}

uint32_t weft__wire_arrived(const struct weft__wire *wire, int64_t now_ns)
{
    uint32_t arrived = 0;

    for (uint32_t i = 0; i < wire->piece_count; i++) {
        uint32_t piece = (wire->first_piece + i) % WEFT__WIRE_PIECES;
        if (wire->pieces[piece].at_ns > now_ns)
            break;
        arrived += wire->pieces[piece].bytes;
    }
    return arrived;
}

/* The oldest bytes go. */
static void drop(struct weft__wire *wire, uint32_t bytes)
{
    wire->head = (wire->head + bytes) % WEFT__WIRE_BYTES;
    wire->count -= bytes;
    while (bytes > 0) {
        uint32_t run = smaller(bytes, wire->pieces[wire->first_piece].bytes);
        wire->pieces[wire->first_piece].bytes -= run;
        bytes -= run;
        if (wire->pieces[wire->first_piece].bytes == 0) {
            wire->first_piece = (wire->first_piece + 1) % WEFT__WIRE_PIECES;
            wire->piece_count--;
        }
    }
}

void weft__wire_drop_all(struct weft__wire *wire)
{
    drop(wire, wire->count);
}

uint32_t weft__wire_take(struct weft__wire *wire, char *out_bytes, size_t most, int64_t now_ns,
                         size_t skip, bool peek)
{
    uint32_t arrived = weft__wire_arrived(wire, now_ns);
    uint32_t taken = skip < arrived ? smaller(most, arrived - skip) : 0;

    for (uint32_t done = 0; done < taken;) {
        uint32_t at = (wire->head + (uint32_t)skip + done) % WEFT__WIRE_BYTES;
        uint32_t run = smaller(taken - done, WEFT__WIRE_BYTES - at);
        memcpy(out_bytes + done, wire->bytes + at, run);
        done += run;
    }
    if (!peek)
        drop(wire, taken);
    return taken;
}

void weft__wire_end(struct weft__wire *wire, int64_t now_ns, int64_t delay_ns)
{
    if (wire->end_ns == INT64_MAX)
        wire->end_ns = arrival(wire, now_ns, delay_ns);
}

static int64_t later(int64_t at_ns, int64_t now_ns, int64_t next_ns)
{
    return at_ns > now_ns && at_ns < next_ns ? at_ns : next_ns;
}

int64_t weft__wire_next(const struct weft__wire *wire, int64_t now_ns)
{
    int64_t next_ns = INT64_MAX;

    for (uint32_t i = 0; i < wire->piece_count; i++)
        next_ns = later(wire->pieces[(wire->first_piece + i) % WEFT__WIRE_PIECES].at_ns, now_ns,
                        next_ns);
    next_ns = later(wire->end_ns, now_ns, next_ns);
    return later(wire->cut_ns, now_ns, next_ns);
}
