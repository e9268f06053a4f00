#!/bin/bash
# What the command line and the config file may say. All that is wrong with them ends with 2 (a file that cannot be
# read: 1) and one line with the key, the value and what is allowed.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/refused.sh"

# Help and the resolved settings.
expect_code 0 "$moecensus" --help
has_line out '^  moecensus train \[CONFIG\] \[section\.key=value \.\.\.\]'
has_line out '^  moecensus census NAME\.model\.h5'
ok "nothing on standard error" test ! -s err
expect_code 0 on 3 "$moecensus" --version
ok "the version is one line, printed once" test "$(wc -l <out)" = 1
has_line out '^moecensus [0-9]+\.[0-9]'
for verb in train census; do
    expect_code 0 "$moecensus" $verb --help
    has_line out "^moecensus $verb "
    has_line out '^  census\.batch .*1024 +power of two, 1 to 16777216 sequences +[a-z]'
done
ok "census shows no key that it refuses" test "$(grep -c '^  model\.' out)" = 0
expect_code 0 "$moecensus" train -h
has_line out '^  data\.source .*torus +torus, idx, text +'

expect_code 0 "$moecensus" train --print-config
cp out defaults.ini
has_line out '^\[parallel\]$'
has_line out '^shards = 16$'
expect_code 0 on 3 "$moecensus" train --print-config data.seed=7 train.rate=1e-3 census.sequences=1e8 \
    model.planted_law=zipf:1.50 model.router=planted data.path='a b/c=d' -o there/name
cp out changed.ini
has_line out '^seed = 7$'
has_line out '^rate = 0.001$'
has_line out '^sequences = 100000000$'
has_line out '^planted_law = zipf:1.5$'
has_line out '^path = a b/c=d$'
has_line out '^name = there/name$'
for print in defaults changed; do
    expect_code 0 "$moecensus" train $print.ini --print-config
    same_text out $print.ini
done
printf '# a comment\n[train]\nsteps = 3 ; another\n  batch=32\n[data]\nn = endless\n' >few.ini
expect_code 0 "$moecensus" train few.ini train.batch=64 --print-config
has_line out '^steps = 3$'
has_line out '^batch = 64$'
has_line out '^n = endless$'
if [ -w /dev/full ]; then
    full() { "$@" >/dev/full; }
    expect_code 74 full "$moecensus" train --print-config
    ok "a full standard output is said in one line" says 'train: cannot write standard output: '
else
    skip 2 "no /dev/full"
fi

# The command line.
at="1 3"
refused 2 'no verb given \(train, census, analyze, plan;'
refused 2 'unknown verb trian \(train, census, analyze, plan;' trian
refused 2 'train: unknown option --steps \(see moecensus train --help\)' train --steps 5
refused 2 'train: two files, a\.ini and b\.ini: train takes one' train a.ini train.steps=2 b.ini
at=1
refused 2 'unknown verb --train ' --train
refused 2 'unknown verb report ' report
refused 2 'train: -o needs a name' train -o
refused 2 'train: output\.name= is not allowed \(allowed: text, 1 to ' train -o ''
refused 2 'train: output\.name=.* is not allowed \(allowed: text, 1 to ' train -o "$(printf 'n%.0s' {1..5000})"
refused 2 'census: unknown option --follow ' census --follow
refused 2 'census: --resume is for train' census --resume auto
refused 2 'census: --resume needs auto or any-cpu' census --resume
refused 2 'census: no model given \(moecensus census NAME\.model\.h5\)' census census.sequences=64

# Keys and values.
at="1 3"
refused 2 'train: unknown key train\.stepz \(nearest known key: train\.steps\)' train train.stepz=5
refused 2 'train: model\.top_k=9 exceeds model\.experts=8: ' train model.top_k=9
at=1
refused 2 'train: unknown key batch \(nearest known key: (train|census)\.batch\)' train batch=5
refused 2 'train: train\.steps=0 is not allowed \(allowed: whole number, 1 to 9e\+?0?7 steps\)' train train.steps=0
refused 2 'train: train\.steps=-3 is not allowed ' train train.steps=-3
refused 2 'train: train\.steps=12x is not allowed ' train train.steps=12x
refused 2 'train: train\.steps= is not allowed ' train train.steps=
refused 2 'train: train\.rate=nan is not allowed \(allowed: number above 0, up to 1\)' train train.rate=nan
refused 2 'train: model\.experts=40000 is not allowed \(allowed: whole number, 1 to 32767\)' train model.experts=40000
refused 2 'train: census\.batch=1000 is not allowed \(allowed: power of two, ' train census.batch=1000
refused 2 'train: train\.loss=absolute is not allowed \(allowed: squared, cross-entropy\)' train train.loss=absolute
refused 2 'train: model\.planted_law=zipf:0 is not allowed \(allowed: uniform, zipf:S ' train model.planted_law=zipf:0

# Combinations.
refused 2 'train: model\.width=32 is not a multiple of model\.heads=3: use model\.heads=2 ' train model.heads=3
refused 2 'train: parallel\.shards=16 exceeds train\.batch=8: use train\.batch=16' train train.batch=8
refused 2 'train: parallel\.units=3 does not divide parallel\.shards=16: use parallel\.units=2' train parallel.units=3
refused 2 'train: the torus source has no classes: train\.loss must be squared' train train.loss=cross-entropy
refused 2 'train: data\.tokens=5 does not divide the torus source.s 32 numbers ' train data.tokens=5
refused 2 'train: data\.source=idx needs data\.path=FOLDER' train data.source=idx train.loss=cross-entropy
refused 2 'train: data\.source=text needs data\.path=FILE' train data.source=text train.loss=cross-entropy
refused 2 'train: model\.router=planted with .*zipf:1 cannot draw from more than 16777216 subsets' train \
    model.router=planted model.planted_law=zipf:1 model.experts=64 model.top_k=8
at=3
refused 2 'train: 3 ranks need parallel\.shards >= 3 \(now 2\): use at most 2 ranks or parallel\.shards=3' train \
    parallel.shards=2
at=1

# What a later version may know is refused by this one.
for key in parallel.groups parallel.threads model.capacity data.features data.split_seed output.timeline; do
    refused 2 "train: unknown key $key \(nearest known key: [a-z]+\.[a-z_]+\)" train $key=1
done
for word in data.source=sraven model.attention=hyla model.gate=sigmoid model.router=oracle model.router=hash-token \
    model.balance=bias parallel.exchange=window parallel.exchange=node; do
    refused 2 "train: $word is not allowed \(allowed: " train $word
done

# Config files.
at="1 3"
refused 1 'train: cannot read config file missing\.ini: No such file or directory' train missing.ini
: >empty.ini
refused 2 'train: empty\.ini: holds no setting ' train empty.ini
printf '[train]\nsteps = 5\nrates = 1\n' >unknown.ini
refused 2 'train: unknown\.ini: line 3: unknown key train\.rates \(nearest known key: train\.rate\)' train unknown.ini
at=1
printf '# nothing\n[train]\n' >section.ini
refused 2 'train: section\.ini: holds no setting ' train section.ini
printf '[model]\nlayers = 2\n\ntop_k = 0\n' >range.ini
refused 2 'train: range\.ini: line 4: model\.top_k=0 is not allowed ' train range.ini
printf '[model]\nlayers = 2\nlayers = 3\n' >twice.ini
refused 2 'train: twice\.ini: line 3: model\.layers is set twice' train twice.ini
printf '[model]\nlayers\n' >bare.ini
refused 2 'train: bare\.ini: line 2: neither \[section\] nor key = value' train bare.ini
printf '[model\nlayers = 2\n' >open.ini
refused 2 'train: open\.ini: line 1: a section name must end the line with \]' train open.ini
printf '[groups]\nlayers = 2\n' >other.ini
refused 2 'train: other\.ini: line 2: unknown key groups\.layers ' train other.ini
head -c 3000 /dev/zero >zero.ini
refused 2 'train: zero\.ini: not a config file ' train zero.ini
mkdir folder.ini
refused 1 'train: cannot read config file folder\.ini: Is a directory' train folder.ini

# What only deserves a warning.
expect_code 0 start 3 "$moecensus" train $small model.experts=2 model.top_k=1 -o warned
has_line err '^moecensus: warning: 3 ranks but model\.experts=2: the last 1 own no expert$'
has_line err '^moecensus: warning: model\.top_k=1 with model\.gate=topk-softmax: '
ok "two warnings, once each, and no fault" test "$(grep -c '^moecensus:' err)" = 2
rm warned.h5 warned.model.h5
ok "a refused run leaves no file" nothing_left
tap_done
