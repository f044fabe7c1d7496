/* A producer, and a channel that closes when the producer has ended. */
#include <weft.h>

static int produce(void *arg) /* a task returns 0 or a negative errno */
{
    weft_chan jobs = *(const weft_chan *)arg;
    int rc = 0;
    for (int i = 1; i <= 12 && rc == 0; i++)
        rc = weft_chan_put(jobs, &i, WEFT_NEVER); /* waits when the channel is full */
    return rc;
}

static int app(void *arg)
{
    (void)arg;
    weft_chan jobs = weft_chan_create(sizeof(int), 4);
    weft_scope scope = weft_scope_open(NULL); /* owns the task */
    weft_task producer = weft_go_copy(scope, produce, &jobs, sizeof(jobs));
    int rc = weft_chan_bind(jobs, producer); /* closes with the producer's error, if it has one */
    for (int job; rc == 0 && (rc = weft_chan_take(jobs, &job, WEFT_NEVER)) == 0;)
        weft_printf("job %d\n", job);     /* whole lines, from any task, never torn */
    int joined = weft_scope_close(scope); /* waits; a failed create, spawn or task shows up here */
    weft_chan_release(jobs);
    return joined;
}

int main(int argc, char **argv)
{
    return weft_main(argc, argv, app, NULL);
}
