/* moe_share: the parts of a cut cover everything once, and the owner is the inverse. */
#include "src/share.h"

#include "tests/tap.h"

int main(void)
{
    static const int64_t sizes[] = {0, 1, 2, 5, 7, 16, 17, 100, INT64_C(3000000000)};
    static const int64_t cuts[] = {1, 2, 3, 5, 8, 16, 17, 101};
    for (size_t a = 0; a < sizeof sizes / sizeof *sizes; a++) {
        int cover = 1, even = 1, owner = 1;
        int64_t n = sizes[a];
        for (size_t b = 0; b < sizeof cuts / sizeof *cuts; b++) {
            int64_t parts = cuts[b], next = 0;
            for (int64_t part = 0; part < parts; part++) {
                int64_t first = moe_share_first(n, parts, part), count = moe_share_count(n, parts, part);
                cover &= first == next;
                even &= count == n / parts || count == n / parts + 1;
                even &= part == 0 || count <= moe_share_count(n, parts, part - 1);
                next = first + count;
                if (count > 0)
                    owner &= moe_share_owner(n, parts, first) == part && moe_share_owner(n, parts, next - 1) == part;
            }
            cover &= next == n && moe_share_first(n, parts, parts) == n;
        }
        ok(cover, "parts of %lld cover it without gap or overlap", (long long)n);
        ok(even, "parts of %lld differ by one at most, larger ones first", (long long)n);
        ok(owner, "the owner of a part's first and last of %lld is that part", (long long)n);
    }
    is_int(moe_share_first(5, 3, 1), 2, "5 in 3: the second part starts at 2");
    is_int(moe_share_count(5, 3, 2), 1, "5 in 3: the last part holds 1");
    is_int(moe_share_owner(5, 3, 3), 1, "5 in 3: thing 3 belongs to part 1");
    return tap_done();
}
