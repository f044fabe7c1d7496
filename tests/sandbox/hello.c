/* Says what runs it, waits, reads a file and passes a byte through a pipe. For sandbox_test. */
#include <fcntl.h>
#include <weft.h>

static int run(void *argument)
{
    char text[512];
    char byte = 0;
    weft_fd ends[2];

    (void)argument;
    int rc = weft_runtime_about(0, text, sizeof(text));
    if (rc >= 0)
        rc = weft_printf("%s\n", text);
    if (rc >= 0)
        rc = weft_sleep(weft_after(WEFT_MILLISECOND));
    weft_fd file = weft_open("/proc/self/exe", O_RDONLY, 0, WEFT_NEVER);
    if (rc >= 0)
        rc = (int)weft_pread(file, &byte, 1, 1, WEFT_NEVER) == 1 && byte == 'E' ? 0 : -1;
    weft_close(file);
    if (rc == 0)
        rc = weft_pipe(ends);
    if (rc < 0)
        return rc;
    if (weft_write(ends[1], "x", 1, WEFT_NEVER) != 1 ||
        weft_read(ends[0], &byte, 1, WEFT_NEVER) != 1 || byte != 'x')
        rc = -1;
    weft_close(ends[0]);
    weft_close(ends[1]);
    return rc;
}

int main(int argc, char **argv)
{
    return weft_main(argc, argv, run, NULL);
}
