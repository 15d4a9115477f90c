/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - runs a target over every file of a folder, without libFuzzer. No file is a failure. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

enum { INPUT_SIZE_MAX = 8 * 1024 * 1024 };

/* Exactly its bytes, so that a read beyond them is seen by ASan. */
static int replay_file(const char *folder, const char *name)
{
    static char whole[INPUT_SIZE_MAX];
    char path[4096];
    uint8_t *copy;
    size_t size;
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "rbe");
    if (file == NULL) {
        (void)fprintf(stderr, "%s cannot be read\n", path);
        return 1;
    }
    size = fread(whole, 1, sizeof(whole), file);
    (void)fclose(file);
    copy = malloc(size > 0 ? size : 1);
    if (copy == NULL) {
        return 1;
    }
    for (size_t i = 0; i < size; i++) {
        copy[i] = (uint8_t)whole[i];
    }
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 0;
}

int main(int argc, char **argv)
{
    const struct dirent *entry;
    int failed = 0;
    int count = 0;
    DIR *folder;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: fuzz_TARGET FOLDER\n");
        return 2;
    }
    folder = opendir(argv[1]);
    if (folder == NULL) {
        (void)fprintf(stderr, "%s cannot be read\n", argv[1]);
        return 2;
    }
    for (entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.') {
            failed += replay_file(argv[1], entry->d_name);
            count++;
        }
    }
    (void)closedir(folder);
    printf("%d stored inputs\n", count);
    return failed == 0 && count > 0 ? 0 : 1;
}
