#include "tools/tour/cache.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAMPLES = 64, PAGES_MOST = 256 };

/* The kernel answers "in memory" to everybody else, whatever is true. */
static bool may_ask(int number, const struct stat *info)
{
    uid_t user = geteuid();

    return user == 0 || user == info->st_uid ||
           faccessat(number, "", W_OK, AT_EACCESS | AT_EMPTY_PATH) == 0;
}

static void count_pages(struct weft__cache *cache, int number, size_t bytes)
{
    unsigned char resident[PAGES_MOST];
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (bytes + page_bytes - 1) / page_bytes;

    if (pages > PAGES_MOST)
        pages = PAGES_MOST;
    void *view = mmap(NULL, pages * page_bytes, PROT_READ, MAP_SHARED, number, 0);
    if (view == MAP_FAILED)
        return;
    if (mincore(view, pages * page_bytes, resident) == 0) {
        cache->sampled++;
        cache->pages += pages;
        for (size_t i = 0; i < pages; i++)
            cache->resident += resident[i] & 1;
    }
    (void)munmap(view, pages * page_bytes);
}

static void look_at(struct weft__cache *cache, const char *path)
{
    struct stat info;
    int number = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);

    if (number < 0)
        return;
    if (fstat(number, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 &&
        may_ask(number, &info))
        count_pages(cache, number, (size_t)info.st_size);
    (void)close(number);
}

struct weft__cache weft__cache_sample(const struct weft__paths *files)
{
    struct weft__cache cache = { 0, 0, 0 };
    size_t samples = files->count < SAMPLES ? files->count : SAMPLES;

    for (size_t i = 0; i < samples; i++)
        look_at(&cache, files->items[i * files->count / samples]);
    return cache;
}

bool weft__cache_is_warm(const struct weft__cache *cache)
{
    return cache->pages > 0 && cache->resident >= cache->pages - cache->pages / 100;
}

int weft__cache_percent(const struct weft__cache *cache)
{
    return cache->pages == 0 ? -1 : (int)(cache->resident * 100 / cache->pages);
}
