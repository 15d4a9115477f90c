/* SPDX-License-Identifier: Apache-2.0 */
#include "server/suggest.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t suggest_distance(struct str a, struct str b)
{
    /* Three rows of the table are enough: a swap looks back two. */
    size_t rows[3][SUGGEST_NAME_MAX + 1];
    size_t a_len = least(a.len, SUGGEST_NAME_MAX);
    size_t b_len = least(b.len, SUGGEST_NAME_MAX);

    for (size_t k = 0; k <= b_len; k++) {
        rows[0][k] = k;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *higher = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t k = 1; k <= b_len; k++) {
            size_t change = a.p[i - 1] == b.p[k - 1] ? 0 : 1;

            row[k] = least(least(above[k], row[k - 1]) + 1, above[k - 1] + change);
            if (i > 1 && k > 1 && a.p[i - 1] == b.p[k - 2] && a.p[i - 2] == b.p[k - 1]) {
                row[k] = least(row[k], higher[k - 2] + 1);
            }
        }
    }
    return rows[a_len % 3][b_len];
}

const char *suggest_nearest(struct str word, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t best = SUGGEST_NAME_MAX;

    if (word.len == 0 || word.len > SUGGEST_NAME_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        struct str name = str_from(names[i]);
        size_t distance = suggest_distance(word, name);
        size_t longer = name.len > word.len ? name.len : word.len;

        if (distance * 3 <= longer && distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
