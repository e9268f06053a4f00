#!/bin/bash
# Damaged or missing input: images, labels, texts and models. Each ends on every rank with one line that names the file.
. "${TOP_SRCDIR-.}/tests/tap.sh" || exit 1
. "$TOP_SRCDIR/tests/refused.sh"

# IDX files of 4 x 4 pixels: any bytes, as long as they are always the same.
u32() {
    printf "$(printf '\\%03o' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)))"
}

images() { # N [ROWS]
    printf '\0\0\10\3'
    u32 "$1"
    u32 "${2-4}"
    u32 4
    seq 1 10000 | head -c $(($1 * ${2-4} * 4))
}

labels() { # N
    printf '\0\0\10\1'
    u32 "$1"
    for ((i = 0; i < $1; i++)); do
        printf "\\$((i % 8))"
    done
}

train=train-images-idx3-ubyte
train_labels=train-labels-idx1-ubyte
test=t10k-images-idx3-ubyte
test_labels=t10k-labels-idx1-ubyte

fresh() { # makes the folder idx anew
    rm -rf idx
    mkdir idx
    images 80 >idx/$train
    labels 80 >idx/$train_labels
    images 70 >idx/$test
    labels 70 >idx/$test_labels
}

zipped() {
    fresh
    gzip -n idx/*
}

# Writes a byte, in octal, over one of a file.
poke() { # FILE PLACE BYTE
    printf "\\$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

idx="train $small data.source=idx data.path=idx data.patch=2 train.loss=cross-entropy"

fresh
expect_code 0 start 3 "$moecensus" $idx -o plain
zipped
expect_code 0 start 1 "$moecensus" $idx -o zipped
has_line out '^test loss .*, accuracy '
if "$PYTHON" -c 'import h5py' 2>tap.log; then
    expect_code 0 "$PYTHON" "$TOP_SRCDIR/tests/compare_h5.py" plain.h5 zipped.h5
else
    skip 1 "Python has no h5py"
fi
rm zipped.*

at="1 3"
rm idx/$train_labels.gz
refused 1 "train: idx/$train_labels.gz: missing, also without \.gz \(data\.path names " $idx
rm -r idx
refused 1 "train: idx/$train.gz: missing, also without " $idx
fresh && poke idx/$train 0 1
refused 1 "train: idx/$train: wrong magic 0x01000803: an IDX file starts with two zero bytes" $idx
fresh && truncate -s -1 idx/$test
refused 1 "train: idx/$test: truncated: 1135 bytes where the header promises 1136" $idx
fresh && printf x >>idx/$test_labels
refused 1 "train: idx/$test_labels: trailing bytes after the 78 that the header promises" $idx
fresh && labels 79 >idx/$train_labels
refused 1 "train: idx/$train holds 80 images but idx/$train_labels holds 79 labels" $idx
zipped && poke idx/$train.gz 100 377 && poke idx/$train.gz 101 0
refused 1 "train: idx/$train.gz: gzip data is damaged: [a-z]" $idx
at=1
zipped && truncate -s -10 idx/$test.gz
refused 1 "train: idx/$test.gz: gzip data is truncated" $idx
zipped && truncate -s -1 idx/$test_labels.gz
refused 1 "train: idx/$test_labels.gz: gzip data is truncated" $idx
zipped && poke idx/$train.gz $(($(stat -c %s idx/$train.gz) - 8)) 1
refused 1 "train: idx/$train.gz: gzip data is damaged: incorrect data check" $idx
fresh && : >idx/$test
refused 1 "train: idx/$test: truncated: 0 bytes, less than the IDX header's 16" $idx
fresh && poke idx/$test 2 15
refused 1 "train: idx/$test: IDX type 0x0d, where only 0x08 \(unsigned bytes\) is read" $idx
fresh && labels 80 >idx/$train
refused 1 "train: idx/$train: 1 dimensions where images have 3" $idx
fresh && images 0 >idx/$test
refused 1 "train: idx/$test: dimension 0 is zero: the file holds nothing" $idx
fresh && images 70 8 >idx/$test
refused 1 "train: $train holds images of 4 x 4 pixels but $test of 8 x 4|idx/$train holds images of 4 x 4 " $idx
fresh && poke idx/$train 4 377 && poke idx/$train 8 377 && poke idx/$train 12 377
refused 1 "train: idx/$train: (truncated|sizes .* are too large)" $idx
fresh && rm idx/$train && mkdir idx/$train
refused 1 "train: idx/$train: cannot be (read|opened): Is a directory" $idx
fresh
refused 2 "train: data\.patch=3 does not divide the images' 4 x 4 pixels" $idx data.patch=3
refused 2 "train: data\.n=81 is more than the 80 training images there are" $idx data.n=81
refused 2 "train: data\.n=endless needs an endless source: there are 80 training images" $idx data.n=endless
refused 2 "train: data\.test_n=71 is more than the 70 test images there are" $idx data.test_n=71
at="1 3"
held="there are 70 held-out sequences, and each counts once"
refused 2 "train: census\.sequences=71 from census\.first=0 on: $held" $idx census.sequences=71
at=1
refused 2 "train: census\.sequences=64 from census\.first=7 on: $held" $idx census.first=7

# Texts. Of 3,000 bytes the last 1,500 are held out: 93 sequences of 16.
seq 1 1000 | head -c 3000 >book
text="train $small data.source=text data.path=book data.holdout=0.5 data.tokens=16 model.mask=causal
    train.loss=cross-entropy"
expect_code 0 start 3 "$moecensus" $text -o text
at="1 3"
: >nothing
refused 1 'train: nothing: the text is empty' $text data.path=nothing
at=1
refused 1 'train: missing: cannot be opened: No such file or directory \(data\.path names ' $text data.path=missing
refused 1 'train: idx: cannot be read: Is a directory' $text data.path=idx
refused 2 'train: the text is too short: .* data\.tokens \+ 1 = 1501' $text data.tokens=1500
refused 2 'train: data\.test_n=94 is more than the 93 held-out sequences there are' $text data.test_n=94
refused 2 'train: census\.sequences=94 .*: there are 93 held-out ' $text census.sequences=94
refused 2 'train: the text source predicts bytes: train\.loss must be cross-entropy' $text train.loss=squared

# Models.
refused 1 'census: cannot open absent\.model\.h5: No such file or directory' census absent.model.h5
at="1 3"
refused 1 'census: book is not an HDF5 file' census book
refused 1 'census: plain\.h5 holds results, not a model \(give NAME\.model\.h5\)' census plain.h5
head -c 30000 plain.model.h5 >short.model.h5
refused 1 'census: cannot open short\.model\.h5: .*\(damaged, cut short, or still being written\)' census short.model.h5
refused 2 'census: census\.sequences=71 from census\.first=0 on: there are 70 ' census plain.model.h5 \
    census.sequences=71
sed 's/7/8/' book >changed
refused 2 'census: data\.path=changed is not what the model was trained on' census text.model.h5 data.path=changed
at=1
poke idx/$train_labels 20 7
refused 2 'census: data\.path=idx is not what the model was trained on' census plain.model.h5
refused 1 'census: idx: cannot be read: Is a directory' census text.model.h5 data.path=idx
refused 2 'census: model\.experts=4: the model decides this' census text.model.h5 model.experts=4
refused 2 'census: unknown key census\.sequence \(nearest known key: census\.sequences\)' census text.model.h5 \
    census.sequence=1
refused 2 'census: two files, text\.model\.h5 and plain\.model\.h5: ' census text.model.h5 plain.model.h5
at=3
refused 2 'census: 3 ranks need parallel\.shards >= 3 \(now 2\)' census text.model.h5 parallel.shards=2
at="1 3"
damaged() { # PYTHON WORDS: a copy of the text model, changed
    cp text.model.h5 damaged.model.h5
    "$PYTHON" -c "import h5py
f = h5py.File('damaged.model.h5', 'a')
$1" && refused 1 "$2" census damaged.model.h5
}
if "$PYTHON" -c 'import h5py' 2>tap.log; then
    "$PYTHON" -c 'import h5py; h5py.File("other.h5", "w")["x"] = 1'
    refused 1 'census: other\.h5 is not a moecensus file' census other.h5
    damaged 'del f["parameters/output/weight"]' 'census: .*there is no dataset /parameters/output/weight'
    damaged 'del f.attrs["config"]' 'census: damaged\.model\.h5: / has no attribute config'
    damaged 'f.attrs["step"] = "two"' 'census: damaged\.model\.h5: the attribute step of / is of another type'
else
    skip 1 "Python has no h5py"
fi
ok "a census that was refused leaves no file" test -z "$(find . -name '*census-*.h5*')"
mv book moved
expect_code 0 start 3 "$moecensus" census text.model.h5 data.path=moved
ok "a census finds a text that has moved" test -f text.census-0.h5
rm text.* plain.* short.* other.h5 damaged.* 2>tap.log
ok "a refused run leaves no file" nothing_left
tap_done
