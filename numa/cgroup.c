/*
 * The CPU quota of the cgroup that this process is in, and other limits of it.
 *
 * A limit on any ancestor holds for all below it, so the path is walked from our group up to the
 * root of the mount, which is as far as a container sees. /proc/self/cgroup says where we are in
 * each hierarchy, /proc/self/mountinfo where the hierarchies are mounted and which of their folders
 * the mount shows. Source: cgroups(7), proc(5), Documentation/admin-guide/cgroup-v2.rst.
 *
 * REJECTED reading only our own group: containers carry the limit one or more levels up.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "numa/memory.h"
#include "numa/plan.h"
#include "numa/text.h"

enum { path_bytes = 4096, file_name_bytes = 32, hundred = 100 };

/* One hierarchy: version 2, or the one of version 1 that carries the controller. */
struct hierarchy {
    const char *group; /* our group in it; NULL: we are not in it */
    const char *root;  /* the folder of it that the chosen mount shows */
    const char *mount; /* where that is mounted; NULL: nowhere */
    bool inside;       /* our group is in that folder */
};

struct search;

/* What is looked for: which controller's, and how a level of either version is read. */
struct wanted {
    const char *controller; /* as version 1 names it */
    const char *limit_v2;   /* files with a limit that is one number; a quota is two */
    const char *limit_v1;
    int (*read_v2)(struct search *search, size_t length);
    int (*read_v1)(struct search *search, size_t length);
};

struct search {
    const char *prefix;
    const struct wanted *wanted;
    struct weft__text groups; /* cut into words in place; the hierarchies point into both */
    struct weft__text mounts;
    struct weft__text file;
    struct hierarchy v1;
    struct hierarchy v2;
    uint64_t least;                          /* so far; UINT64_MAX: none */
    char path[path_bytes + file_name_bytes]; /* a group, and behind it a file's name */
};

/* 1 when loaded, 0 when it can't be read, -ENOMEM. */
static int load(struct weft__text *text, const char *path)
{
    int rc = weft__text_load(text, path);
    return rc == -ENOMEM ? rc : rc == 0;
}

/* Whether @word is one of the words between commas; cuts them apart. */
static bool list_has(char *list, const char *word)
{
    for (const char *item = strsep(&list, ","); item != NULL; item = strsep(&list, ",")) {
        if (strcmp(item, word) == 0)
            return true;
    }
    return false;
}

/* "4:cpu,cpuacct:/user/x" or "0::/user/x"; the path may hold colons itself. */
static void take_group(struct search *search, char *line)
{
    const char *id = strsep(&line, ":");
    char *controllers = strsep(&line, ":");

    if (controllers == NULL || line == NULL || line[0] != '/')
        return;
    if (strcmp(id, "0") == 0 && controllers[0] == '\0')
        search->v2.group = line;
    else if (list_has(controllers, search->wanted->controller))
        search->v1.group = line;
}

static bool is_octal(const char *digit)
{
    return *digit >= '0' && *digit <= '7';
}

/* Undoes "\040" and its like in place: the kernel escapes space, tab, newline and backslash. */
static void unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; to++) {
        if (from[0] == '\\' && is_octal(from + 1) && is_octal(from + 2) && is_octal(from + 3)) {
            *to = (char)(((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0')) & 0xff);
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* How much of a group's name the mount point stands for. */
static size_t root_length(const char *root)
{
    return strcmp(root, "/") == 0 ? 0 : strlen(root);
}

/*
 * Not inside: a container that knows the host's name of its group but mounts another folder, or a
 * group above our cgroup namespace ("/../x").
 */
static bool is_inside(const char *group, const char *root)
{
    size_t length = root_length(root);

    if (strncmp(group, "/..", 3) == 0 || strncmp(group, root, length) != 0)
        return false;
    return group[length] == '/' || group[length] == '\0';
}

/* Of several mounts of one hierarchy the one that shows us, and most above us, is best. */
static void consider_mount(struct hierarchy *hierarchy, char *root, char *mount)
{
    if (hierarchy->group == NULL)
        return;
    unescape(root);
    unescape(mount);
    bool inside = is_inside(hierarchy->group, root);
    bool better = hierarchy->mount == NULL || (inside && !hierarchy->inside) ||
                  (inside && root_length(root) < root_length(hierarchy->root));
    if (!better)
        return;
    hierarchy->root = root;
    hierarchy->mount = mount;
    hierarchy->inside = inside;
}

/* "36 35 98:0 ROOT MOUNT OPTIONS [MORE...] - TYPE SOURCE SUPER_OPTIONS" */
static void take_mount(struct search *search, char *line)
{
    (void)strsep(&line, " "); /* id */
    (void)strsep(&line, " "); /* parent */
    (void)strsep(&line, " "); /* device */
    char *root = strsep(&line, " ");
    char *mount = strsep(&line, " ");
    const char *word = strsep(&line, " ");
    while (word != NULL && strcmp(word, "-") != 0)
        word = strsep(&line, " ");
    const char *type = strsep(&line, " ");
    (void)strsep(&line, " "); /* source */
    if (type == NULL || line == NULL)
        return;
    if (strcmp(type, "cgroup2") == 0)
        consider_mount(&search->v2, root, mount);
    else if (strcmp(type, "cgroup") == 0 && list_has(line, search->wanted->controller))
        consider_mount(&search->v1, root, mount);
}

/* Reads the file of @path under the prefix and hands each line to @take. */
static int read_lines(struct search *search, struct weft__text *text, const char *path,
                      void (*take)(struct search *search, char *line))
{
    (void)snprintf(search->path, sizeof(search->path), "%s%s", search->prefix, path);
    int rc = load(text, search->path);
    char *lines = rc > 0 ? text->data : NULL;

    for (char *line = strsep(&lines, "\n"); line != NULL; line = strsep(&lines, "\n"))
        take(search, line);
    return rc;
}

/* @quota and @period in microseconds; the kernel never shows a 0, so one means nothing. */
static void note_quota(struct search *search, uint64_t quota, uint64_t period)
{
    if (quota == 0 || period == 0 || quota > UINT64_MAX / hundred)
        return;
    uint64_t hundredths = quota * hundred / period + (quota * hundred % period != 0);
    if (hundredths < search->least)
        search->least = hundredths;
}

/* The file @name of the group whose path is @length long. */
static int load_of_group(struct search *search, size_t length, const char *name)
{
    (void)snprintf(search->path + length, file_name_bytes, "/%s", name);
    int rc = load(&search->file, search->path);
    search->path[length] = '\0';
    return rc;
}

/* "50000 100000" or "max 100000" */
static int read_v2(struct search *search, size_t length)
{
    uint64_t quota = 0;
    uint64_t period = 0;
    size_t at = 0;
    int rc = load_of_group(search, length, "cpu.max");

    if (rc <= 0)
        return rc;
    const char *text = search->file.data;
    if (weft__text_number(text, &at, UINT64_MAX, &quota) == 0 && weft__text_skip(text, &at, " ") &&
        weft__text_number(text, &at, UINT64_MAX, &period) == 0 && weft__text_at_end(text, at))
        note_quota(search, quota, period);
    return 0;
}

/* A number alone in its file; 0 when there is none ("-1" is no quota). */
static int read_number(struct search *search, size_t length, const char *name, uint64_t *out_number)
{
    size_t at = 0;
    int rc = load_of_group(search, length, name);

    *out_number = 0;
    if (rc > 0 && (weft__text_number(search->file.data, &at, UINT64_MAX, out_number) < 0 ||
                   !weft__text_at_end(search->file.data, at)))
        *out_number = 0;
    return rc < 0 ? rc : 0;
}

static int read_v1(struct search *search, size_t length)
{
    uint64_t quota;
    uint64_t period;
    int rc = read_number(search, length, "cpu.cfs_quota_us", &quota);

    if (rc < 0 || quota == 0)
        return rc;
    rc = read_number(search, length, "cpu.cfs_period_us", &period);
    if (rc == 0)
        note_quota(search, quota, period);
    return rc;
}

/* A limit that is one number. Version 1 writes the largest number of pages for none. */
static int read_limit(struct search *search, size_t length, const char *name)
{
    uint64_t limit;
    int rc = read_number(search, length, name, &limit);

    if (limit > 0 && limit < UINT64_C(1) << 62 && limit < search->least)
        search->least = limit;
    return rc;
}

static int read_limit_v2(struct search *search, size_t length)
{
    return read_limit(search, length, search->wanted->limit_v2);
}

static int read_limit_v1(struct search *search, size_t length)
{
    return read_limit(search, length, search->wanted->limit_v1);
}

/* Puts the group's folder into search->path; false when the name is too long. */
static bool find_folder(struct search *search, const struct hierarchy *hierarchy,
                        size_t *out_mount_length, size_t *out_length)
{
    const char *mount = strcmp(hierarchy->mount, "/") == 0 ? "" : hierarchy->mount;
    const char *rest = hierarchy->inside ? hierarchy->group + root_length(hierarchy->root) : "";
    size_t mount_length = strlen(search->prefix) + strlen(mount);
    int length = snprintf(search->path, path_bytes, "%s%s%s", search->prefix, mount,
                          strcmp(rest, "/") == 0 ? "" : rest);

    if (length < 0 || length >= path_bytes)
        return false;
    *out_mount_length = mount_length;
    *out_length = (size_t)length;
    return true;
}

/* From our group to the mount's root, each level once. */
static int walk_up(struct search *search, const struct hierarchy *hierarchy,
                   int (*read_level)(struct search *search, size_t length))
{
    size_t mount_length;
    size_t length;

    if (hierarchy->mount == NULL || !find_folder(search, hierarchy, &mount_length, &length))
        return 0;
    int rc = read_level(search, length);
    while (rc == 0 && length > mount_length) {
        do
            length--;
        while (length > mount_length && search->path[length] != '/');
        search->path[length] = '\0';
        rc = read_level(search, length);
    }
    return rc;
}

static int find_least(struct search *search)
{
    int rc = read_lines(search, &search->groups, "/proc/self/cgroup", take_group);

    if (rc > 0)
        rc = read_lines(search, &search->mounts, "/proc/self/mountinfo", take_mount);
    if (rc <= 0)
        return rc;
    rc = walk_up(search, &search->v2, search->wanted->read_v2);
    return rc < 0 ? rc : walk_up(search, &search->v1, search->wanted->read_v1);
}

/* *out_least is UINT64_MAX when there is none. */
static int search_all(const char *root, const struct wanted *wanted, uint64_t *out_least)
{
    struct search *search = weft__memory_alloc(WEFT__NODE_LOCAL, sizeof(*search));

    if (search == NULL)
        return -ENOMEM;
    search->prefix = root;
    search->wanted = wanted;
    search->least = UINT64_MAX;
    int rc = find_least(search);
    if (rc >= 0)
        *out_least = search->least;
    weft__text_fini(&search->groups);
    weft__text_fini(&search->mounts);
    weft__text_fini(&search->file);
    weft__memory_free(search, sizeof(*search));
    return rc < 0 ? rc : 0;
}

int weft__cgroup_quota(const char *root, uint32_t *out_hundredths)
{
    const struct wanted quota = { .controller = "cpu", .read_v2 = read_v2, .read_v1 = read_v1 };
    uint64_t least;
    int rc = search_all(root, &quota, &least);

    if (rc < 0)
        return rc;
    if (least == UINT64_MAX)
        least = 0;
    *out_hundredths = least > UINT32_MAX ? UINT32_MAX : (uint32_t)least;
    return 0;
}

int weft__cgroup_limit(const char *root, const char *controller, const char *file_v2,
                       const char *file_v1, uint64_t *out_limit)
{
    const struct wanted limit = { .controller = controller,
                                  .limit_v2 = file_v2,
                                  .limit_v1 = file_v1,
                                  .read_v2 = read_limit_v2,
                                  .read_v1 = read_limit_v1 };
    uint64_t least;
    int rc = search_all(root, &limit, &least);

    if (rc < 0)
        return rc;
    *out_limit = least == UINT64_MAX ? 0 : least;
    return 0;
}
