#include "src/progress.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "src/clock.h"

enum { BAR = 24 };

static FILE *open_line; /* where a bar waits for its next state */

void moe_progress_close(void)
{
    if (open_line)
        fputc('\n', open_line);
    open_line = NULL;
}

void moe_progress_begin(struct moe_progress *progress, FILE *out, const char *what, const char *unit, int64_t done,
                        int64_t total, double tokens)
{
    double now = moe_clock();
    moe_progress_close();
    *progress = (struct moe_progress){.out = out,
                                      .what = what,
                                      .unit = unit,
                                      .first = done,
                                      .told_done = done,
                                      .total = total,
                                      .tokens = tokens,
                                      .started = now,
                                      .told = now,
                                      .is_terminal = out && isatty(fileno(out))};
}

static void print_bar(const struct moe_progress *progress, int64_t done)
{
    char bar[BAR + 1];
    int full = (int)(done * BAR / progress->total);
    memset(bar, '.', BAR);
    memset(bar, '#', (size_t)full);
    bar[BAR] = '\0';
    fprintf(progress->out, "\r[%s] ", bar);
}

void moe_progress_tell(struct moe_progress *progress, int64_t done, double loss)
{
    double now = moe_clock(), pause = progress->is_terminal ? 0.5 : 10;
    int last = done >= progress->total;
    if (!progress->out || (!last && now - progress->told < pause))
        return;
    double since = now > progress->told ? now - progress->told : 1;
    double rate = (double)(done - progress->told_done) * progress->tokens / since;
    progress->told = now;
    progress->told_done = done;
    const double spent = now - progress->started, here = (double)(done - progress->first);
    const double left = spent * (double)(progress->total - done) / here;
    if (progress->is_terminal)
        print_bar(progress, done);
    fprintf(progress->out, "%s: %s %" PRId64 " of %" PRId64, progress->what, progress->unit, done, progress->total);
    if (isfinite(loss))
        fprintf(progress->out, ", loss %.5f", loss);
    if (last)
        fprintf(progress->out, ", %.0f tokens/s, took %.1f s%s\n",
                here * progress->tokens / (spent > 0 ? spent : 1), spent,
                progress->is_terminal ? "      " : "");
    else
        fprintf(progress->out, ", %.0f tokens/s, %.0f s left%s", rate, left, progress->is_terminal ? "   " : "\n");
    fflush(progress->out);
    open_line = progress->is_terminal && !last ? progress->out : NULL;
}
