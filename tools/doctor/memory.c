/* Mappings, huge pages, overcommit, and the allocator. */
#include <stdio.h>
#include <string.h>

#include "runtime/task/guard.h"
#include "tools/doctor/doctor.h"

enum { MAPS_WISHED = 1048576 };

/* "always [madvise] never": the word in brackets. */
static bool find_chosen(const char *line, char *out_word, size_t word_bytes)
{
    const char *open = strchr(line, '[');
    const char *close = open != NULL ? strchr(open, ']') : NULL;

    if (close == NULL)
        return false;
    (void)snprintf(out_word, word_bytes, "%.*s", (int)(close - open - 1), open + 1);
    return true;
}

static void check_huge_pages(struct weft__findings *findings, const char *root)
{
    static const char path[] = "/sys/kernel/mm/transparent_hugepage/enabled";
    char line[128];
    char chosen[32];

    if (!weft__doctor_read(root, path, line, sizeof(line)) ||
        !find_chosen(line, chosen, sizeof(chosen))) {
        (void)weft__findings_add(findings, "memory", "huge pages", WEFT__FINDING_OK,
                                 "this kernel has no transparent ones");
        return;
    }
    if (strcmp(chosen, "never") != 0) {
        (void)weft__findings_add(findings, "memory", "huge pages", WEFT__FINDING_OK,
                                 "transparent: %s; stacks and rings go without in any case",
                                 chosen);
        return;
    }
    struct weft__finding *finding = weft__findings_add(
        findings, "memory", "huge pages", WEFT__FINDING_NOTE,
        "transparent: never; large arrays take small pages, and their use more page walks");
    weft__findings_knob(finding, "echo madvise | sudo tee %s", path);
}

static void check_maps(struct weft__findings *findings, bool guard_markers,
                       const struct weft__guard_facts *guards)
{
    if (guard_markers) {
        (void)weft__findings_add(findings, "memory", "vm.max_map_count", WEFT__FINDING_OK,
                                 "%ld; guards of stacks take none of it (guard markers)",
                                 guards->map_limit);
        return;
    }
    struct weft__finding *finding = weft__findings_add(
        findings, "memory", "vm.max_map_count", WEFT__FINDING_NOTE,
        "%ld: the guard of a stack takes two mappings, so that about %ld tasks at once have one, "
        "and further ones a canary, which tells of an overflow when the task ends",
        guards->map_limit, guards->guards_most);
    weft__findings_knob(finding, "sudo sysctl -w vm.max_map_count=%d, or use Linux 6.13 or newer",
                        MAPS_WISHED);
}

static void check_overcommit(struct weft__findings *findings, const char *root)
{
    long mode = weft__doctor_number(root, "/proc/sys/vm/overcommit_memory", 0);

    if (mode != 2) {
        (void)weft__findings_add(findings, "memory", "overcommit", WEFT__FINDING_OK,
                                 "%ld: stacks cost memory where they are touched alone", mode);
        return;
    }
    struct weft__finding *finding = weft__findings_add(
        findings, "memory", "overcommit", WEFT__FINDING_NOTE,
        "2 (strict): each stack counts with all of its 64 KiB, although a task touches few of "
        "them");
    weft__findings_knob(finding, "sudo sysctl -w vm.overcommit_memory=0");
}

static void check_allocator(struct weft__findings *findings, const struct weft__memory_facts *facts)
{
    if (facts->jemalloc) {
        (void)weft__findings_add(findings, "memory", "allocator", WEFT__FINDING_OK, "%s",
                                 facts->allocator);
        return;
    }
    struct weft__finding *finding = weft__findings_add(
        findings, "memory", "allocator", WEFT__FINDING_NOTE,
        "%s: no jemalloc, so that blocks of memory come from one heap, whatever node is asked for",
        facts->allocator);
    weft__findings_knob(finding, "apt-get install libjemalloc-dev, then configure and build weft "
                                 "again; link programs by weft.pc, not weft-nomalloc.pc");
}

void weft__doctor_memory(struct weft__findings *findings, const char *root, bool guard_markers,
                         const struct weft__guard_facts *guards,
                         const struct weft__memory_facts *facts)
{
    check_allocator(findings, facts);
    check_huge_pages(findings, root);
    check_maps(findings, guard_markers, guards);
    check_overcommit(findings, root);
}
