/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim - runs the core through whole histories, each made from a seed.
 *
 *   sim --seeds N --seed FIRST [--verbose] [--no-cover]
 *
 * One seed in a hundred runs twice and must leave the same trace. At the end every situation of the list in
 * world.h must have been reached (not asked with --no-cover or fewer than 2,000 seeds).
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

enum { TWICE_EACH = 100, COVER_SEEDS_MIN = 2000 };

struct options {
    uint64_t seeds;
    uint64_t first;
    bool is_verbose;
    bool without_cover;
};

static volatile uint64_t seed_now;

/* An assertion of the core failed: say where. */
static void on_abort(int signal)
{
    static const char text[] = "sim: aborted in seed ";
    char digits[24];
    size_t at = sizeof(digits);

    digits[--at] = '\n';
    for (uint64_t rest = seed_now; at > 0 && (rest > 0 || at == sizeof(digits) - 1);
         rest /= 10) {
        digits[--at] = (char)('0' + rest % 10);
    }
    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0 ||
        write(STDERR_FILENO, digits + at, sizeof(digits) - at) < 0) {
        _exit(1);
    }
    _exit(128 + signal);
}

static void usage(void)
{
    fprintf(stderr, "usage: sim [--seeds N] [--seed FIRST] [--verbose] [--no-cover]\n");
    exit(2);
}

static uint64_t number(const char *text)
{
    char *end = NULL;
    uint64_t value = text != NULL ? strtoull(text, &end, 10) : 0;

    if (text == NULL || end == text || *end != '\0') {
        usage();
    }
    return value;
}

static struct options read_options(char **args)
{
    struct options options = { .seeds = 2000, .first = 1 };

    for (; *args != NULL; args++) {
        if (strcmp(*args, "--seeds") == 0) {
            options.seeds = number(*++args);
        } else if (strcmp(*args, "--seed") == 0) {
            options.first = number(*++args);
        } else if (strcmp(*args, "--verbose") == 0) {
            options.is_verbose = true;
        } else if (strcmp(*args, "--no-cover") == 0) {
            options.without_cover = true;
        } else {
            usage();
        }
    }
    return options;
}

static uint64_t run(struct world *world, uint64_t seed, const struct options *options,
                    uint64_t *steps)
{
    uint64_t trace;

    seed_now = seed;
    world->is_verbose = options->is_verbose;
    world_run(world, seed);
    trace = world->trace;
    *steps += world->steps;
    world_free(world);
    return trace;
}

int main(int argc, char **argv)
{
    struct options options = read_options(argc > 0 ? argv + 1 : argv);
    struct world *world = calloc(1, sizeof(*world));
    uint64_t steps = 0;
    uint32_t missing;

    if (world == NULL) {
        abort();
    }
    (void)signal(SIGABRT, on_abort);
    for (uint64_t seed = options.first; seed < options.first + options.seeds; seed++) {
        uint64_t trace = run(world, seed, &options, &steps);

        if (seed % TWICE_EACH == 0 && run(world, seed, &options, &steps) != trace) {
            fprintf(stderr, "sim: seed %" PRIu64 " leaves another trace the second time\n",
                    seed);
            return 1;
        }
    }
    free(world);
    missing = cover_report();
    printf("sim: %" PRIu64 " seeds from %" PRIu64 ", %" PRIu64
           " steps, %u situations missing\n",
           options.seeds, options.first, steps, missing);
    return missing > 0 && !options.without_cover && options.seeds >= COVER_SEEDS_MIN ? 1 : 0;
}
