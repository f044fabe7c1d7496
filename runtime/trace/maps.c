#include "runtime/trace/maps.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "runtime/base/sys.h"

/* A number of base 16 at *at, which is moved behind it. */
static uintptr_t take_hex(const char **at)
{
    uintptr_t number = 0;

    for (;; (*at)++) {
        unsigned letter = (unsigned char)**at;
        unsigned digit = letter - '0' <= 9u ? letter - '0' : letter - 'a' + 10u;
        if (digit > 15 || (digit > 9 && letter < 'a'))
            return number;
        number = number << 4 | digit;
    }
}

static const char *skip_word(const char *at)
{
    at += strcspn(at, " ");
    return at + strspn(at, " ");
}

/* A program that is linked to a fixed address counts from 0; its first page says so. */
static uintptr_t base_of(struct weft__peek *peek, uintptr_t file_start)
{
    Elf64_Ehdr head;

    if (weft__peek_copy(peek, (const void *)file_start, &head, sizeof(head)) &&
        memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 && head.e_type == ET_EXEC)
        return 0;
    return file_start;
}

/* "start-end rwxp offset device inode   path" */
static void take_line(struct weft__maps *maps, struct weft__peek *peek, const char *line)
{
    const char *at = line;
    uintptr_t start = take_hex(&at);

    if (*at++ != '-')
        return;
    uintptr_t end = take_hex(&at);
    bool runs = *at == ' ' && at[1] != '\0' && at[2] != '\0' && at[3] == 'x';
    const char *path = at + strspn(at, " ");
    for (int word = 0; word < 4; word++)
        path = skip_word(path);
    size_t length = strlen(path) + 1;
    if (strcmp(path, maps->file) != 0) {
        maps->file_start = start;
        memcpy(maps->file, path, length);
    }
    if (!runs || maps->count == WEFT__MAPS || length > WEFT__MAPS_NAMES - maps->names_length)
        return;
    maps->maps[maps->count++] = (struct weft__map){ .start = start,
                                                    .end = end,
                                                    .base = base_of(peek, maps->file_start),
                                                    .name = maps->names_length };
    memcpy(maps->names + maps->names_length, path, length);
    maps->names_length += (uint32_t)length;
}

int weft__maps_read(struct weft__maps *maps, struct weft__peek *peek)
{
    size_t length = 0;
    ssize_t count;
    int fd = weft__sys_open("/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);

    maps->count = 0;
    maps->names_length = 0;
    maps->file_start = 0;
    maps->file[0] = '\0';
    if (fd < 0)
        return fd;
    while ((count = weft__sys_read(fd, maps->input, sizeof(maps->input))) > 0 || count == -EINTR)
        for (ssize_t i = 0; i < count; i++) {
            bool ends = maps->input[i] == '\n';
            maps->line[length] = '\0';
            if (ends)
                take_line(maps, peek, maps->line);
            else if (length < sizeof(maps->line) - 1)
                maps->line[length++] = maps->input[i];
            length = ends ? 0 : length;
        }
    (void)weft__sys_close(fd);
    return count < 0 ? (int)count : 0;
}

const struct weft__map *weft__maps_find(const struct weft__maps *maps, uintptr_t address)
{
    uint32_t low = 0;
    uint32_t high = maps->count;

    while (low < high) { /* the kernel lists them in order */
        uint32_t middle = (low + high) / 2;
        const struct weft__map *map = &maps->maps[middle];
        if (address < map->start)
            high = middle;
        else if (address >= map->end)
            low = middle + 1;
        else
            return map;
    }
    return NULL;
}

void weft__maps_describe(const struct weft__maps *maps, uintptr_t address, struct weft__lines *text)
{
    const struct weft__map *map = weft__maps_find(maps, address);

    weft__lines_hex(text, address);
    if (map == NULL)
        return;
    weft__lines_put(text, " ");
    weft__lines_name(text, maps->names + map->name, WEFT__MAPS_LINE);
    weft__lines_put(text, "+");
    weft__lines_hex(text, address - map->base);
}

void weft__maps_list(const struct weft__maps *maps, struct weft__lines *text)
{
    for (uint32_t i = 0; i < maps->count; i++) {
        weft__lines_put(text, "  ");
        weft__lines_hex(text, maps->maps[i].start);
        weft__lines_put(text, "-");
        weft__lines_hex(text, maps->maps[i].end);
        weft__lines_put(text, " from ");
        weft__lines_hex(text, maps->maps[i].base);
        weft__lines_put(text, " ");
        weft__lines_name(text, maps->names + maps->maps[i].name, WEFT__MAPS_LINE);
        weft__lines_put(text, "\n");
    }
}
