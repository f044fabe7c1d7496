#include "uring/setup_error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numa/memory.h"
#include "runtime/base/sys.h"

#define KERNEL_MIN "6.1"

enum { PAGE_BYTES = 4096 };

struct scene {
    const char *call;
    const char *root;
    char *page; /* for files that are long; NULL when there is no memory */
    char *text;
    size_t text_bytes;
};

/* Reads ROOT/@path into @buffer, without the final newline. False when there is none. */
static bool read_fact(const char *root, const char *path, char *buffer, size_t bytes)
{
    char full[320];
    int length = snprintf(full, sizeof(full), "%s%s", root, path);

    if (length < 0 || (size_t)length >= sizeof(full))
        return false;
    ssize_t count = weft__sys_read_file(full, buffer, bytes);
    if (count < 0)
        return false;
    if (count > 0 && buffer[count - 1] == '\n')
        buffer[count - 1] = '\0';
    return true;
}

static bool read_page(const struct scene *scene, const char *path)
{
    return scene->page != NULL && read_fact(scene->root, path, scene->page, PAGE_BYTES);
}

/* Value of sysctl kernel.@name; @missing when this kernel has none. */
static long read_sysctl(const struct scene *scene, const char *name, long missing)
{
    char path[96], text[32];

    (void)snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
    if (!read_fact(scene->root, path, text, sizeof(text)))
        return missing;
    return strtol(text, NULL, 10);
}

static void read_release(const struct scene *scene, char *release, size_t bytes)
{
    if (!read_fact(scene->root, "/proc/sys/kernel/osrelease", release, bytes))
        (void)snprintf(release, bytes, "unknown");
}

/* 0: no filter, 2: a seccomp filter is set; -1: not known. */
static int seccomp_mode(const struct scene *scene)
{
    const char *line;

    if (!read_page(scene, "/proc/self/status"))
        return -1;
    line = strstr(scene->page, "\nSeccomp:");
    return line == NULL ? -1 : (int)strtol(line + strlen("\nSeccomp:"), NULL, 10);
}

static void say_seccomp(const struct scene *scene)
{
    (void)snprintf(scene->text, scene->text_bytes,
                   "%s refused by a seccomp profile (container?). Allow io_uring_setup, "
                   "io_uring_enter and io_uring_register in it, or run with "
                   "--security-opt seccomp=unconfined",
                   scene->call);
}

static void say_security_module(const struct scene *scene)
{
    (void)snprintf(scene->text, scene->text_bytes,
                   "%s refused by a security module (SELinux, AppArmor, ...). Allow io_uring for "
                   "this program in its policy; the audit log names the rule",
                   scene->call);
}

/* sysctl kernel.io_uring_disabled, kernel 6.6 on. */
static bool say_sysctl(const struct scene *scene)
{
    long disabled = read_sysctl(scene, "io_uring_disabled", 0);

    if (disabled == 2) {
        (void)snprintf(scene->text, scene->text_bytes,
                       "io_uring is switched off for all programs: kernel.io_uring_disabled is 2. "
                       "Run: sysctl kernel.io_uring_disabled=0");
    } else if (disabled == 1) {
        long group = read_sysctl(scene, "io_uring_group", -1);
        (void)snprintf(
            scene->text, scene->text_bytes,
            "io_uring is kept for one group: kernel.io_uring_disabled is 1 and "
            "kernel.io_uring_group is %ld. %s, or run: sysctl "
            "kernel.io_uring_disabled=0",
            group, group < 0 ? "Set it to a group of this user" : "Add this user to that group");
    }
    return disabled == 1 || disabled == 2;
}

static void say_refused(const struct scene *scene)
{
    if (say_sysctl(scene))
        return;
    if (seccomp_mode(scene) == 0)
        say_security_module(scene);
    else
        say_seccomp(scene);
}

static void say_missing(const struct scene *scene)
{
    char release[80];

    if (seccomp_mode(scene) == 2) {
        say_seccomp(scene);
        return;
    }
    read_release(scene, release, sizeof(release));
    (void)snprintf(scene->text, scene->text_bytes,
                   "this kernel (%s) has no %s: it was built without CONFIG_IO_URING, or a sandbox "
                   "such as gVisor stands in for it. Run on Linux " KERNEL_MIN " or newer",
                   release, scene->call);
}

static void say_old_kernel(const struct scene *scene)
{
    char release[80];

    read_release(scene, release, sizeof(release));
    (void)snprintf(
        scene->text, scene->text_bytes,
        "%s knows too few features in the running kernel %s. weft needs Linux " KERNEL_MIN
        " or newer: update the kernel",
        scene->call, release);
}

static bool read_number(const struct scene *scene, const char *path, unsigned long long *out_value)
{
    char text[64], *end;

    if (!read_fact(scene->root, path, text, sizeof(text)))
        return false;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text)
        return false; /* "max" */
    *out_value = value;
    return true;
}

/* True when the cgroup at @path has a memory limit and little below it is left. */
static bool say_full_cgroup(const struct scene *scene, const char *path)
{
    char file[256];
    unsigned long long limit, used;

    (void)snprintf(file, sizeof(file), "/sys/fs/cgroup%s/memory.max", path);
    if (!read_number(scene, file, &limit))
        return false;
    (void)snprintf(file, sizeof(file), "/sys/fs/cgroup%s/memory.current", path);
    if (!read_number(scene, file, &used) || used < limit - limit / 10)
        return false;
    (void)snprintf(scene->text, scene->text_bytes,
                   "%s got no memory: the memory cgroup %.60s has used %llu of its %llu MiB, and "
                   "rings are charged to it. Raise memory.max (container: --memory)",
                   scene->call, path, used >> 20, limit >> 20);
    return true;
}

/* Looks at the cgroup of this process and at each one above it. */
static bool say_memory_cgroup(const struct scene *scene)
{
    if (!read_page(scene, "/proc/self/cgroup"))
        return false;
    char *path = strstr(scene->page, "0::");
    if (path == NULL || (path != scene->page && path[-1] != '\n'))
        return false;
    path += strlen("0::");
    path[strcspn(path, "\n")] = '\0';
    if (strlen(path) > 200)
        return false;
    for (char *slash = path + strlen(path); slash != NULL; slash = strrchr(path, '/')) {
        *slash = '\0';
        if (say_full_cgroup(scene, path))
            return true;
    }
    return false;
}

static void say_memory(const struct scene *scene)
{
    char value[32] = "unknown";

    if (say_memory_cgroup(scene))
        return;
    if (read_page(scene, "/proc/self/limits")) {
        const char *line = strstr(scene->page, "Max locked memory");
        if (line != NULL)
            (void)sscanf(line + strlen("Max locked memory"), "%31s", value);
    }
    (void)snprintf(scene->text, scene->text_bytes,
                   "%s got no memory: the machine is short of it, or locked memory is at its limit "
                   "(RLIMIT_MEMLOCK, now %s bytes). Raise it with ulimit -l or LimitMEMLOCK=",
                   scene->call, value);
}

static void say_descriptors(const struct scene *scene, bool whole_system)
{
    if (whole_system)
        (void)snprintf(scene->text, scene->text_bytes,
                       "%s: the whole system is out of file descriptors. Raise fs.file-max with "
                       "sysctl",
                       scene->call);
    else
        (void)snprintf(scene->text, scene->text_bytes,
                       "%s: this process is out of file descriptors, and each worker needs two. "
                       "Raise RLIMIT_NOFILE (ulimit -n) or use fewer workers",
                       scene->call);
}

static void explain(const struct scene *scene, int code)
{
    const char *meaning;

    switch (-code) {
    case EPERM: say_refused(scene); break;
    case EACCES: say_security_module(scene); break;
    case ENOSYS: say_missing(scene); break;
    case ENOMEM: say_memory(scene); break;
    case EMFILE:
    case ENFILE: say_descriptors(scene, code == -ENFILE); break;
    case EINVAL:
    case EOPNOTSUPP: say_old_kernel(scene); break;
    default:
        meaning = strerrordesc_np(-code);
        (void)snprintf(scene->text, scene->text_bytes, "%s failed: %s", scene->call,
                       meaning != NULL ? meaning : "unknown error");
        break;
    }
}

void weft__setup_error_explain(struct weft__setup_error *error, int code, const char *call,
                               const char *root)
{
    if (error == NULL)
        return;
    char *page = weft__memory_alloc(WEFT__NODE_LOCAL, PAGE_BYTES);
    struct scene scene = { call, root, page, error->text, sizeof(error->text) };
    error->code = code;
    explain(&scene, code);
    weft__memory_free(page, PAGE_BYTES);
}

void weft__setup_error_say(struct weft__setup_error *error, int code, const char *text)
{
    if (error == NULL)
        return;
    error->code = code;
    (void)snprintf(error->text, sizeof(error->text), "%s", text);
}
