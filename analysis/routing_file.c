#include "analysis/routing_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/abundance.h"
#include "analysis/counts_file.h"
#include "src/pool.h"

enum { PATH = 256 };

void moe_routing_clear(struct moe_routing_file *file)
{
    void *const arrays[] = {file->load,        file->load_by_label, file->coactivation, file->margin, file->gate_energy,
                            file->margin_edge, file->entropy,       file->collision,    file->choices, file->earlier};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        moe_pool_free(arrays[i]);
    memset(file, 0, sizeof *file);
}

/* Reads a whole dataset of `rank` dimensions, whose lengths go to shape; null where the file does not have it. */
static void *read_whole(struct moe_reader *reader, const char *path, enum moe_type type, size_t size, int rank,
                        int64_t *shape, struct moe_error *err)
{
    size_t count = 1;
    const int64_t start[4] = {0};
    memset(shape, 0, (size_t)rank * sizeof *shape);
    if (err->code != MOE_OK || !moe_reader_has(reader, path) ||
        moe_reader_shape(reader, path, rank, shape, err) != MOE_OK)
        return NULL;
    for (int i = 0; i < rank; i++)
        count *= (size_t)shape[i];
    void *data = moe_pool_new(MOE_POOL_FILES, count, size);
    moe_reader_slab(reader, path, type, rank, shape, start, shape, data, err);
    return data;
}

/* Measured entropy and order-2 number of the K-sets of each layer. */
static void measure_subsets(struct moe_routing_file *file, struct moe_reader *reader, const char *snapshot)
{
    const int layers = file->routing.layers;
    file->entropy = moe_pool_new(MOE_POOL_FILES, (size_t)layers, sizeof(double));
    file->collision = moe_pool_new(MOE_POOL_FILES, (size_t)layers, sizeof(double));
    for (int l = 0; l < layers; l++) {
        char path[PATH];
        struct moe_rows fof;
        struct moe_error none = {0};
        file->entropy[l] = file->collision[l] = NAN;
        snprintf(path, sizeof path, "/census/%s/subset/layer-%02d/fof", snapshot, l);
        if (moe_reader_has(reader, path) && moe_rows_read(&fof, reader, path, &none) == MOE_OK) {
            const struct moe_abundance a = moe_abundance_of(fof.value, fof.rows);
            file->entropy[l] = a.entropy;
            file->collision[l] = a.collision;
            moe_pool_free(fof.value);
        }
    }
}

/* Choices of one snapshot, of the layers and experts that the loads have; null where the file does not have them. */
static int16_t *choices_of(const struct moe_routing *routing, struct moe_reader *reader, const char *snapshot,
                           int64_t *shape, struct moe_error *err)
{
    char path[PATH];
    snprintf(path, sizeof path, "/census/%s/choices", snapshot);
    int16_t *choices = read_whole(reader, path, MOE_I16, sizeof *choices, 4, shape, err);
    const int64_t count = choices ? shape[0] * shape[1] * shape[2] * shape[3] : 0;
    int64_t right = 0;
    while (err->code == MOE_OK && right < count && choices[right] >= 0 && choices[right] < routing->experts)
        right++;
    if (err->code == MOE_OK && choices && (shape[2] != routing->layers || right < count))
        moe_fail(err, MOE_INPUT, "%s: its layers or experts are not those of the loads", path);
    return choices;
}

static void read_choices(struct moe_routing_file *file, struct moe_reader *reader, const char *snapshot,
                         const char *earlier, struct moe_error *err)
{
    int64_t shape[4], before[4];
    file->choices = choices_of(&file->routing, reader, snapshot, shape, err);
    file->routing.kept = shape[0];
    file->routing.tokens = (int)shape[1];
    file->routing.top_k = (int)shape[3];
    if (earlier)
        file->earlier = choices_of(&file->routing, reader, earlier, before, err);
    if (file->earlier && err->code == MOE_OK && memcmp(shape, before, sizeof shape) != 0)
        moe_fail(err, MOE_INPUT, "the choices of %s have another shape than those of %s", earlier, snapshot);
}

/* Every array of one snapshot; an array whose layers or experts are not those of the load contradicts it. */
static enum moe_status read_arrays(struct moe_routing_file *file, struct moe_reader *reader, const char *group,
                                   struct moe_error *err)
{
    char path[PATH];
    int64_t load[2], energy[2], labels[3], pairs[4], margin[2], edges[1];
    struct moe_routing *routing = &file->routing;
#define AT(name) (snprintf(path, sizeof path, "%s/%s", group, name), path)
    file->load = read_whole(reader, AT("load"), MOE_I64, sizeof(int64_t), 2, load, err);
    file->gate_energy = read_whole(reader, AT("gate_energy"), MOE_REAL64, sizeof(double), 2, energy, err);
    if (err->code == MOE_OK && (!file->load || !file->gate_energy || memcmp(load, energy, sizeof load) != 0))
        return moe_fail(err, MOE_INPUT, "%s: load or gate_energy is missing, or they differ in shape", group);
    file->load_by_label = read_whole(reader, AT("load_by_label"), MOE_I64, sizeof(int64_t), 3, labels, err);
    file->coactivation = read_whole(reader, AT("coactivation"), MOE_I64, sizeof(int64_t), 4, pairs, err);
    if (!file->coactivation) {
        file->coactivation = read_whole(reader, AT("coactivation_adjacent"), MOE_I64, sizeof(int64_t), 4, pairs, err);
        routing->adjacent = file->coactivation != NULL;
    }
    file->margin = read_whole(reader, AT("margin"), MOE_I64, sizeof(int64_t), 2, margin, err);
    file->margin_edge = read_whole(reader, AT("margin_edge"), MOE_REAL64, sizeof(double), 1, edges, err);
#undef AT
    if (err->code != MOE_OK)
        return err->code;
    if ((file->load_by_label && (labels[0] != load[0] || labels[1] != load[1])) ||
        (file->coactivation && (pairs[0] != load[0] || pairs[1] != (routing->adjacent ? 2 : load[1]) ||
                                pairs[2] != load[!!routing->adjacent] || pairs[3] != load[1])) ||
        (file->margin && (margin[0] != load[0] || !file->margin_edge || edges[0] != margin[1] + 1)))
        return moe_fail(err, MOE_INPUT, "%s: its arrays contradict each other in shape", group);
    routing->layers = (int)load[0];
    routing->experts = (int)load[1];
    routing->labels = file->load_by_label ? (int)labels[2] : 0;
    routing->margin_bins = file->margin ? (int)margin[1] : 0;
    return MOE_OK;
}

enum moe_status moe_routing_read(struct moe_routing_file *file, struct moe_reader *reader, const char *snapshot,
                                 const char *earlier, struct moe_error *err)
{
    char group[PATH / 2];
    struct moe_routing *routing = &file->routing;
    memset(file, 0, sizeof *file);
    snprintf(group, sizeof group, "/routing/%.63s", snapshot);
    if (read_arrays(file, reader, group, err) != MOE_OK)
        return err->code;
    read_choices(file, reader, snapshot, earlier, err);
    measure_subsets(file, reader, snapshot);
    routing->load = file->load;
    routing->load_by_label = file->load_by_label;
    routing->coactivation = file->coactivation;
    routing->margin = file->margin;
    routing->margin_edge = file->margin_edge;
    routing->choices = file->choices;
    routing->earlier = file->earlier;
    routing->subset_entropy = file->entropy;
    routing->subset_collision = file->collision;
    return err->code;
}
