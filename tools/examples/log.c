/*
 * A log that forgets to sync its folder: a power failure can take the whole file, with all that was
 * acknowledged. No run shows it but a simulation that loses its power:
 *   log FOLDER ACKNOWLEDGED [careful]
 * opens the log of an empty or a used folder, expects at least so many records in it, and appends
 * until there are enough; for each record that is safe it prints the number. A run that ends with
 * the status 75 has lost its power, and is run again on the same folder with the last number; one
 * that has come to its end is followed by one on an empty folder, until a run fails:
 *   n=0
 *   while [ $n -lt 1000 ]; do
 *       rm -rf folder; mkdir folder; told=0
 *       until n=$((n + 1)); WEFT_ENGINE=sim WEFT_SIM=crash=20 WEFT_SEED=$n ./log folder $told >out
 *       do
 *           [ $? = 75 ] || break 2; told=$(tail -n 1 out | grep . || echo $told)
 *       done
 *   done
 * `log ... careful` syncs the folder, too. Both cut off a last record that is torn.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>

enum { records = 24, batch = 3, payload_bytes = 300 };

struct record {
    uint32_t number; /* from 1 */
    uint32_t sum;    /* of the rest */
    char payload[payload_bytes];
};

struct log {
    const char *folder;
    char path[256];
    weft_fd file;
    uint32_t count; /* records that are whole */
    bool careful;
};

static uint32_t sum_of(const struct record *record)
{
    uint32_t sum = record->number;

    for (size_t i = 0; i < sizeof(record->payload); i++)
        sum = sum * 31 + (unsigned char)record->payload[i];
    return sum;
}

static void fill(struct record *record, uint32_t number)
{
    record->number = number;
    for (size_t i = 0; i < sizeof(record->payload); i++)
        record->payload[i] = (char)('a' + (number + i) % 26);
    record->sum = sum_of(record);
}

/* How many records of the file are whole, one behind the other. */
static int count_records(struct log *log)
{
    weft_content content = WEFT_CONTENT_INIT;
    struct record record;
    int rc = weft_file_load(log->path, 1 << 20, &content, WEFT_NEVER);

    if (rc < 0)
        return rc;
    for (size_t at = 0; at + sizeof(record) <= content.count; at += sizeof(record)) {
        memcpy(&record, content.bytes + at, sizeof(record));
        if (record.number != log->count + 1 || record.sum != sum_of(&record))
            break;
        log->count++;
    }
    weft_content_release(&content);
    return 0;
}

/* A name is as safe as its folder. */
static int sync_folder(const struct log *log)
{
    weft_fd folder = weft_open(log->folder, O_RDONLY | O_DIRECTORY, 0, WEFT_NEVER);

    if (folder < 0)
        return (int)folder;
    int rc = weft_fsync(folder, WEFT_NEVER);
    (void)weft_close(folder);
    return rc;
}

/* What is behind the last whole record was never acknowledged. */
static int open_log(struct log *log)
{
    log->file = weft_open(log->path, O_RDWR | O_CREAT, 0644, WEFT_NEVER);
    if (log->file < 0)
        return (int)log->file;
    int rc = log->careful ? sync_folder(log) : 0;
    if (rc == 0)
        rc = count_records(log);
    if (rc == 0)
        rc = weft_ftruncate(log->file, log->count * (int64_t)sizeof(struct record), WEFT_NEVER);
    return rc;
}

static int append_batch(struct log *log)
{
    struct record record;
    int rc = 0;

    for (uint32_t i = 1; i <= batch && rc == 0; i++) {
        int64_t offset = (log->count + i - 1) * (int64_t)sizeof(record);
        fill(&record, log->count + i);
        rc = weft_pwrite_all(log->file, &record, sizeof(record), offset, NULL, WEFT_NEVER);
    }
    if (rc == 0)
        rc = weft_fdatasync(log->file, WEFT_NEVER);
    for (uint32_t i = 1; i <= batch && rc == 0; i++)
        rc = weft_printf("%u\n", ++log->count) < 0 ? -EIO : 0;
    return rc;
}

static int app(void *arg)
{
    const weft_arguments *arguments = arg;
    static struct log log;

    if (arguments->count < 3)
        return weft_fail(-EINVAL, NULL, "usage: log FOLDER ACKNOWLEDGED [careful]");
    uint32_t acknowledged = (uint32_t)strtoul(arguments->values[2], NULL, 10);
    log.folder = arguments->values[1];
    log.careful = arguments->count > 3 && strcmp(arguments->values[3], "careful") == 0;
    (void)snprintf(log.path, sizeof(log.path), "%s/log", log.folder);
    int rc = open_log(&log);
    if (rc < 0)
        return weft_fail(rc, NULL, "cannot open %s", log.path);
    if (log.count < acknowledged)
        return weft_fail(-EIO, NULL, "%u records were acknowledged, %u are there", acknowledged,
                         log.count);
    while (rc == 0 && log.count < records)
        rc = append_batch(&log);
    (void)weft_close(log.file);
    return rc;
}

int main(int argc, char **argv)
{
    return weft_main(argc, argv, app, NULL);
}
