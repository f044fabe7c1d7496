#include "tools/bench/metric.h"

#include <string.h>

#include "tools/bench/metric_rows.h"

size_t weft__metric_count(void)
{
    return weft__metric_table_rows + weft__metric_divide_rows;
}

const struct weft__metric *weft__metric_at(size_t index)
{
    return index < weft__metric_table_rows ? &weft__metric_table[index]
                                           : &weft__metric_divide[index - weft__metric_table_rows];
}

const struct weft__metric *weft__metric_find(const char *name)
{
    for (size_t i = 0; i < weft__metric_count(); i++)
        if (strcmp(weft__metric_at(i)->name, name) == 0)
            return weft__metric_at(i);
    return NULL;
}

uint64_t weft__metric_operations(const struct weft__metric *metric,
                                 const struct weft__metric_peer *peer, bool quick)
{
    uint64_t count = peer != NULL && peer->count != 0 ? peer->count : metric->count;

    return quick && count > metric->quick_count ? metric->quick_count : count;
}

bool weft__metric_keeps(const struct weft__metric *metric, double figure, double bound)
{
    return metric->better == WEFT__METRIC_LOWER ? figure <= bound : figure >= bound;
}

void weft__metric_list(FILE *stream)
{
    for (size_t i = 0; i < weft__metric_count(); i++) {
        const struct weft__metric *metric = weft__metric_at(i);

        (void)fprintf(stream, "%-26s  %-5s  %s\n%35speers:%s", metric->name, metric->unit,
                      metric->what, "", metric->peers[0].name == NULL ? " none" : "");
        for (const struct weft__metric_peer *peer = metric->peers; peer->name != NULL; peer++)
            (void)fprintf(stream, " %s", peer->name);
        (void)fputc('\n', stream);
    }
}
