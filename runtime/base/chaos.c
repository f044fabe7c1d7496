#include "runtime/base/chaos.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/lock.h"
#include "runtime/base/random.h"

enum { most_one_in = 1000000, past_the_spin = 1 << 20, most_pauses = 2048 };

struct kind {
    const char *name;
    uint32_t usual;          /* (i) one in so many */
    _Atomic uint32_t one_in; /* as it was set */
    _Atomic uint64_t count;
};

_Atomic uint32_t weft__chaos_armed;

static _Atomic uint64_t seed;
static _Atomic uint64_t rolls;

static struct kind kinds[WEFT__CHAOS_COUNT] = {
#define KIND(kind, text, chance) { .name = text, .usual = chance },
    WEFT__CHAOS_KINDS(KIND)
#undef KIND
};

/* Each roll has a number of its own: with one thread, one seed always gives the same. */
static uint64_t next_random(void)
{
    struct weft__random random;

    weft__random_init(&random, weft__load_relaxed(&seed) ^ weft__add_relaxed(&rolls, 1) << 20);
    (void)weft__random_next(&random);
    return weft__random_next(&random) >> 16;
}

bool weft__chaos_roll(enum weft__chaos_kind kind)
{
    struct kind *self = &kinds[kind];

    if ((weft__load_relaxed(&weft__chaos_armed) >> kind & 1) == 0 ||
        next_random() % weft__load_relaxed(&self->one_in) != 0)
        return false;
    weft__add_relaxed(&self->count, 1);
    return true;
}

/* Mostly a spin: on a machine that is busy, giving the CPU away costs whole time slices. */
void weft__chaos_pause_now(enum weft__chaos_kind kind)
{
    if (!weft__chaos_roll(kind))
        return;
    uint64_t pauses = next_random() % most_pauses;
    if (pauses == 0)
        weft__lock_backoff(past_the_spin);
    for (; pauses > 0; pauses--)
        weft__pause();
}

uint64_t weft__chaos_count(enum weft__chaos_kind kind)
{
    return weft__load_relaxed(&kinds[kind].count);
}

void weft__chaos_off(void)
{
    weft__store_relaxed(&weft__chaos_armed, 0);
}

/* ---- WEFT_CHAOS ---- */

/* A decimal number at *text, which moves behind it. False: none, or too large. */
static bool take_number(const char **text, uint64_t most, uint64_t *out_number)
{
    uint64_t number = 0;
    const char *at = *text;

    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (number > (most - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    bool found = at != *text;
    *text = at;
    *out_number = number;
    return found;
}

/* The kind named at *text, which moves behind the name; WEFT__CHAOS_COUNT: none is called so. */
static unsigned take_kind(const char **text)
{
    size_t length = strcspn(*text, ",=");
    unsigned kind = 0;

    while (kind < WEFT__CHAOS_COUNT &&
           (strlen(kinds[kind].name) != length || strncmp(kinds[kind].name, *text, length) != 0))
        kind++;
    *text += length;
    return kind;
}

static int complain(char *out_text, size_t text_bytes, const char *value, const char *what)
{
    size_t used = (size_t)snprintf(out_text, text_bytes, "WEFT_CHAOS is \"%.40s\"; %s", value,
                                   what);

    for (unsigned kind = 0; kind < WEFT__CHAOS_COUNT && used < text_bytes; kind++)
        used += (size_t)snprintf(out_text + used, text_bytes - used, "%s%s",
                                 kind == 0 ? "; kinds are " : ", ", kinds[kind].name);
    return -EINVAL;
}

/* Takes ",KIND[=N]" at *text. NULL, or what is wrong with it. */
static const char *take_option(const char **text, uint32_t one_in[WEFT__CHAOS_COUNT])
{
    uint64_t number = 0;

    if (**text != ',')
        return "it must be SEED or SEED,KIND[=N],... with a number as seed";
    (*text)++;
    unsigned kind = take_kind(text);
    if (kind == WEFT__CHAOS_COUNT)
        return "no kind is called so";
    one_in[kind] = kinds[kind].usual;
    if (**text != '=')
        return NULL;
    (*text)++;
    if (!take_number(text, most_one_in, &number) || number == 0)
        return "one in N must be 1 to 1000000";
    one_in[kind] = (uint32_t)number;
    return NULL;
}

int weft__chaos_set(const char *value, char *out_text, size_t text_bytes)
{
    uint32_t one_in[WEFT__CHAOS_COUNT] = { 0 };
    uint32_t armed = 0;
    uint64_t number = 0;
    const char *at = value;

    if (value == NULL || value[0] == '\0')
        return 0;
    const char *wrong = take_number(&at, UINT64_MAX, &number)
                            ? NULL
                            : "it must be SEED or SEED,KIND[=N],... with a number as seed";
    bool all = *at == '\0';
    while (wrong == NULL && *at != '\0')
        wrong = take_option(&at, one_in);
    if (wrong != NULL)
        return complain(out_text, text_bytes, value, wrong);
    for (unsigned kind = 0; kind < WEFT__CHAOS_COUNT; kind++) {
        weft__store_relaxed(&kinds[kind].one_in, all ? kinds[kind].usual : one_in[kind]);
        weft__store_relaxed(&kinds[kind].count, 0);
        if (all || one_in[kind] != 0)
            armed |= 1u << kind;
    }
    weft__store_relaxed(&seed, number);
    weft__store_relaxed(&rolls, 0);
    weft__store_relaxed(&weft__chaos_armed, armed);
    return 0;
}
