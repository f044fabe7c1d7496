/* Says which allocator the runtime found: "jemalloc" or "libc". */
#include <stdio.h>
#include <string.h>
#include <weft.h>

static int app(void *argument)
{
    char about[512];

    (void)argument;
    if (weft_runtime_about(0, about, sizeof(about)) < 0)
        return 1;
    weft_printf("%s\n", strstr(about, "jemalloc") != NULL ? "jemalloc" : "libc");
    return 0;
}

int main(int argc, char **argv)
{
    return weft_main(argc, argv, app, NULL);
}
