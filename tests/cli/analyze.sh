#!/usr/bin/env bash
# The verb analyze: what it prints, stores and refuses.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/refused.sh"

expect_code 0 start 1 "$moecensus" train $small -o run
cp run.h5 before.h5

# One file: the table, the stored group, the same figures whatever the ranks.
expect_code 0 start 1 "$moecensus" analyze run.h5
has_line out '^ +H_bracket +[0-9.]+ +\[[0-9.]+, [0-9.]+\] +ESTIMATE '
has_line out '^ +covering_quoted +[0-9.]+ +STATED '
has_line out '^ +coactivation_residual +[0-9.e-]+ +MEASURED '
cp run.h5 one.h5
expect_code 0 start 1 "$moecensus" analyze run.h5 --json
cp out one.json
expect_code 0 start 3 "$moecensus" analyze run.h5 --json
cp out three.json
cat >check.py <<'END'
import json, sys
import h5py
import numpy as np
one, three = json.load(open("one.json")), json.load(open("three.json"))
assert one["file"] == "run.h5"
for title, figures in one["sheets"].items():
    exact = not title.endswith("spectra") and title != "weights"
    assert figures.keys() == three["sheets"][title].keys(), title
    for name, figure in figures.items():
        got, want = three["sheets"][title][name]["value"], figure["value"]
        residual = "residual" in name or "orthogonality" in name
        same = got == want if exact or want is None else residual or abs(got - want) <= 1e-9 * max(1, abs(want))
        assert same, (title, name, got, want)
        assert figure["grade"] and figure["formula"], (title, name)
        assert (figure["value"] is None) == ("missing" in figure), (title, name)
with h5py.File("before.h5") as before, h5py.File("run.h5") as after:
    assert set(after) - set(before) == {"analysis"}
    for title, figures in one["sheets"].items():
        group = after["analysis"][title]
        names = [name.decode() for name in group["figure"]]
        assert names == list(figures), title
        assert group["value"].dims[0].keys() == ["figure"]
        for name, value, grade in zip(names, group["value"][:], group["grade"][:]):
            want = figures[name]["value"]
            assert np.isnan(value) if want is None else abs(value - want) <= 1e-9 * max(1, abs(want)), (title, name)
            assert grade.decode() == figures[name]["grade"]
END
ok "JSON, /analysis and any number of ranks agree" "$PYTHON" check.py
cat >kept.py <<'END'
import h5py
with h5py.File("before.h5") as before, h5py.File("run.h5") as after:
    names = []
    before.visititems(lambda name, thing: names.append(name) if isinstance(thing, h5py.Dataset) else None)
    assert all((before[name][()] == after[name][()]).all() or before[name].dtype.kind == "f" for name in names)
    assert before.attrs["config"] == after.attrs["config"]
END
ok "all but /analysis is as it was" "$PYTHON" kept.py
cat >factor.py <<'END'
import json, math, sys
import h5py
import numpy as np
sheets = json.load(open(sys.argv[1]))["sheets"]
weights, bounds = sheets.get("weights"), sheets["bounds"]
with h5py.File("run.model.h5") as model:
    largest = []
    model["parameters"].visititems(lambda name, thing: largest.append(np.abs(thing[()]).max())
                                   if isinstance(thing, h5py.Dataset) and thing.dtype == np.float32 else None)
sizes = [bounds[name] for name in ("covering_kappa", "covering_R", "covering_M0")]
LF, n = bounds["covering_LF"]["value"], 64
if sys.argv[2] == "known":
    assert sizes[0]["value"] == weights["kappa"]["value"] == max(largest)
    assert sizes[1]["value"] == weights["output_bound"]["value"]
    assert sizes[2]["value"] == weights["expert_input_bound"]["value"]
    want = math.log(n) + sum(math.log(size["value"]) for size in sizes)
elif sys.argv[2] == "given":
    want = 20
else:
    assert all(size["value"] is None and "the model file" in size["missing"] for size in sizes) and not weights
    want = math.log(n)
assert abs(LF - want) < 1e-12 * want, (LF, want)
routing = 16 * 2 * (1 + math.log(8 / 2))
assert abs(bounds["covering_quoted"]["value"] - (17725 * want + routing)) < 1e-9 * 17725 * want
END
ok "the bound's factor is made of the weights" "$PYTHON" factor.py one.json known
expect_code 0 start 1 "$moecensus" analyze run.h5 --log-factor 20 --json
ok "unless it is given" "$PYTHON" factor.py out given
expect_code 0 start 1 "$moecensus" analyze run.h5 --json --skills 4 --natarajan 10 --ratio 1 --lipschitz 1 \
    --rademacher 0.1 --class-constant 2
cat >given.py <<'END'
import json, math
bounds = {name: figure["value"] for name, figure in json.load(open("out"))["sheets"]["bounds"].items()}
m, T, N, d, k = 64, 8, 4, 10, 2
second = 2 * math.sqrt((2 * k * N * d * math.log(T) + N * d * math.log(2 * m) + math.log(40)) / (2 * m))
assert abs(bounds["smoe_theorem"] - (0.4 + second)) < 1e-12 * second
assert bounds["smoe_theorem_repaired"] > 3 * math.sqrt(math.log(40) / (2 * m)) + 4 * math.sqrt(T / m)
assert 1 <= bounds["k_star"] <= T
F = 6 * 17725 * 8 * 2 * 16
assert abs(bounds["frontier_size"] - (2 * F / 12) ** (1 / 4)) < 1e-9 * F
END
ok "Theorem 1 and the frontier with all their inputs" "$PYTHON" given.py
mkdir alone
cp run.h5 alone
expect_code 0 start 1 "$moecensus" analyze alone/run.h5 --json
ok "without a model file its parts are missing" "$PYTHON" factor.py out unknown
expect_code 0 start 1 "$moecensus" analyze alone/run.h5 --model run.model.h5 --json
ok "with one elsewhere they are not" "$PYTHON" factor.py out known
expect_code 0 start 1 "$moecensus" analyze run.h5 --csv
has_line out '^file,sheet,name,value,low,high,level,unit,grade,formula,missing,suppressed,note$'

# A sweep leaves its files alone.
for seed in 1 2 3; do
    expect_code 0 start 1 "$moecensus" train $small model.seed=$seed -o "seed$seed"
done
sha256sum seed?.h5 >kept
expect_code 0 start 1 "$moecensus" analyze seed1.h5 seed2.h5 seed3.h5
has_line out '^sweep of 3 files$'
has_line out '^  seed3\.h5 +64 '
ok "the files of a sweep are as they were" sha256sum -c --quiet kept

# Counts of others.
printf '# counts\n1 12\n2 4\n4,1\n6 2\n8 1\n9 1\n15 2\n17 1\n22 1\n46 1\n' >spider.fof
expect_code 0 start 1 "$moecensus" analyze --fof spider.fof --ln-worst-case 20 --json
cat >spider.py <<'END'
import json
figures = json.load(open("out"))["sheets"]["counts"]
for name, want in {"chao1": 43.893, "H_cwj": 2.627, "hill_asy_q2": 8.175, "coverage_chao_jost": 0.9289}.items():
    assert abs(figures[name]["value"] - want) < 6e-4, name
END
ok "published figures of the spider counts" "$PYTHON" spider.py
printf 'pattern,count\na,4\nb,2\nc,1\nd,1\n' >four.csv
expect_code 0 start 1 "$moecensus" analyze --counts four.csv --json
ok "the entropy of (4, 2, 1, 1) is 1.75 bits" "$PYTHON" -c '
import json, math
assert abs(json.load(open("out"))["sheets"]["counts"]["H_plugin"]["value"] - 1.75 * math.log(2)) < 1e-14'
printf '10\n1 4\n2 3\n10 1\n' >units
expect_code 0 start 1 "$moecensus" analyze --incidence units
has_line out '^ +chao2 +[0-9.]+ '
has_line out '^ +coverage_inc +0\.[0-9]+ '
expect_code 0 start 1 "$moecensus" analyze --fof spider.fof
has_line out '^ +H_bracket +[0-9.]+ +\[[0-9.]+, -\] +ESTIMATE +nats; lower bound only; .*worst case'

# What it refuses.
at="1 3"
refused 2 'analyze: give results files, or one of --fof' analyze
at=1
refused 2 'analyze: --jsn is unknown or lacks its value' analyze run.h5 --jsn
refused 2 'analyze: --eta 2x: a number' analyze run.h5 --eta 2x
refused 2 'analyze: --merge takes two files' analyze --merge run.h5
refused 2 'analyze: --counts: only one of --fof, ' analyze --fof spider.fof --counts four.csv
refused 2 'analyze: --known-support 2\.5: a whole number' analyze --fof spider.fof --known-support 2.5
refused 1 'analyze: cannot open none\.h5: No such file' analyze none.h5
refused 1 'analyze: four\.csv is not an HDF5 file' analyze four.csv
refused 1 'analyze: run\.model\.h5 holds parameters, not results' analyze run.model.h5
refused 1 'analyze: .*there is no census step-00000007' analyze run.h5 --snapshot step-00000007
printf '1 -3\n' >negative
refused 1 'analyze: negative: line 1: -3 is negative' analyze --fof negative
printf '1 2\n2 0.5\n' >fraction
refused 1 'analyze: fraction: line 2: "0\.5' analyze --fof fraction
printf '7\n' >lone
refused 1 'analyze: lone: line 1: two numbers are wanted' analyze --fof lone
refused 1 'analyze: spider\.fof: 26 patterns, but at most exp\(2\)' analyze --fof spider.fof --ln-worst-case 2
printf '# nothing\n' >empty
refused 1 'analyze: empty: nothing was counted' analyze --fof empty
printf '5\n6 1\n' >beyond
refused 1 'analyze: beyond: a pattern stands in 6 of 5 units' analyze --incidence beyond
head -c 20000 run.h5 >cut.h5
refused 1 'analyze: (cannot open )?cut\.h5' analyze cut.h5
spoil() { # PYTHON: a copy of the file, changed
    cp before.h5 spoilt.h5
    "$PYTHON" -c "
import h5py
with h5py.File('spoilt.h5', 'a') as f:
    $1"
    sha256sum spoilt.h5 >kept
}
spoil 'f.attrs["schema_version"] = 2'
refused 1 'analyze: spoilt\.h5 has schema_version 2, this program reads 1' analyze spoilt.h5
spoil 'f["census/step-00000002/path/fof"][0, 1] += 1'
refused 1 'analyze: /census/step-00000002/path: fof does not add up to the samples' analyze spoilt.h5
refused 1 'analyze: spoilt\.h5: /census/step-00000002/path: fof does not add up' analyze seed1.h5 spoilt.h5
spoil 'f["census/step-00000002/path/held_out"][0, 2] = -1'
refused 1 'analyze: /census/step-00000002/path: held_out does not add up' analyze spoilt.h5
spoil 'del f["census/step-00000002/sequence/incidence"]; del f["census/step-00000002/sequence"]'
expect_code 0 start 1 "$moecensus" analyze spoilt.h5
spoil 'f["census/step-00000002/choices"][0, 0, 0, 0] = 100'
refused 1 'analyze: /census/step-00000002/choices: its layers or experts are not those of the loads' analyze spoilt.h5
spoil 'del f["census/step-00000002/path/split"]'
refused 1 'analyze: .*split' analyze spoilt.h5
ok "a refused file is as it was" sha256sum -c --quiet kept
tap_done
