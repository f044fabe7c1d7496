/* The OpenMP peer, built with libgomp and with libomp. OMP_NUM_THREADS says how many threads. */
#include <stdbool.h>

#include "tools/bench/checksum.h"
#include "tools/bench/divide.h"
#include "tools/bench/peers/beside.h"
#include "tools/bench/peers/peer.h"

static uint64_t visits[weft__checksum_batch];

static void run_batch(void)
{
    for (size_t i = 0; i < weft__checksum_batch; i++) {
#pragma omp task firstprivate(i)
        visits[i]++;
    }
#pragma omp taskwait
}

static int run_batches(const struct peer_request *request)
{
    uint64_t sum = 0;

    run_batch();
    int64_t start_ns = peer_clock_ns();
    for (uint64_t done = 0; done < request->count; done += weft__checksum_batch)
        run_batch();
    int64_t elapsed_ns = peer_clock_ns() - start_ns;
    for (uint64_t i = 0; i < weft__checksum_batch; i++)
        sum += (visits[i] - 1) * (i + 1);
    return peer_print(request, (double)elapsed_ns / (double)request->count, sum);
}

static int fork_join(const struct peer_request *request)
{
    int64_t start_ns = peer_clock_ns();

    for (uint64_t i = 0; i < request->count; i++) {
#pragma omp task
        visits[0]++;
#pragma omp taskwait
    }
    return peer_print(request, (double)(peer_clock_ns() - start_ns) / (double)request->count,
                      visits[0]);
}

static uint64_t fib(uint64_t n)
{
    uint64_t left = 0;

    if (n < 2)
        return n;
#pragma omp task shared(left) firstprivate(n)
    left = fib(n - 1);
    uint64_t right = fib(n - 2);
#pragma omp taskwait
    return left + right;
}

static int run_fib(const struct peer_request *request)
{
    int64_t start_ns = peer_clock_ns();
    uint64_t value = fib(request->count);

    return peer_print(request, (double)(peer_clock_ns() - start_ns) / 1e9, value);
}

static int mixed_echo(const struct peer_request *request)
{
    return peer_beside_run(request, fib);
}

/* The loop makes a region of its own, of two threads. */
static int loop_empty(const struct peer_request *request)
{
    enum { apart = 64 / sizeof(uint64_t) };
    int64_t start_ns = peer_clock_ns();

    for (uint64_t i = 0; i < request->count; i++) {
#pragma omp parallel for num_threads(2) schedule(static)
        for (size_t j = 0; j < 2; j++)
            visits[j * apart]++;
    }
    return peer_print(request, (double)(peer_clock_ns() - start_ns) / (double)request->count,
                      visits[0] + visits[apart]);
}

static double seconds_since(int64_t start_ns)
{
    return (double)(peer_clock_ns() - start_ns) / 1e9;
}

static void swap_keys(uint32_t *a, uint32_t *b)
{
    uint32_t x = *a;
    *a = *b;
    *b = x;
}

static void insert_keys(uint32_t *keys, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && keys[j] < keys[j - 1]; j--)
            swap_keys(&keys[j], &keys[j - 1]);
}

/* Hoare's, with the median of three. */
static size_t divide_keys(uint32_t *keys, size_t count)
{
    size_t middle = count / 2;
    size_t low = 0;
    size_t high = count - 1;

    if (keys[middle] < keys[0])
        swap_keys(&keys[middle], &keys[0]);
    if (keys[high] < keys[middle])
        swap_keys(&keys[high], &keys[middle]);
    if (keys[middle] < keys[0])
        swap_keys(&keys[middle], &keys[0]);
    uint32_t pivot = keys[middle];
    for (;; low++, high--) {
        while (keys[low] < pivot)
            low++;
        while (pivot < keys[high])
            high--;
        if (low >= high)
            return high + 1;
        swap_keys(&keys[low], &keys[high]);
    }
}

static void sort_part(uint32_t *keys, size_t count)
{
    enum { few = 16, alone = 4096 };

    while (count > few) {
        size_t low = divide_keys(keys, count);
        if (low >= alone) {
            uint32_t *part = keys;
#pragma omp task firstprivate(part, low)
            sort_part(part, low);
        } else {
            sort_part(keys, low);
        }
        keys += low;
        count -= low;
    }
    insert_keys(keys, count);
#pragma omp taskwait
}

static int sort_keys(const struct peer_request *request)
{
    uint32_t *keys = malloc(request->count * sizeof(*keys));

    if (keys == NULL)
        peer_fail("memory");
    uint64_t sum = weft__divide_fill(keys, request->count);
    int64_t start_ns = peer_clock_ns();
    sort_part(keys, request->count);
    double seconds = seconds_since(start_ns);
    return peer_print(request, seconds, weft__divide_in_order(keys, request->count, sum));
}

static int triad(const struct peer_request *request)
{
    size_t count = request->count;
    double *restrict a = malloc(count * sizeof(double));
    double *restrict b = malloc(count * sizeof(double));
    double *restrict c = malloc(count * sizeof(double));
    double sum = 0;

    if (a == NULL || b == NULL || c == NULL)
        peer_fail("memory");
#pragma omp parallel for num_threads(2) schedule(static)
    for (size_t i = 0; i < count; i++) {
        a[i] = 0;
        b[i] = 1;
        c[i] = 2;
    }
    int64_t start_ns = peer_clock_ns();
    for (int pass = 0; pass < weft__divide_passes; pass++) {
#pragma omp parallel for num_threads(2) schedule(static)
        for (size_t i = 0; i < count; i++)
            a[i] = b[i] + 3.0 * c[i];
    }
    double seconds = seconds_since(start_ns);
    for (size_t i = 0; i < count; i++)
        sum += a[i] / 7;
    double bytes = 3.0 * sizeof(double) * (double)count * weft__divide_passes;
    return peer_print(request, bytes / 1e9 / seconds, (uint64_t)sum);
}

static void place_queens(struct weft__divide_board *board)
{
    struct weft__divide_board next[weft__divide_queens];

    if (board->row == board->size) {
        board->solutions = 1;
        return;
    }
    uint32_t count = weft__divide_place(board, next);
    for (uint32_t i = 0; i < count; i++) {
#pragma omp task firstprivate(i) shared(next)
        place_queens(&next[i]);
    }
#pragma omp taskwait
    for (uint32_t i = 0; i < count; i++)
        board->solutions += next[i].solutions;
}

static int nqueens(const struct peer_request *request)
{
    struct weft__divide_board board = { .size = (uint32_t)request->count };
    int64_t start_ns = peer_clock_ns();

    place_queens(&board);
    return peer_print(request, seconds_since(start_ns), board.solutions);
}

static void count_nodes(struct weft__divide_node *node)
{
    struct weft__divide_node children[weft__divide_children];
    uint32_t count = weft__divide_grow(node, children);

    for (uint32_t i = 0; i < count; i++) {
#pragma omp task firstprivate(i) shared(children)
        count_nodes(&children[i]);
    }
#pragma omp taskwait
    node->nodes = 1;
    for (uint32_t i = 0; i < count; i++)
        node->nodes += children[i].nodes;
}

static int uts(const struct peer_request *request)
{
    struct weft__divide_node root = { 1, request->count, 0 };
    int64_t start_ns = peer_clock_ns();

    count_nodes(&root);
    return peer_print(request, seconds_since(start_ns), root.nodes);
}

static int matrix(const struct peer_request *request)
{
    struct weft__divide_matrices all = weft__divide_matrices_make(request->count);

    if (!weft__divide_matrices_fill(&all))
        peer_fail("memory");
    int64_t start_ns = peer_clock_ns();
#pragma omp parallel for num_threads(2) collapse(2) schedule(static)
    for (size_t row = 0; row < all.side; row += weft__divide_tile)
        for (size_t column = 0; column < all.side; column += weft__divide_tile)
            weft__divide_multiply(&all, row, column);
    double seconds = seconds_since(start_ns);
    return peer_print(request, seconds, weft__divide_weigh(&all));
}

static int stencil(const struct peer_request *request)
{
    size_t bytes = sizeof(double) * weft__divide_side * weft__divide_side;
    double *from = malloc(bytes);
    double *to = malloc(bytes);

    if (from == NULL || to == NULL)
        peer_fail("memory");
#pragma omp parallel for num_threads(2) schedule(static)
    for (size_t row = 0; row < weft__divide_side; row++) {
        weft__divide_fill_row(from, row);
        weft__divide_fill_row(to, row);
    }
    int64_t start_ns = peer_clock_ns();
    for (uint64_t sweep = 0; sweep < request->count; sweep++) {
#pragma omp parallel for num_threads(2) schedule(static)
        for (size_t row = 1; row < weft__divide_side - 1; row++)
            weft__divide_smooth(from, to, row);
        double *last = from;
        from = to;
        to = last;
    }
    double seconds = seconds_since(start_ns);
    return peer_print(request, seconds, weft__divide_hash(from));
}

static const struct row {
    const char *metric;
    bool loop; /* makes parallel regions itself; else it is the one thread of a region that forks */
    int (*run)(const struct peer_request *request);
} rows[] = {
    { "task_spawn_join", false, run_batches },
    { "fork_join_inline", false, fork_join },
    { "fib32_1w", false, run_fib },
    { "sort_2w", false, sort_keys },
    { "nqueens_2w", false, nqueens },
    { "uts_2w", false, uts },
    { "loop_empty_2w", true, loop_empty },
    { "triad_2w", true, triad },
    { "matrix_2w", true, matrix },
    { "stencil_2w", true, stencil },
};

static const struct row beside = { "mixed_echo", false, mixed_echo };

static int run_row(const struct row *row, const struct peer_request *request)
{
    int status = 1;

    if (row->loop)
        return row->run(request);
#pragma omp parallel
#pragma omp single
    status = row->run(request);
    return status;
}

int main(int argc, char **argv)
{
    struct peer_request request = peer_parse(argc, argv);

    if (peer_is_beside(&request))
        return run_row(&beside, &request);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (peer_is(&request, rows[i].metric))
            return run_row(&rows[i], &request);
    return peer_unknown(&request);
}
