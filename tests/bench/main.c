/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/bench.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char *argv[]);
} subcommands[] = {
    {"make-table", bench_make_table},
    {"queue-tables", bench_queue_tables},
    {"wait-merged", bench_wait_merged},
    {"fill-devices", bench_fill_devices},
    {"fill-nodes", bench_fill_nodes},
    {"limit-xadd", bench_limit_xadd},
    {"limit-open", bench_limit_open},
    {"limit-insert", bench_limit_insert},
    {"limit-postgres", bench_limit_postgres},
    {"limit-fsync", bench_limit_fsync},
    {"constant-server", bench_constant_server},
    {"load", bench_load},
    {"nodes", bench_nodes},
    {"latency", bench_latency},
    {"json-readers", bench_json_readers},
};

int main(int argc, char *argv[])
{
    sh_error error = {0};
    bench_must(sh_crypto_init(&error), &error);
    for (size_t i = 0; argc > 1 && i < sizeof subcommands / sizeof subcommands[0]; i++)
        if (strcmp(argv[1], subcommands[i].name) == 0)
            return subcommands[i].run(argc - 2, argv + 2);
    (void)fputs("Usage: synchub-bench COMMAND [NAME=VALUE ...]; tests/bench/bench.py calls it\n",
                stderr);
    return 2;
}
