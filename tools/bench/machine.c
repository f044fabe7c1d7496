#include "tools/bench/machine.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <weft.h>

#include "tools/bench/child.h"
#include "tools/common/quote.h"

enum { text_bytes = 4096 };

static bool read_text(const char *path, char *out_text, size_t bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    ssize_t count = read(fd, out_text, bytes - 1);
    (void)close(fd);
    out_text[count > 0 ? count : 0] = '\0';
    return count > 0;
}

bool weft__machine_find_line(const char *text, const char *key, char *out_value, size_t bytes)
{
    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        const char *value = line + strlen(key);
        value += strspn(value, "\t ");
        if (*value != ':')
            continue;
        value++;
        value += strspn(value, " ");
        (void)snprintf(out_value, bytes, "%.*s", (int)strcspn(value, "\n"), value);
        return true;
    }
    return false;
}

bool weft__machine_find_word(const char *about, const char *mark, char *out_word, size_t bytes)
{
    const char *at = strstr(about, mark);

    if (at == NULL)
        return false;
    at += strlen(mark);
    (void)snprintf(out_word, bytes, "%.*s", (int)strcspn(at, "; "), at);
    return true;
}

/* x86 names the model; 64-bit Arm gives numbers of maker and part. */
static void look_for_cpu(struct weft__machine *machine)
{
    static char text[text_bytes];
    char maker[32];
    char part[32];

    if (!read_text("/proc/cpuinfo", text, sizeof(text)))
        (void)snprintf(machine->cpu, sizeof(machine->cpu), "unknown");
    else if (weft__machine_find_line(text, "model name", machine->cpu, sizeof(machine->cpu)))
        return;
    else if (weft__machine_find_line(text, "CPU implementer", maker, sizeof(maker)) &&
             weft__machine_find_line(text, "CPU part", part, sizeof(part)))
        (void)snprintf(machine->cpu, sizeof(machine->cpu), "implementer %s part %s", maker, part);
    else
        (void)snprintf(machine->cpu, sizeof(machine->cpu), "unknown");
}

static void look_for_kernel(struct weft__machine *machine)
{
    struct utsname host;

    if (uname(&host) == 0)
        (void)snprintf(machine->kernel, sizeof(machine->kernel), "%.16s %.80s %.16s", host.sysname,
                       host.release, host.machine);
    else
        (void)snprintf(machine->kernel, sizeof(machine->kernel), "unknown");
}

static void look_for_governor(struct weft__machine *machine)
{
    if (read_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", machine->governor,
                  sizeof(machine->governor)))
        machine->governor[strcspn(machine->governor, "\n")] = '\0';
    else
        (void)snprintf(machine->governor, sizeof(machine->governor), "none");
}

/* A runtime says itself which engine it has taken, by which policy it schedules and which quota it
 * has found. */
static void look_for_engine(struct weft__machine *machine)
{
    char about[256] = "";
    weft_runtime runtime = weft_start(NULL, NULL);

    if (runtime >= 0) {
        (void)weft_runtime_about(runtime, about, sizeof(about));
        (void)weft_stop(runtime, weft_after(WEFT_SECOND));
    }
    if (!weft__machine_find_word(about, "engine ", machine->engine, sizeof(machine->engine)))
        (void)snprintf(machine->engine, sizeof(machine->engine), "none");
    if (!weft__machine_find_word(about, "policy ", machine->policy, sizeof(machine->policy)))
        (void)snprintf(machine->policy, sizeof(machine->policy), "default");
    if (!weft__machine_find_word(about, "cgroup quota ", machine->quota, sizeof(machine->quota)))
        (void)snprintf(machine->quota, sizeof(machine->quota), "none");
}

const struct weft__machine *weft__machine_look(void)
{
    static struct weft__machine machine;

    if (machine.cpus != 0)
        return &machine;
    machine.cpus = weft__child_cpus();
    look_for_cpu(&machine);
    look_for_kernel(&machine);
    look_for_governor(&machine);
    look_for_engine(&machine);
    return &machine;
}

void weft__machine_print_text(FILE *out, const struct weft__machine *machine)
{
    (void)fprintf(out, "weft %s (commit %s), engine %s, policy %s\n", weft_version(),
                  weft__machine_commit, machine->engine, machine->policy);
    (void)fprintf(out, "%u CPUs: %s; governor %s, cgroup quota %s\n", machine->cpus, machine->cpu,
                  machine->governor, machine->quota);
    (void)fprintf(out, "%s\n", machine->kernel);
}

static void write_pair(FILE *out, const char *before, const char *key, const char *value)
{
    (void)fprintf(out, "%s\"%s\": ", before, key);
    weft__quote_json(out, value);
}

void weft__machine_print_json(FILE *out, const struct weft__machine *machine)
{
    write_pair(out, "{", "weft", weft_version());
    write_pair(out, ", ", "commit", weft__machine_commit);
    write_pair(out, ", ", "cpu", machine->cpu);
    (void)fprintf(out, ", \"cpus\": %u", machine->cpus);
    write_pair(out, ", ", "kernel", machine->kernel);
    write_pair(out, ", ", "engine", machine->engine);
    write_pair(out, ", ", "policy", machine->policy);
    write_pair(out, ", ", "governor", machine->governor);
    write_pair(out, ", ", "quota_cpus", machine->quota);
    (void)fputc('}', out);
}
