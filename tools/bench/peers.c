#include "tools/bench/peers.h"

#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool join(char out_path[PATH_MAX], const char *folder, const char *name)
{
    int length = snprintf(out_path, PATH_MAX, "%s/%s", folder, name);

    return length > 0 && length < PATH_MAX;
}

static bool holds(const char *folder, const char *name)
{
    static char path[PATH_MAX];

    return join(path, folder, name) && access(path, R_OK) == 0;
}

/* Cuts the last part off @path, or does nothing when it is not @name ("" for any). */
static bool cut_last(char *path, const char *name)
{
    char *slash = strrchr(path, '/');

    if (slash == NULL || (*name != '\0' && strcmp(slash + 1, name) != 0))
        return false;
    *slash = '\0';
    return true;
}

/* The folder that users see this program in: libtool keeps the program itself in .libs below. */
static char *find_home(void)
{
    static char home[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", home, sizeof(home) - 1);

    if (length <= 0)
        return NULL;
    home[length] = '\0';
    if (!cut_last(home, ""))
        return NULL;
    (void)cut_last(home, ".libs");
    return home;
}

/* The build writes "missing" last: without it the folder is none, or half of one. */
const char *weft__peers_folder(void)
{
    static char folder[PATH_MAX];
    const char *home = find_home();

    if (home == NULL || !join(folder, home, "bench-peers") || !holds(folder, "missing"))
        return NULL;
    return folder;
}

/* What make says goes with our words, not with our figures: standard output may be JSON. */
static bool make_peers(char *folder)
{
    extern char **environ;
    static char words[4][16] = { "make", "-s", "-C", "peers" };
    char *arguments[] = { words[0], words[1], words[2], folder, words[3], NULL };
    posix_spawn_file_actions_t actions;
    int status = -1;
    pid_t child;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    if (posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO) == 0 &&
        posix_spawnp(&child, words[0], &actions, NULL, arguments, environ) == 0)
        (void)waitpid(child, &status, 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    return status == 0;
}

bool weft__peers_build(void)
{
    char *home = find_home();

    if (home == NULL || !holds(home, "config.status") || !holds(home, "Makefile"))
        return false;
    (void)fputs("weft bench: building the peers that this machine has the tools for, once\n",
                stderr);
    return make_peers(home);
}

/* The build leaves a file "missing" with a line "NAME: REASON" for each peer that it left out. */
static const char *find_reason(const char *folder, const char *name)
{
    static char path[PATH_MAX];
    static char line[256];
    const char *reason = "not built; run make peers";
    size_t name_length = strlen(name);
    FILE *missing = join(path, folder, "missing") ? fopen(path, "re") : NULL;

    if (missing == NULL)
        return reason;
    while (fgets(line, sizeof(line), missing) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, name, name_length) == 0 && strncmp(line + name_length, ": ", 2) == 0) {
            reason = line + name_length + 2;
            break;
        }
    }
    (void)fclose(missing);
    return reason;
}

const char *weft__peers_program(const char *folder, const char *name, const char **out_reason)
{
    static char path[PATH_MAX];

    if (join(path, folder, name) && access(path, X_OK) == 0)
        return path;
    *out_reason = find_reason(folder, name);
    return NULL;
}
