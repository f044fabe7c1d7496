#include "tools/bench/peers.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* libtool keeps the program itself in .libs, a folder below the one that users see. */
static const char *const places[] = { "tools/bench/peers", "../tools/bench/peers" };

static bool join(char out_path[PATH_MAX], const char *folder, const char *name)
{
    int length = snprintf(out_path, PATH_MAX, "%s/%s", folder, name);

    return length > 0 && length < PATH_MAX;
}

const char *weft__peers_folder(void)
{
    static char folder[PATH_MAX];
    static char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (length <= 0)
        return NULL;
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    if (slash == NULL)
        return NULL;
    *slash = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct stat found;
        if (join(folder, self, places[i]) && stat(folder, &found) == 0 && S_ISDIR(found.st_mode))
            return folder;
    }
    return NULL;
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
