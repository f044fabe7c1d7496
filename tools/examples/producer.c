/* A producer and a channel that closes when the producer has ended. */
#include <weft.h>

struct producer {
    weft_chan jobs;
    int count;
};

static int produce(void *arg) /* a task returns 0 or a negative errno */
{
    const struct producer *p = arg;
    for (int i = 1; i <= p->count; i++) {
        int rc = weft_chan_put(p->jobs, &i, WEFT_NEVER);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int app(void *arg)
{
    (void)arg;
    weft_chan jobs = weft_chan_create(sizeof(int), 32);
    weft_scope scope = weft_scope_open(NULL);
    struct producer parameters = { jobs, 12 };
    weft_task producer = weft_go_copy(scope, produce, &parameters, sizeof(parameters));
    int rc = weft_chan_bind(jobs, producer); /* closes when the producer ends, with its error */

    int job;
    while (rc == 0 && (rc = weft_chan_take(jobs, &job, WEFT_NEVER)) == 0)
        weft_printf("job %d\n", job); /* whole lines, from any task, never torn */

    int joined = weft_scope_close(scope); /* joins; a failed create, spawn or task shows up here */
    weft_chan_release(jobs);
    return joined;
}

int main(int argc, char **argv)
{
    return weft_main(argc, argv, app, NULL);
}
