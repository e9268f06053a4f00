#include "mpi/provenance.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "mpi/h5sum.h"
#include "src/kernels.h"
#include "src/matmul.h"
#include "src/pool.h"

enum { HOST_MAX = 64 };

/* The names of all ranks' hosts, each once in a row, on rank 0. */
static char *host_names(const struct moe_comm *comm)
{
    char host[HOST_MAX] = "";
    gethostname(host, sizeof host - 1);
    char *all = moe_pool_new(MOE_POOL_FILES, (size_t)comm->ranks, HOST_MAX);
    MPI_Gather(host, HOST_MAX, MPI_CHAR, all, HOST_MAX, MPI_CHAR, 0, comm->world);
    char *text = moe_pool_new(MOE_POOL_FILES, (size_t)comm->ranks, HOST_MAX + 1), *end = text;
    for (int p = 0; p < comm->ranks && comm->rank == 0; p++) {
        const char *name = all + p * HOST_MAX;
        if (p == 0 || strcmp(name, all + (p - 1) * HOST_MAX) != 0)
            end += sprintf(end, "%s%s", p ? " " : "", name);
    }
    moe_pool_free(all);
    return text;
}

void moe_program_build(char text[MOE_BUILD_TEXT])
{
    char buffer[1 << 14];
    size_t got;
    text[0] = '\0';
    FILE *file = fopen("/proc/self/exe", "rb");
    if (!file)
        return;
    XXH3_state_t *state = XXH3_createState();
    MOE_CHECK(state && XXH3_128bits_reset(state) == XXH_OK);
    while ((got = fread(buffer, 1, sizeof buffer, file)) > 0)
        XXH3_128bits_update(state, buffer, got);
    const XXH128_hash_t hash = XXH3_128bits_digest(state);
    if (!ferror(file))
        moe_sum_text((unsigned __int128)hash.high64 << 64 | hash.low64, text);
    XXH3_freeState(state);
    fclose(file);
}

void moe_file_common(struct moe_file *file, const struct moe_results *results, const char *kind)
{
    char mpi[MPI_MAX_LIBRARY_VERSION_STRING], hdf5[32];
    unsigned major, minor, release;
    int length;
    char build[MOE_BUILD_TEXT] = "";
    char *settings = moe_config_other_text(results->run), *hosts = host_names(results->comm);
    MPI_Get_library_version(mpi, &length);
    mpi[strcspn(mpi, "\n")] = '\0';
    H5get_libversion(&major, &minor, &release);
    if (results->comm->rank == 0)
        moe_program_build(build);
    snprintf(hdf5, sizeof hdf5, "%u.%u.%u", major, minor, release);

    moe_file_text(file, "/", "format", MOE_FILE_FORMAT);
    moe_file_text(file, "/", "kind", kind);
    moe_file_int(file, "/", "schema_version", MOE_SCHEMA_VERSION);
    moe_file_text(file, "/", "config", results->config);
    moe_file_text(file, "/", "data_checksum", results->checksum);
    moe_file_unsigned(file, "/", "data_seed", results->run->data.seed);
    moe_file_unsigned(file, "/", "model_seed", results->run->model.seed);
    moe_file_group(file, "/provenance");
    moe_file_text(file, "/provenance", "settings", settings);
    moe_file_text(file, "/provenance", "command", results->command);
    moe_file_text(file, "/provenance", "program", PACKAGE_STRING);
    moe_file_text(file, "/provenance", "build", build);
    moe_file_text(file, "/provenance", "resumed", results->resumed ? results->resumed : "");
    moe_file_int(file, "/provenance", "ranks", results->comm->ranks);
    moe_file_int(file, "/provenance", "threads", 1);
    moe_file_text(file, "/provenance", "hosts", hosts);
    moe_file_text(file, "/provenance", "blas", moe_matmul_library());
    moe_file_text(file, "/provenance", "cpu", moe_kernels_level());
    moe_file_text(file, "/provenance", "mpi", mpi);
    moe_file_text(file, "/provenance", "hdf5", hdf5);
    moe_pool_free(settings);
    moe_pool_free(hosts);
}
