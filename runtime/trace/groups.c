#include "runtime/trace/groups.h"

#include <string.h>

static uint64_t hash_of(const struct weft__frames *frames)
{
    uint64_t hash = frames->end;

    for (uint32_t i = 0; i < frames->count; i++)
        hash = (hash ^ frames->at[i]) * UINT64_C(0x9E3779B97F4A7C15) ^ hash >> 29;
    return hash;
}

static bool equal(const struct weft__frames *one, const struct weft__frames *other)
{
    return one->count == other->count && one->end == other->end &&
           memcmp(one->at, other->at, one->count * sizeof(one->at[0])) == 0;
}

uint32_t weft__groups_add(struct weft__groups *groups, const struct weft__frames *frames)
{
    uint64_t hash = hash_of(frames);
    size_t slot = (size_t)(hash >> 32) % WEFT__COUNT(groups->slots);

    for (; groups->slots[slot] != 0; slot = (slot + 1) % WEFT__COUNT(groups->slots)) {
        struct weft__group *group = &groups->groups[groups->slots[slot] - 1];
        if (group->hash != hash || !equal(&group->frames, frames))
            continue;
        group->tasks++;
        return groups->slots[slot];
    }
    if (groups->count == WEFT__GROUPS)
        return 0;
    struct weft__group *made = &groups->groups[groups->count++];
    made->hash = hash;
    made->tasks = 1;
    made->frames = *frames;
    groups->slots[slot] = (uint16_t)groups->count;
    return groups->count;
}
