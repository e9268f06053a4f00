#!/usr/bin/env bash
# Analyses of many files: one table, regressions by all ranks, the dimension of the inputs, two files at equal coverage,
# and the file that a sweep is stored in.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/refused.sh"

if ! "$PYTHON" -c 'import h5py, numpy' 2>err; then
    skip 1 "Python has no h5py or no numpy"
    tap_done
fi

# Sizes that vary independently, experts below a quarter of n, each with two seeds.
grid="model.width=8 model.layers=1 train.loss=squared"
run() { # NAME [SETTING...]
    local name=$1
    shift
    expect_code 0 start 1 "$moecensus" train $small $grid "$@" -o "$name"
}
files=
for seed in 1 2; do
    i=0
    for sizes in "1024 4 1 1" "1024 4 2 1" "1024 4 1 2" "1024 4 2 2" "2048 2 1 1" "2048 4 2 2" "2048 8 1 1"; do
        set -- $sizes
        i=$((i + 1))
        run "run$i-$seed" data.n="$1" model.experts="$2" model.top_k="$3" model.expert_width="$4" model.seed=$seed
        files="$files run$i-$seed.h5"
    done
done
sha256sum $files >kept

# One table, a line a file.
expect_code 0 start 1 "$moecensus" analyze $files
cp out table
has_line table '^sweep of 14 files$'
has_line table '^ +COUNT +COUNT .* MEASURED '
ok "one line a file, one after the other" test "$(grep -n '^  run' table | cut -d: -f1 | sort -n | uniq | wc -l)" = 14 \
    -a "$(($(grep -n '^  run7-2' table | cut -d: -f1) - $(grep -n '^  run1-1' table | cut -d: -f1)))" = 13
has_line table '^  run3-2\.h5 +1024 +4 +1 +2 '
has_line table '^ +regression_residual +[0-9.e-]+ +MEASURED'
has_line table '^ +gap_residual +[0-9.e-]+ +MEASURED'

# The same for every number of ranks; what passes through ScaLAPACK to 1e-9.
for ranks in 1 2 3 4; do
    expect_code 0 start $ranks "$moecensus" analyze $files --json
    cp out $ranks.json
done
cat >ranks.py <<'END'
import json
one = json.load(open("1.json"))
for ranks in "234":
    other = json.load(open(ranks + ".json"))
    assert other["rows"] == one["rows"]
    for title, figures in one["sheets"].items():
        for name, want in figures.items():
            got = other["sheets"][title][name]
            fitted = title == "sweep" and name.startswith(("regression_", "gap_"))
            if not fitted or name.endswith("_residual"):
                assert got.keys() == want.keys() and (got == want or fitted), (title, name)
                continue
            for key in "value", "low", "high":
                a, b = got.get(key), want.get(key)
                assert a == b or abs(a - b) <= 1e-9 * abs(b), (name, key, a, b)
END
ok "1 to 4 ranks say the same" "$PYTHON" ranks.py

# Both regressions, by NumPy from the rows.
cat >lstsq.py <<'END'
import json, math
import numpy as np
report = json.load(open("1.json"))
sweep = report["sheets"]["sweep"]
value = lambda row, name: row["figures"][name]["value"]
rows = report["rows"]
assert [row["file"] for row in rows] == [line.split()[1] for line in open("kept")]
y = np.log([value(row, "test_error") for row in rows])
x = np.array([[1] + [math.log(value(row, name)) for name in ("n", "parameters_active", "parameters_total")]
              for row in rows])
want, squares, rank, _ = np.linalg.lstsq(x, y, rcond=None)
error = np.sqrt(np.diag(np.linalg.inv(x.T @ x)) * squares[0] / (len(y) - 4))
t = 2.2281388519649385  # 97.5 %, 10 degrees of freedom
for name, b, e in zip(("intercept", "n", "N_active", "N_total"), want, error):
    got = sweep["regression_" + name]
    assert abs(got["value"] - b) <= 1e-9 * abs(b), (name, got, b)
    assert abs(got["high"] - b - t * e) <= 1e-8 * (abs(b) + t * e), (name, got, b, e)
    assert got["level"] == 0.95 and got["grade"] == "ESTIMATE"
assert sweep["regression_residual"]["value"] < 1e-10
x, y = [], []
for row in rows:
    experts, top_k, width = (value(row, name) for name in ("experts", "top_k", "expert_width"))
    each = 16 * width + width + 8
    active, used = value(row, "parameters_active"), (value(row, "experts_used") - top_k) * each
    term = 8 * top_k * (1 + math.log(experts / top_k))
    weight = math.sqrt(1 / (active + used))
    x.append([weight * active, weight * used, weight * term])
    y.append(weight * value(row, "n") * value(row, "gap_control_variate") / value(row, "noise"))
assert sweep["gap_runs"]["value"] == 14
columns = 3 if sweep["gap_c3"]["value"] is not None else 2
want = np.linalg.lstsq(np.array(x)[:, :columns], np.array(y), rcond=None)[0]
for i in range(columns):
    got = sweep["gap_c%d" % (i + 1)]
    assert abs(got["value"] - want[i]) <= 1e-8 * abs(want[i]), (i, got, want)
    assert got["low"] < want[i] < got["high"]
assert sweep["gap_residual"]["value"] < 1e-10
END
ok "NumPy finds the same coefficients and intervals" "$PYTHON" lstsq.py

# Stored: a column a figure, a row a file; the fits beside it.
expect_code 0 start 2 "$moecensus" analyze $files -o all
has_line out '^written: all\.h5$'
cat >stored.py <<'END'
import json
import h5py
import numpy as np
report = json.load(open("1.json"))
with h5py.File("all.h5") as f:
    assert f.attrs["kind"] == b"sweep" and f.attrs["format"] == b"moecensus" and f.attrs["schema_version"] == 1
    assert b"analyze run1-1.h5" in f.attrs["command"]
    table = f["sweep"]
    assert [name.decode() for name in table["file"][:]] == [row["file"] for row in report["rows"]]
    names = list(report["rows"][0]["figures"])
    assert sorted(table) == sorted(names + ["file"])
    for name in names:
        want = [row["figures"][name]["value"] for row in report["rows"]]
        assert np.array_equal(table[name][:], np.array(want, dtype=float), equal_nan=True), name
        assert table[name].dims[0].keys() == ["file"] and table[name].attrs["grade"]
    assert table["n"].attrs["units"] == b"sequences"
    for title, figures in report["sheets"].items():
        group = f["analysis"][title]
        assert [name.decode() for name in group["figure"][:]] == list(figures)
        assert group["value"].dims[0].keys() == ["figure"]
        for figure, value in zip(figures.values(), group["value"][:]):
            want = figure["value"]
            assert np.isnan(value) if want is None else abs(value - want) <= 1e-9 * max(1, abs(want))
    assert set(f) == {"sweep", "analysis"}
END
ok "the file has what is printed" "$PYTHON" stored.py
if "$PYTHON" -c 'import xarray' 2>tap.log; then
    ok "xarray opens it" "$PYTHON" -c '
import xarray
table = xarray.open_dataset("all.h5", engine="h5netcdf", group="/sweep")
assert table["test_error"].dims == ("file",) and table.sizes["file"] == 14'
else
    skip 1 "Python has no xarray"
fi
sha256sum all.h5 >stored
refused 2 'analyze: all\.h5 is there already .*or give --overwrite' analyze run1-1.h5 run2-1.h5 -o all
ok "it is as it was" sha256sum -c --quiet stored
expect_code 0 start 1 "$moecensus" analyze run1-1.h5 run2-1.h5 -o all.h5 --overwrite
ok "and new where that is asked for" "$PYTHON" -c '
import h5py; assert len(h5py.File("all.h5", "r")["sweep/file"]) == 2'
refused 74 'analyze: cannot write none/all\.h5\.part: No such file' analyze run1-1.h5 run2-1.h5 -o none/all
mkdir folder.h5
refused 74 'analyze: cannot rename folder\.h5\.part: ' analyze run1-1.h5 run2-1.h5 -o folder --overwrite
ok "nothing is left of it" test ! -e folder.h5.part
refused 2 'analyze: -o goes with two files or more' analyze run1-1.h5 -o one
refused 1 'analyze: all\.h5 holds sweep, not results' analyze all.h5
refused 1 'analyze: .*none\.h5' analyze run1-1.h5 none.h5 -o never
ok "nothing is written for what cannot be read" test ! -e never.h5 -a ! -e never.h5.part
ok "the files of a sweep are as they were" sha256sum -c --quiet kept

# Two files at equal coverage, censuses too; the other way round the ratios turn over, and a file equals itself.
counted="census.sequences=2048 census.batch=1024"
expect_code 0 start 1 "$moecensus" census run7-1.model.h5 $counted -o long
expect_code 0 start 1 "$moecensus" census run7-2.model.h5 census.sequences=300 -o short
expect_code 0 start 1 "$moecensus" analyze long.h5 short.h5
has_line out '^compare/sequence$'
has_line out '^ +equal_coverage +[0-9.]+ +ESTIMATE +first: long\.h5 step-00000002, second: short\.h5 step-00000002$'
has_line out '^ +equal_ratio_hill1 +[0-9.]+ +ESTIMATE'
expect_code 0 start 1 "$moecensus" analyze long.h5 short.h5 --csv
has_line out '^sweep of 2 files,compare/path,equal_ratio_hill2,[0-9.]+,'
expect_code 0 start 2 "$moecensus" analyze long.h5 short.h5 --json
cp out there.json
expect_code 0 start 1 "$moecensus" analyze short.h5 long.h5 --json
cp out back.json
cp long.h5 same.h5
expect_code 0 start 1 "$moecensus" analyze long.h5 same.h5 --json
cp out same.json
cat >compare.py <<'END'
import json, math
import h5py
there, back, same = (json.load(open(name + ".json"))["sheets"] for name in ("there", "back", "same"))
scopes = [title for title in there if title.startswith("compare/")]
assert {"compare/expert/layer-00", "compare/subset/layer-00", "compare/path", "compare/sequence"} == set(scopes)
for title in scopes:
    for order in "hill0", "hill1", "hill2":
        name = "equal_ratio_" + order
        assert abs(there[title][name]["value"] * back[title][name]["value"] - 1) < 1e-9, (title, name)
        assert same[title][name]["value"] == 1
# patterns in m of n samples, from the tables: sum f_j (1 - C(n - j, m) / C(n, m))
figures = {name: figure["value"] for name, figure in there["compare/sequence"].items()}
fof = h5py.File("long.h5", "r")["census/step-00000002/sequence/fof"][:]
n, m = int((fof[:, 0] * fof[:, 1]).sum()), int(figures["equal_m_first"])
assert m < n and figures["equal_C_first"] >= figures["equal_coverage"]
want = sum(f * (1 - math.comb(n - j, m) / math.comb(n, m)) for j, f in fof.tolist())
assert abs(figures["equal_hill0_first"] - want) < 1e-9 * want
END
ok "ratios turn over, and patterns are those of rarefaction" "$PYTHON" compare.py

# The dimension of the inputs, a sheet for every source: within 5 % on the torus.
for d in 1 2 3; do
    run dim$d data.dim=$d
done
printf 'in the beginning was the word %.0s' {1..40} >book
run book data.source=text data.path=book data.tokens=8 train.loss=cross-entropy census.sequences=8 data.test_n=8
mkdir idx
"$PYTHON" - <<'END'
import numpy as np
random = np.random.default_rng(1)
for name, count in ("train", 80), ("t10k", 400):
    plane = random.random((count, 2)) @ random.random((2, 16))
    pixels = (40 * plane).clip(0, 255).astype(np.uint8).tobytes()
    head = lambda kind, *sizes: bytes([0, 0, 8, kind]) + b"".join(size.to_bytes(4, "big") for size in sizes)
    open(f"idx/{name}-images-idx3-ubyte", "wb").write(head(3, count, 4, 4) + pixels)
    open(f"idx/{name}-labels-idx1-ubyte", "wb").write(head(1, count) + bytes(i % 8 for i in range(count)))
END
run images data.source=idx data.path=idx data.patch=2 train.loss=cross-entropy
expect_code 0 start 1 "$moecensus" analyze dim1.h5 dim2.h5 dim3.h5 book.h5 images.h5 run1-1.h5
has_line out '^source-1$'
has_line out '^ +twonn_dimension +[12]\.[0-9]+ +\[[0-9., ]+\] +ESTIMATE +torus, data\.dim=2; '
expect_code 0 start 1 "$moecensus" analyze dim1.h5 dim2.h5 dim3.h5 book.h5 images.h5 run1-1.h5 --json
cat >dimension.py <<'END'
import json
sheets = json.load(open("out"))["sheets"]
sources = [sheets[title]["twonn_dimension"] for title in sheets if title.startswith("source-")]
assert len(sources) == 5 and all(source["grade"] == "ESTIMATE" for source in sources)
for d in 1, 2, 3:
    got = sources[d - 1]
    print(d, got["value"])
    assert abs(got["value"] - d) < 0.05 * d and got["low"] < got["value"] < got["high"]
assert sources[3]["value"] is None and "symbols" in sources[3]["missing"]
assert 1 < sources[4]["value"] < 4, sources[4]
END
ok "torus, text and images have the dimension they should" "$PYTHON" dimension.py
mv idx elsewhere
expect_code 0 start 1 "$moecensus" analyze images.h5
has_line out '^ +twonn_dimension +- +ESTIMATE +.*idx/train-images-idx3-ubyte\.gz: missing'
mkdir idx
cp elsewhere/* idx
printf '\377' | dd of=idx/t10k-images-idx3-ubyte bs=1 seek=100 conv=notrunc status=none
expect_code 0 start 1 "$moecensus" analyze images.h5
has_line out '^ +twonn_dimension +- +ESTIMATE +the files at data\.path are not those of the run$'
tap_done
