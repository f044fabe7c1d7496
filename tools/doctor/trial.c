/* What is tried, rings and runtimes in a child process of their own. */
#include <string.h>
#include <weft.h>

#include "numa/topology.h"
#include "tools/doctor/doctor.h"

enum { TRIAL_BYTES = 4096 };

static void probe_rings(void *answer)
{
    struct weft__doctor_rings *rings = answer;
    struct weft__setup_error error = { .code = 0 };

    rings->code = weft__probe_get(&rings->probe, &error);
    if (rings->code < 0)
        memcpy(rings->why, error.text, sizeof(rings->why));
}

void weft__doctor_try_rings(struct weft__doctor_rings *out)
{
    *out = (struct weft__doctor_rings){ .code = 0 };
    enum weft__doctor_end end = weft__doctor_apart(probe_rings, out, sizeof(*out));
    out->end = end;
}

static void keep_first(void *context, const char *text)
{
    struct weft__doctor_start *start = context;

    if (start->notice[0] == '\0')
        (void)snprintf(start->notice, sizeof(start->notice), "%s", text);
}

/* A whole runtime, as a program starts it: workers, rings, stacks. */
static void start_runtime(void *answer)
{
    struct weft__doctor_start *start = answer;
    weft_error error = WEFT_ERROR_INIT;
    weft_runtime runtime = weft_start(
        &WEFT_RUNTIME_OPTIONS(.report = keep_first, .report_context = start), &error);

    if (runtime < 0) {
        start->code = (int)runtime;
        (void)snprintf(start->about, sizeof(start->about), "%s", error.text);
        return;
    }
    start->workers = weft_worker_count(runtime);
    (void)weft_runtime_about(runtime, start->about, sizeof(start->about));
    (void)weft_stop(runtime, weft_after(WEFT_SECOND));
}

void weft__doctor_try_start(struct weft__doctor_start *out)
{
    *out = (struct weft__doctor_start){ .code = 0 };
    enum weft__doctor_end end = weft__doctor_apart(start_runtime, out, sizeof(*out));
    out->end = end;
}

/* Asks for a page on the first node, as stacks and rings do. */
void weft__doctor_try_numa(struct weft__doctor_numa *out)
{
    const struct weft__memory_facts *facts = weft__memory_facts();
    struct weft__topology *topology = NULL;

    *out = (struct weft__doctor_numa){ .policy_calls = facts->policy_calls,
                                       .policy_error = facts->policy_error,
                                       .nodes = 1 };
    if (weft__topology_read("/sys", &topology, NULL) < 0)
        return;
    out->nodes = (int)topology->node_count;
    void *page = weft__memory_map((int)topology->nodes[0].id, TRIAL_BYTES);
    if (page != NULL)
        weft__memory_unmap(page, TRIAL_BYTES);
    out->bind_error = weft__memory_bind_error();
    weft__topology_destroy(topology);
}
